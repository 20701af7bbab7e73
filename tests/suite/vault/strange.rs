//! Servers that do not answer as a Vault does.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use super::{
    Vaulted,
    stand_in::{Request, StandIn, answer},
};

const NOTHING: &str = "{\"errors\":[]}";
const MOUNT: &str = "{\"data\":{\"type\":\"kv\",\"options\":{\"version\":\"2\"}}}";
const WROTE: &str = "{\"data\":{\"version\":1,\"destroyed\":false}}";

/// A Vault without the secret, that answers the write as the test wants.
fn writing(written: Vec<u8>) -> impl Fn(&Request) -> Vec<u8> + Send + Sync {
    move |request| match request.method.as_str() {
        "POST" => written.clone(),
        _ if request.path.contains("/mounts/") => answer(200, &[], MOUNT),
        _ => answer(404, &[], NOTHING),
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let elsewhere = canary.local_addr().unwrap();
    for status in [301, 302, 303, 307, 308] {
        for scheme in ["https", "http"] {
            let to = format!("{scheme}://{elsewhere}/v1/secret/data/x");
            let headers = [("location", to.as_str())];
            let redirect = answer(status, &headers, "");
            let stand_in = StandIn::start(writing(redirect.clone()));
            let user = Vaulted::to_stand_in(&stand_in);
            let ran = user.push(&[]);
            assert_eq!(ran.code, 15, "{status}: {}", ran.stderr);
            assert_eq!(stand_in.requests().len(), 3);
            // The first request of all.
            let stand_in = StandIn::start(move |_| redirect.clone());
            let user = Vaulted::to_stand_in(&stand_in);
            let ran = user.push(&[]);
            if (status, scheme) == (307, "https") {
                let shown = user.snapshot(&ran);
                let shown = shown.replace(&elsewhere.to_string(), "[canary]");
                insta::assert_snapshot!("redirect", shown);
            }
            assert_eq!(ran.code, 15, "{status}: {}", ran.stderr);
            assert_eq!(stand_in.requests().len(), 1);
        }
    }
    assert!(canary.accept().is_err(), "a redirect was followed");
}

#[test]
fn answers_to_the_read() {
    let long = format!("{{\"data\":\"{}\"}}", "a".repeat(100_000));
    for (name, given) in [
        (
            "read_500",
            answer(500, &[], "{\"errors\":[\"disk\\u001b[31m on fire\"]}"),
        ),
        ("read_502", answer(502, &[], "<html>bad gateway</html>")),
        ("read_503", answer(503, &[], "")),
        (
            "read_429",
            answer(
                429,
                &[],
                "{\"errors\":[\"request path \\\"secret/\\\": rate limit quota exceeded\"]}",
            ),
        ),
        ("read_400", answer(400, &[], "{\"errors\":[\"no\"]}")),
        ("read_418", answer(418, &[], "teapot")),
        ("read_404", answer(404, &[], "<html>not here</html>")),
        ("read_204", answer(204, &[], "")),
        ("read_html", answer(200, &[], "<html>login</html>")),
        (
            "read_truncated",
            answer(200, &[], "{\"data\":{\"data\":{\"client_id\":"),
        ),
        ("read_empty", answer(200, &[], "{}")),
        (
            "read_version_0",
            answer(
                200,
                &[],
                "{\"data\":{\"data\":{},\"metadata\":{\"version\":0,\"destroyed\":false}}}",
            ),
        ),
        ("read_long", answer(200, &[], &long)),
        (
            "read_encoded",
            answer(200, &[("content-encoding", "gzip")], ""),
        ),
        ("read_not_http", b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        ("read_closed", Vec::new()),
    ] {
        let stand_in = StandIn::start(move |_| given.clone());
        let user = Vaulted::to_stand_in(&stand_in);
        let ran = user.push(&[]);
        assert_eq!(ran.stdout, "", "{name}");
        insta::assert_snapshot!(name, user.snapshot(&ran));
        assert!(stand_in.requests().iter().all(|it| it.method == "GET"));
    }
}

#[test]
fn answers_to_the_write() {
    for (name, given) in [
        (
            "write_500",
            answer(500, &[], "{\"errors\":[\"1 error occurred\"]}"),
        ),
        (
            "write_sealed",
            answer(503, &[], "{\"errors\":[\"Vault is sealed\"]}"),
        ),
        ("write_204", answer(204, &[], "")),
        ("write_html", answer(200, &[], "<html>ok</html>")),
        (
            "write_400",
            answer(
                400,
                &[],
                "{\"errors\":[\"check-and-set parameter required for this call\"]}",
            ),
        ),
        ("write_closed", Vec::new()),
        // It says that it has it, and does not.
        ("write_lost", answer(200, &[], WROTE)),
    ] {
        let stand_in = StandIn::start(writing(given));
        let user = Vaulted::to_stand_in(&stand_in);
        let ran = user.push(&[]);
        assert_eq!(ran.stdout, "", "{name}");
        insta::assert_snapshot!(name, user.snapshot(&ran));
        let writes = stand_in
            .requests()
            .iter()
            .filter(|it| it.method == "POST")
            .count();
        assert_eq!(writes, 1, "a write is not repeated");
    }
}

#[test]
fn words_that_repeat_a_secret() {
    let stand_in = StandIn::start(|request| {
        let token = request.head.split("x-vault-token: ").nth(1).unwrap();
        let token = token.lines().next().unwrap();
        answer(500, &[], &format!("{{\"errors\":[\"who is {token}?\"]}}"))
    });
    let user = Vaulted::to_stand_in(&stand_in);
    let ran = user.push(&[]);
    insta::assert_snapshot!("token_repeated", user.snapshot(&ran));
}

#[test]
fn the_write_has_what_it_should() {
    let stand_in = StandIn::start(writing(answer(200, &[], WROTE)));
    let user = Vaulted::to_stand_in(&stand_in);
    user.push(&[]);
    let requests = stand_in.requests();
    let write = requests.iter().find(|it| it.method == "POST").unwrap();
    let (id, secret) = user.client();
    let body: serde_json::Value = serde_json::from_slice(&write.body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "options": { "cas": 0 },
            "data": { "client_id": id, "client_secret": secret },
        })
    );
    let paths: Vec<_> = requests.iter().map(|it| it.path.as_str()).collect();
    let data = "/v1/secret/data/tazlab-k8s/static/infra/tailscale/k8s-operator";
    assert_eq!(
        paths,
        [
            data,
            "/v1/sys/internal/ui/mounts/secret",
            data,
            &format!("{data}?version=1")
        ]
    );
}

