//! Sources of identity tokens: each takes what its platform's takes, and misbehaves as told.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use serde_json::Value;
use tailmint_simulator::sources::{Platform, Source, SourceFault};

use crate::api::{Api, Got, SUBJECT, agent, send, wait_until};

type Headers<'a> = &'a [(&'a str, String)];

/// A source that gives tokens for the identity of the API.
struct Given {
    api: Api,
    source: Source,
    audience: String,
    client_id: String,
}

impl Given {
    fn new(platform: &Platform) -> Self {
        let (api, issuer, identity) = Api::with_identity();
        let source = Source::start(&api.simulator, platform, issuer.mint(SUBJECT)).unwrap();
        Self {
            api,
            source,
            audience: identity.audience,
            client_id: identity.id,
        }
    }

    fn variable(&self, name: &str) -> String {
        let variables = self.source.variables();
        let found = variables.into_iter().find(|(other, _)| *other == name);
        found.unwrap().1
    }

    fn get(&self, url: &str, headers: Headers) -> Result<Got, ureq::Error> {
        send(&agent(&self.api.simulator), "GET", url, headers, "")
    }

    /// A request that is good but for its method is rejected.
    fn assert_only_get(&self, url: &str, headers: Headers) {
        let agent = agent(&self.api.simulator);
        assert_eq!(send(&agent, "POST", url, headers, "a").unwrap().0, 405);
    }

    /// The token is exchanged by the API.
    fn assert_good(&self, token: &str) {
        self.api.token(&self.client_id, token);
    }

    /// GitHub's endpoint, led to loopback.
    fn github(&self) -> String {
        let url = self.variable("ACTIONS_ID_TOKEN_REQUEST_URL");
        let (_, path) = url.split_once(".com/").unwrap();
        format!(
            "https://localhost:{}/{path}",
            self.source.address().unwrap().port()
        )
    }

    fn github_bearer(&self) -> [(&'static str, String); 1] {
        let bearer = self.variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
        assert_eq!(self.source.secret(), Some(bearer.as_str()));
        [("authorization", format!("Bearer {bearer}"))]
    }

    /// A URL of the metadata services.
    fn plain(&self, path: &str) -> String {
        format!("http://{}{path}", self.source.address().unwrap())
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn github_gives_a_token_to_the_bearer() {
    let given = Given::new(&Platform::GitHub);
    let url = format!("{}&audience={}", given.github(), given.audience);
    let (status, _, body) = given.get(&url, &given.github_bearer()).unwrap();
    assert_eq!(status, 200, "{body}");
    let body = json(&body);
    let token = body["value"].as_str().unwrap();
    assert_eq!(body["count"], token.len());
    given.assert_good(token);
    let request = &given.source.requests()[0];
    assert_eq!(request.parameter("audience").unwrap(), given.audience);

    assert_eq!(given.get(&url, &[]).unwrap().0, 401);
    let wrong = [("authorization", "Bearer wrong".to_owned())];
    assert_eq!(given.get(&url, &wrong).unwrap().0, 401);
    let other = url.replace("/12//", "/12/");
    assert_eq!(given.get(&other, &given.github_bearer()).unwrap().0, 404);
    given.assert_only_get(&url, &given.github_bearer());
    let no_version = url.replace("api-version=2.0&", "");
    assert_eq!(
        given.get(&no_version, &given.github_bearer()).unwrap().0,
        400
    );
    // Without an audience, the token is for the owner.
    let (status, _, body) = given.get(&given.github(), &given.github_bearer()).unwrap();
    assert_eq!(status, 200);
    let other = json(&body)["value"].as_str().unwrap().to_owned();
    let cause = "token has invalid claims: token has invalid audience";
    given.api.assert_rejected(&given.client_id, &other, cause);
}

#[test]
fn github_misbehaves() {
    let given = Given::new(&Platform::GitHub);
    let url = format!("{}&audience=a", given.github());
    let got = || given.get(&url, &given.github_bearer());
    for (fault, status, words) in [
        (SourceFault::Denied, 403, "may not ask"),
        (SourceFault::Status(503), 503, ""),
        (SourceFault::Html, 200, "<html>"),
        (SourceFault::Empty, 200, r#""value":"""#),
        (SourceFault::Text("a.b".to_owned()), 200, r#""value":"a.b""#),
        (SourceFault::Oversized(100_000), 200, "xxxx"),
        (SourceFault::NoIdentity, 404, "not found"),
    ] {
        given.source.misbehave_times(fault.clone(), 1);
        let (is, _, body) = got().unwrap();
        assert_eq!(is, status, "{fault:?}");
        assert!(body.contains(words), "{fault:?}: {body}");
        assert_eq!(got().unwrap().0, 200, "{fault:?}");
    }
    let elsewhere = "https://elsewhere.example.com/".to_owned();
    given
        .source
        .misbehave(SourceFault::Redirect(elsewhere.clone()));
    let (status, headers, _) = got().unwrap();
    assert_eq!(status, 302);
    assert!(headers.contains(&("location".to_owned(), elsewhere)));
    given.source.forgive();
    for fault in [SourceFault::WrongHost, SourceFault::Closed] {
        given.source.misbehave(fault.clone());
        assert!(got().is_err(), "{fault:?}");
        given.source.forgive();
        assert_eq!(got().unwrap().0, 200, "{fault:?}");
    }
    // What is late comes, and what is silent does not.
    given
        .source
        .misbehave_times(SourceFault::Late(Duration::from_millis(1)), 1);
    assert_eq!(got().unwrap().0, 200);
    given.source.misbehave_times(SourceFault::Hold, 1);
    std::thread::scope(|scope| {
        let asked = || given.source.requests().len();
        let before = asked();
        let held = [0, 1].map(|others| {
            let held = scope.spawn(got);
            wait_until("the source is asked", || asked() > before + others);
            held
        });
        // The first is held still.
        assert_eq!(given.source.requests()[before].answer, None);
        given.source.forgive();
        for held in held {
            assert_eq!(held.join().unwrap().unwrap().0, 200);
        }
    });
    let hasty = ureq::Agent::config_builder()
        .timeout_recv_response(Some(Duration::from_millis(200)))
        .tls_config(agent(&given.api.simulator).config().tls_config().clone())
        .build()
        .new_agent();
    for fault in [
        SourceFault::Late(Duration::from_hours(1)),
        SourceFault::Silence,
    ] {
        given.source.misbehave_times(fault, 1);
        let before = given.source.requests().len();
        assert!(send(&hasty, "GET", &url, &given.github_bearer(), "").is_err());
        // It was asked, with the bearer.
        let asked = || given.source.requests();
        wait_until("the source is asked", || asked().len() > before);
        let last = &asked()[before];
        let bearer = &given.github_bearer()[0].1;
        assert_eq!(last.header("authorization"), Some(bearer.as_str()));
        assert_eq!(last.answer, None);
    }
}

#[test]
fn the_metadata_server_gives_a_bare_token() {
    let given = Given::new(&Platform::GcpMetadata);
    assert_eq!(
        given.variable("GCE_METADATA_HOST"),
        given.source.address().unwrap().to_string()
    );
    let path = "/computeMetadata/v1/instance/service-accounts/default/identity";
    let url = given.plain(&format!("{path}?audience={}&format=full", given.audience));
    let flavor = ("metadata-flavor".to_owned(), "Google".to_owned());
    let asks = [("metadata-flavor", "Google".to_owned())];
    let (status, headers, token) = given.get(&url, &asks).unwrap();
    assert_eq!(status, 200, "{token}");
    assert!(headers.contains(&flavor));
    given.assert_good(&token);

    assert_eq!(given.get(&url, &[]).unwrap().0, 403);
    let forwarded = [asks[0].clone(), ("x-forwarded-for", "10.0.0.1".to_owned())];
    assert_eq!(given.get(&url, &forwarded).unwrap().0, 403);
    for (query, status) in [
        ("", 400),
        ("?audience=", 400),
        ("?audience=a&format=x", 400),
    ] {
        let got = given
            .get(&given.plain(&format!("{path}{query}")), &asks)
            .unwrap();
        assert_eq!(got.0, status, "{query}");
    }
    given.assert_only_get(&url, &asks);
    assert_eq!(given.get(&given.plain("/other"), &asks).unwrap().0, 404);
    // Who looks whether it is there gets the header.
    assert!(
        given
            .get(&given.plain("/"), &[])
            .unwrap()
            .1
            .contains(&flavor)
    );

    for (fault, status, words) in [
        (SourceFault::Denied, 403, "IAM returned 403"),
        (SourceFault::NoIdentity, 404, "not defined"),
    ] {
        given.source.misbehave_times(fault, 1);
        let (is, headers, body) = given.get(&url, &asks).unwrap();
        assert_eq!(is, status);
        assert!(body.contains(words) && headers.contains(&flavor), "{body}");
    }
    for fault in [SourceFault::NoFlavor, SourceFault::Html] {
        given.source.misbehave_times(fault, 1);
        let (status, headers, _) = given.get(&url, &asks).unwrap();
        assert_eq!(status, 200);
        assert!(!headers.contains(&flavor));
    }
}

#[test]
fn azure_gives_an_access_token() {
    let given = Given::new(&Platform::AzureImds);
    let path = "/metadata/identity/oauth2/token";
    let version = "api-version=2018-02-01";
    let url = given.plain(&format!("{path}?{version}&resource={}", given.audience));
    let asks = [("metadata", "true".to_owned())];
    let (status, _, body) = given.get(&url, &asks).unwrap();
    assert_eq!(status, 200, "{body}");
    let body = json(&body);
    assert_eq!(body["expires_in"], "86400");
    assert!(body["expires_on"].as_str().unwrap().parse::<i64>().is_ok());
    assert_eq!(body["resource"], given.audience);
    given.assert_good(body["access_token"].as_str().unwrap());

    let error = |url: &str, headers: Headers, status, code: &str| {
        let (is, _, body) = given.get(url, headers).unwrap();
        assert_eq!((is, &json(&body)["error"]), (status, &code.into()));
    };
    error(&url, &[], 400, "bad_request_102");
    let forwarded = [asks[0].clone(), ("x-forwarded-for", "10.0.0.1".to_owned())];
    error(&url, &forwarded, 400, "bad_request");
    let without = given.plain(&format!("{path}?{version}"));
    error(&without, &asks, 400, "invalid_request");
    let other = url.replace("2018", "2019");
    error(&other, &asks, 400, "invalid_request");
    given.assert_only_get(&url, &asks);
    error(&given.plain("/other"), &asks, 404, "not_found");
    for (fault, status, code) in [
        (SourceFault::Denied, 401, "unknown_source"),
        (SourceFault::NoIdentity, 400, "invalid_request"),
        (SourceFault::UnknownResource, 400, "invalid_resource"),
    ] {
        given.source.misbehave_times(fault, 1);
        error(&url, &asks, status, code);
    }
}

#[test]
fn app_service_wants_its_header() {
    let given = Given::new(&Platform::AzureAppService);
    let endpoint = given.variable("IDENTITY_ENDPOINT");
    let url = format!(
        "{endpoint}?resource={}&api-version=2019-08-01",
        given.audience
    );
    let secret = given.variable("IDENTITY_HEADER");
    assert_eq!(given.source.secret(), Some(secret.as_str()));
    let asks = [("x-identity-header", secret)];
    let (status, _, body) = given.get(&url, &asks).unwrap();
    assert_eq!(status, 200, "{body}");
    given.assert_good(json(&body)["access_token"].as_str().unwrap());
    assert_eq!(given.get(&url, &[]).unwrap().0, 401);
    let wrong = [("x-identity-header", "wrong".to_owned())];
    assert_eq!(given.get(&url, &wrong).unwrap().0, 401);
    let other = url.replace("/msi/token", "/other");
    assert_eq!(given.get(&other, &asks).unwrap().0, 404);
    let imds = url.replace("2019-08-01", "2018-02-01");
    assert_eq!(given.get(&imds, &asks).unwrap().0, 400);
}

#[test]
fn fly_gives_a_token_on_a_socket() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("api");
    let given = Given::new(&Platform::Fly {
        socket: socket.clone(),
    });
    let asked = |method: &str, path: &str, body: &str| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse::<u16>().unwrap();
        (status, body.to_owned())
    };
    let body = serde_json::json!({ "aud": given.audience }).to_string();
    let (status, token) = asked("POST", "/v1/tokens/oidc", &body);
    assert_eq!(status, 200);
    given.assert_good(&token);
    assert_eq!(asked("GET", "/v1/tokens/oidc", "").0, 405);
    assert_eq!(asked("POST", "/v1/tokens/oidc", "aud=a").0, 400);
    assert_eq!(asked("POST", "/v1/tokens", &body).0, 404);
    given.source.misbehave_times(SourceFault::Denied, 1);
    assert_eq!(asked("POST", "/v1/tokens/oidc", &body).0, 403);
    assert_eq!(given.source.requests().len(), 5);
    drop(given);
    assert!(!socket.exists());
}
