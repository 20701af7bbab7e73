//! Servers that do not answer as a Vault does.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use insta::assert_snapshot;

use super::{
    Vaulted,
    stand_in::{Request, StandIn, answer},
};
use crate::ran::Ran;

const NOTHING: &str = r#"{"errors":[]}"#;
const MOUNT: &str = r#"{"data":{"type":"kv","options":{"version":"2"}}}"#;
const WROTE: &str = r#"{"data":{"version":1,"destroyed":false}}"#;

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
            assert_eq!(ran.code, 15, "{status}: {}", ran.stderr);
            assert_eq!(stand_in.requests().len(), 1);
        }
    }
    assert!(canary.accept().is_err(), "a redirect was followed");
}

#[test]
fn a_redirect_is_named() {
    let headers = [("location", "https://127.0.0.1:1/v1/secret/data/x")];
    let ran = push_answered(answer(307, &headers, ""));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: the vault sent 307, a redirect to https://127.0.0.1:1/v1/secret/data/x
    hint: redirects are not followed; set VAULT_ADDR to the address of the vault itself
    ");
}

/// Pushes to a server that gives every request this answer: nothing is written.
fn push_answered(given: Vec<u8>) -> Ran {
    let stand_in = StandIn::start(move |_| given.clone());
    let user = Vaulted::to_stand_in(&stand_in);
    let ran = user.push(&[]);
    assert!(stand_in.requests().iter().all(|it| it.method == "GET"));
    ran
}