#[test]
fn a_namespace_is_a_part_of_the_path() {
    let stand_in = StandIn::start(|request| match request.path.as_str() {
        "/v1/sys/health" => answer(200, &[], "{\"enterprise\":true}"),
        _ => answer(404, &[], NOTHING),
    });
    let user = Vaulted::to_stand_in(&stand_in);
    user.run(
        user.command(&["--dry-run"])
            .env("VAULT_NAMESPACE", "team/lab/"),
    );
    let requests = stand_in.requests();
    assert!(
        !requests[0].head.contains("x-vault-token"),
        "{}",
        requests[0].head
    );
    let data = "/v1/team/lab/secret/data/tazlab-k8s/static/infra/tailscale/k8s-operator";
    assert_eq!(requests[1].path, data);
}

#[test]
fn a_read_is_given_up_on_and_a_write_is_not() {
    for (method, code) in [("GET", 130), ("POST", 16)] {
        let normally = writing(answer(200, &[], WROTE));
        let stand_in = StandIn::start(move |request| {
            if request.method == method {
                std::thread::sleep(Duration::from_millis(700));
            }
            normally(request)
        });
        let user = Vaulted::to_stand_in(&stand_in);
        let child = user.command(&[]).spawn().unwrap();
        while stand_in.requests().iter().all(|it| it.method != method) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let begun = Instant::now();
        let ran = user.world.finish(child);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        insta::assert_snapshot!(format!("interrupted_{method}"), user.snapshot(&ran));
        let waited = begun.elapsed() > Duration::from_millis(500);
        assert_eq!(waited, method == "POST", "{:?}", begun.elapsed());
    }
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let certificate = super::certificate::Certificate::new();
    let user = Vaulted::at(&url, &certificate.ca_pem, "root");
    let begun = Instant::now();
    let ran = user.push(&[]);
    insta::assert_snapshot!("silent", user.snapshot(&ran));
    assert!(begun.elapsed() < Duration::from_secs(8));
    drop(silent);
    let ran = user.push(&[]);
    insta::assert_snapshot!("closed", user.snapshot(&ran));
}