#[test]
fn read_500() {
    let ran = push_answered(answer(500, &[], r#"{"errors":["disk\u001b[31m on fire"]}"#));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: the vault failed (500): disk [31m on fire
    hint: try again later; nothing was written
    ");
}

#[test]
fn read_502() {
    let ran = push_answered(answer(502, &[], "<html>bad gateway</html>"));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: the vault failed (502)
    hint: try again later; nothing was written
    ");
}

#[test]
fn read_503() {
    let ran = push_answered(answer(503, &[], ""));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: the vault failed (503)
    hint: try again later; nothing was written
    ");
}

#[test]
fn read_rate_limited() {
    let ran = push_answered(answer(
        429,
        &[],
        r#"{"errors":["request path \"secret/\": rate limit quota exceeded"]}"#,
    ));
    assert_snapshot!(ran, @r#"
    exit status: 14
    --- stderr
    error: the vault rejects the request (429): request path "secret/": rate limit quota exceeded
    hint: see the vault's audit log
    "#);
}

#[test]
fn read_400() {
    let ran = push_answered(answer(400, &[], r#"{"errors":["no"]}"#));
    assert_snapshot!(ran, @"
    exit status: 14
    --- stderr
    error: the vault rejects the request (400): no
    hint: see the vault's audit log
    ");
}

#[test]
fn read_418() {
    let ran = push_answered(answer(418, &[], "teapot"));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: unexpected response: it does not look like a vault's
    hint: see whether VAULT_ADDR is a vault's address
    ");
}

#[test]
fn read_404() {
    let ran = push_answered(answer(404, &[], "<html>not here</html>"));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: unexpected response: it does not look like a vault's
    hint: see whether VAULT_ADDR is a vault's address
    ");
}

#[test]
fn read_204() {
    let ran = push_answered(answer(204, &[], ""));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: unexpected response: it does not look like a vault's
    hint: see whether VAULT_ADDR is a vault's address
    ");
}

#[test]
fn read_a_page() {
    let ran = push_answered(answer(200, &[], "<html>login</html>"));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: unexpected response: it does not look like a vault's
    hint: see whether VAULT_ADDR is a vault's address
    ");
}

#[test]
fn read_truncated() {
    let ran = push_answered(answer(200, &[], r#"{"data":{"data":{"client_id":"#));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: unexpected response: it does not look like a vault's
    hint: see whether VAULT_ADDR is a vault's address
    ");
}

#[test]
fn read_nothing_of_a_secret() {
    let ran = push_answered(answer(200, &[], "{}"));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: unexpected response: it does not look like a vault's
    hint: see whether VAULT_ADDR is a vault's address
    ");
}

#[test]
fn read_version_0() {
    let ran = push_answered(answer(
        200,
        &[],
        r#"{"data":{"data":{},"metadata":{"version":0,"destroyed":false}}}"#,
    ));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: unexpected response: it does not look like a vault's
    hint: see whether VAULT_ADDR is a vault's address
    ");
}

#[test]
fn read_too_long() {
    let long = format!("{{\"data\":\"{}\"}}", "a".repeat(100_000));
    let ran = push_answered(answer(200, &[], &long));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: the response is longer than 65536 bytes
    hint: see whether VAULT_ADDR is right and the vault is up
    ");
}

#[test]
fn read_encoded() {
    let ran = push_answered(answer(200, &[("content-encoding", "gzip")], ""));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: the response is encoded in a way that was not asked for
    hint: see whether VAULT_ADDR is right and the vault is up
    ");
}

#[test]
fn read_not_http() {
    let ran = push_answered(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec());
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: the connection broke: invalid HTTP version parsed
    hint: see whether VAULT_ADDR is right and the vault is up
    ");
}

#[test]
fn read_closed() {
    let ran = push_answered(Vec::new());
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: the connection broke: connection closed before message completed
    hint: see whether VAULT_ADDR is right and the vault is up
    ");
}

/// Pushes to a Vault that gives the write this answer: it is written once.
fn push_written(given: Vec<u8>) -> Ran {
    let stand_in = StandIn::start(writing(given));
    let user = Vaulted::to_stand_in(&stand_in);
    let ran = user.push(&[]);
    let writes = stand_in
        .requests()
        .iter()
        .filter(|it| it.method == "POST")
        .count();
    assert_eq!(writes, 1, "a write is not repeated");
    ran
}

#[test]
fn write_500() {
    let ran = push_written(answer(500, &[], r#"{"errors":["1 error occurred"]}"#));
    assert_snapshot!(ran, @"
    exit status: 16
    --- stderr
    error: it is not known whether the vault has it: the vault failed (500): 1 error occurred
    hint: push again; if the first write arrived, nothing is written
    ");
}

#[test]
fn write_sealed() {
    let ran = push_written(answer(503, &[], r#"{"errors":["Vault is sealed"]}"#));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: the vault is sealed
    hint: unseal it: vault operator unseal; or, where it is new: vault operator init
    ");
}

#[test]
fn write_204() {
    let ran = push_written(answer(204, &[], ""));
    assert_snapshot!(ran, @"
    exit status: 16
    --- stderr
    error: it is not known whether the vault has it: unexpected response: it does not look like a vault's
    hint: push again; if the first write arrived, nothing is written
    ");
}

#[test]
fn write_a_page() {
    let ran = push_written(answer(200, &[], "<html>ok</html>"));
    assert_snapshot!(ran, @"
    exit status: 16
    --- stderr
    error: it is not known whether the vault has it: unexpected response: it does not look like a vault's
    hint: push again; if the first write arrived, nothing is written
    ");
}

#[test]
fn write_400() {
    let ran = push_written(answer(
        400,
        &[],
        r#"{"errors":["check-and-set parameter required for this call"]}"#,
    ));
    assert_snapshot!(ran, @"
    exit status: 14
    --- stderr
    error: the vault rejects the request (400): check-and-set parameter required for this call
    hint: see the vault's audit log
    ");
}

#[test]
fn write_closed() {
    let ran = push_written(Vec::new());
    assert_snapshot!(ran, @"
    exit status: 16
    --- stderr
    error: it is not known whether the vault has it: the connection broke: connection closed before message completed
    hint: push again; if the first write arrived, nothing is written
    ");
}

#[test]
fn write_that_is_not_there_afterwards() {
    let ran = push_written(answer(200, &[], WROTE));
    assert_snapshot!(ran, @"
    exit status: 17
    --- stderr
    error: secret/tazlab-k8s/static/infra/tailscale/k8s-operator: version 1 differs from what was written
    hint: see what is there: vault kv get
    ");
}

#[test]
fn a_secret_that_the_server_repeats_is_not_shown() {
    let stand_in = StandIn::start(|request| {
        let token = request.head.split("x-vault-token: ").nth(1).unwrap();
        let token = token.lines().next().unwrap();
        answer(500, &[], &format!("{{\"errors\":[\"who is {token}?\"]}}"))
    });
    let user = Vaulted::to_stand_in(&stand_in);
    let ran = user.push(&[]);
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: the vault failed (500): who is [secret]?
    hint: try again later; nothing was written
    ");
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
        "/v1/sys/health" => answer(200, &[], r#"{"enterprise":true}"#),
        _ => answer(404, &[], NOTHING),
    });
    let user = Vaulted::to_stand_in(&stand_in);
    let case = user.case(&["--dry-run"]);
    user.run(case.env("VAULT_NAMESPACE", "team/lab/"));
    let requests = stand_in.requests();
    assert!(
        !requests[0].head.contains("x-vault-token"),
        "{}",
        requests[0].head
    );
    let data = "/v1/team/lab/secret/data/tazlab-k8s/static/infra/tailscale/k8s-operator";
    assert_eq!(requests[1].path, data);
}

/// Interrupts the push while the server takes its time over a request of this method;
/// and how long it went on.
fn push_interrupted(method: &'static str) -> (Ran, Duration) {
    let normally = writing(answer(200, &[], WROTE));
    let stand_in = StandIn::start(move |request| {
        if request.method == method {
            std::thread::sleep(Duration::from_millis(700));
        }
        normally(request)
    });
    let user = Vaulted::to_stand_in(&stand_in);
    let child = user.case(&[]).spawn();
    while stand_in.requests().iter().all(|it| it.method != method) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let begun = Instant::now();
    (user.finish(child), begun.elapsed())
}

#[test]
fn a_read_is_given_up_on() {
    let (ran, took) = push_interrupted("GET");
    assert_snapshot!(ran, @"
    exit status: 130
    --- stderr
    error: interrupted
    ");
    assert!(took <= Duration::from_millis(500), "{took:?}");
}

#[test]
fn a_write_is_not_given_up_on() {
    let (ran, took) = push_interrupted("POST");
    assert_snapshot!(ran, @"
    exit status: 16
    --- stderr
    error: it is not known whether the vault has it: version 1 was written, but could not be read back: interrupted
    hint: push again; if the first write arrived, nothing is written
    ");
    assert!(took > Duration::from_millis(500), "{took:?}");
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let certificate = super::certificate::Certificate::new();
    let user = Vaulted::at(&url, &certificate.ca_pem, "root");
    let begun = Instant::now();
    let ran = user.push(&[]);
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: the TLS handshake with 127.0.0.1 took longer than 10 s
    hint: see whether VAULT_ADDR is right and the vault is up
    ");
    assert!(begun.elapsed() < Duration::from_secs(13));
    drop(silent);
    let ran = user.push(&[]);
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: [vault] could not be connected to: Connection refused (os error 111)
    hint: see whether VAULT_ADDR is right and the vault is up
    ");
}

/// Where the words are cut, whatever is left of a secret there is none of it.
#[test]
fn words_that_repeat_the_token_at_the_place_of_the_cut() {
    for before in [480, 495, 508] {
        let token = "hvs.0123456789abcdefghijklmn";
        let words = format!("{}{token}", "x".repeat(before));
        let body = format!(r#"{{"errors":["{words}"]}}"#);
        let ran = push_answered(answer(500, &[], &body));
        assert_eq!(ran.code, 15, "{}", ran.stderr);
        assert!(!ran.stderr.contains("hvs."), "{before}: {}", ran.stderr);
        assert!(!ran.stderr.contains("0123"), "{before}: {}", ran.stderr);
    }
}

#[test]
fn fields_with_the_token_for_a_name() {
    let ran = push_answered(answer(
        200,
        &[],
        r#"{"data":{"data":{"hvs.0123456789abcdefghijklmn":"x","of 0123456789abcdef\u001b[2J":"y"},"metadata":{"version":1,"destroyed":false}}}"#,
    ));
    assert_snapshot!(ran, @r#"
    exit status: 14
    --- stderr
    error: secret/tazlab-k8s/static/infra/tailscale/k8s-operator has other fields, which a new version would drop: "[secret]", "of [secret] [2J"
    hint: give the client a secret of its own with --path
    "#);
}

#[test]
fn a_version_that_has_no_next_one() {
    let ran = push_answered(answer(
        200,
        &[],
        r#"{"data":{"data":{"client_id":"x"},"metadata":{"version":18446744073709551615,"destroyed":false}}}"#,
    ));
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: unexpected response: it does not look like a vault's
    hint: see whether VAULT_ADDR is a vault's address
    ");
}
