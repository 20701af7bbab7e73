//! What the policy says of each part of a request, of the component and of the machine, word
//! by word, with the change that would allow it.

#![expect(clippy::too_many_lines, reason = "a table has a line for each case")]

use std::{path::Path, sync::Arc};

use serde_json::{Value, json};
use tailmint_api::{
    ClientProperties, KeyId, KeyProperties, Operation, Rule, Scope, Tailnet, USER_AGENT,
};
use tailmint_core::{Decision, Denial};

use crate::{
    Asking, ComponentFacts, Intent, MAX_BODY_BYTES, Policy, PolicyError, PolicyFile, Request,
    RunPolicy, Task, TrustFacts,
};

const TOKEN: &str = "/api/v2/oauth/token";
const KEYS: &str = "/api/v2/tailnet/-/keys";
const FORM: &str = "application/x-www-form-urlencoded";

fn policy(members: &str) -> Policy {
    Policy::parse(&format!("version = 1\n{members}")).unwrap()
}

fn properties() -> KeyProperties {
    KeyProperties::for_tags(vec!["tag:tazpod".parse().unwrap()])
}

fn client() -> ClientProperties {
    ClientProperties {
        description: "lab".parse().unwrap(),
        scopes: vec!["auth_keys".parse().unwrap()],
        tags: vec!["tag:tazpod".parse().unwrap()],
    }
}

fn intent(task: Task) -> Intent {
    Intent::new(Tailnet::of_credential(), task)
}

fn mint() -> Task {
    Task::Mint {
        properties: properties(),
    }
}

fn id() -> KeyId {
    "k1CNTRL".parse().unwrap()
}

/// A request, to be changed.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Sent {
    fn new(method: &'static str, path: &str, kind: Option<&str>, body: &str) -> Self {
        let mut headers = vec![
            ("accept", "application/json".to_owned()),
            ("user-agent", USER_AGENT.to_owned()),
        ];
        headers.extend(kind.map(|kind| ("content-type", kind.to_owned())));
        if !path.starts_with(TOKEN) {
            headers.push(("authorization", "Bearer a".to_owned()));
        }
        Self {
            method,
            path: path.to_owned(),
            headers,
            body: body.to_owned(),
        }
    }

    fn token(scope: &str) -> Self {
        let body =
            format!("client_id=kBOOT&client_secret=s&grant_type=client_credentials&scope={scope}");
        Self::new("POST", TOKEN, Some(FORM), &body)
    }

    /// The request of the task, with the change to its JSON.
    fn json(task: &Task, change: impl FnOnce(&mut Value)) -> Self {
        let mut body = intent(task.clone()).body().unwrap();
        change(&mut body);
        Self::new("POST", KEYS, Some("application/json"), &body.to_string())
    }

    fn key(change: impl FnOnce(&mut Value)) -> Self {
        Self::json(&mint(), change)
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    fn http(&self) -> http::Request<Vec<u8>> {
        let mut request = http::Request::builder()
            .method(self.method)
            .uri(format!("https://api.tailscale.com{}", self.path));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(self.body.clone().into_bytes()).unwrap()
    }
}

/// A decision in one line.
fn line(decision: &Decision) -> String {
    let said = |denial: &Denial| match &denial.remedy {
        Some(remedy) => format!("{denial} ({remedy})"),
        None => denial.to_string(),
    };
    let rule = decision.rule;
    match (&decision.denial, &decision.reported) {
        (Some(denial), _) => format!("{rule} denies {}", said(denial)),
        (None, Some(denial)) => format!("{rule} reports {}", said(denial)),
        (None, None) => format!("{rule} allows"),
    }
}

/// What is decided about the last of the requests of one call.
fn decided_by(policy: Policy, task: Task, requests: &[Sent]) -> String {
    let asking = Asking::OauthClient {
        id: "kBOOT".to_owned(),
    };
    let mut run = RunPolicy::new(Arc::new(policy), intent(task), asking);
    let mut last = None;
    for request in requests {
        let (parts, body) = request.http().into_parts();
        last = Some(run.decide(&Request::parse(&parts, &body)).0);
    }
    line(&last.unwrap())
}

fn decided(task: Task, requests: &[Sent]) -> String {
    decided_by(Policy::built_in(), task, requests)
}

#[test]
fn what_each_task_sends_is_allowed_and_counted() {
    let get = |path: &str| Sent::new("GET", path, None, "");
    let key = format!("{KEYS}/k1CNTRL");
    let list = format!("{KEYS}?all=true");
    let create_client = Task::CreateClient {
        properties: client(),
    };
    for (task, scope, request, rule) in [
        (mint(), "auth_keys", Sent::key(|_| {}), "create-auth-key"),
        (Task::Get { id: id() }, "auth_keys", get(&key), "get-key"),
        (Task::List, "auth_keys", get(&list), "list-keys"),
        (Task::ListClients, "oauth_keys", get(&list), "list-keys"),
        (
            Task::Revoke { id: id() },
            "auth_keys",
            Sent::new("DELETE", &key, None, ""),
            "delete-key",
        ),
        (
            Task::DeleteClient { id: id() },
            "oauth_keys",
            Sent::new("DELETE", &key, None, ""),
            "delete-key",
        ),
        (
            create_client.clone(),
            "oauth_keys",
            Sent::json(&create_client, |_| {}),
            "create-client",
        ),
    ] {
        let requests = [Sent::token(scope), request];
        let first = decided(task.clone(), &requests[..1]);
        assert_eq!(first, "token allows", "{task:?}");
        assert_eq!(decided(task.clone(), &requests), format!("{rule} allows"));
        // Not once more, whatever the policy says.
        let again = [
            requests[0].clone(),
            requests[1].clone(),
            requests[1].clone(),
        ];
        let denied = format!("{rule} denies count: 2 such requests are more than 1");
        assert_eq!(decided(task.clone(), &again), denied);
        let twice = format!("[rule.{rule}]\ncount = 5\n");
        let denied = format!("{rule} denies count: one such request was sent already");
        assert_eq!(decided_by(policy(&twice), task, &again), denied);
    }
}

#[test]
fn scopes_are_asked_for_one_by_one_in_their_order() {
    let scope = |text: &str| text.parse::<Scope>().unwrap();
    let check = Task::Check {
        scopes: vec![scope("auth_keys"), scope("devices")],
    };
    let asked: Vec<_> = ["auth_keys", "devices", "devices"].map(Sent::token).into();
    assert_eq!(decided(check.clone(), &asked[..1]), "check-scope allows");
    assert_eq!(decided(check.clone(), &asked[..2]), "check-scope allows");
    let more = "check-scope denies count: 2 such requests were sent already";
    assert_eq!(decided(check.clone(), &asked), more);
    let other = "check-scope denies body.scope: this request does not have it";
    assert_eq!(decided(check.clone(), &asked[1..2]), other);
    // How many one call may ask for is the policy's, and can be changed.
    let one = policy("[rule.check-scope]\ncount = 1\n");
    let denied = "check-scope denies count: 2 such requests are more than 1 (to allow it, set rule.check-scope.count to 2 in policy)";
    assert_eq!(decided_by(one, check, &asked[..2]), denied);
}

#[test]
fn a_request_that_nobody_asked_for_has_no_rule() {
    for (request, said) in [
        (
            Sent::new("GET", &format!("{KEYS}/k2CNTRL"), None, ""),
            "get does not make the request \"GET\" \"/api/v2/tailnet/-/keys/k2CNTRL\"",
        ),
        (
            Sent::new("GET", "/api/v2/tailnet/other/keys/k1CNTRL", None, ""),
            "get does not make the request \"GET\" \"/api/v2/tailnet/other/keys/k1CNTRL\"",
        ),
        (
            Sent::new("DELETE", &format!("{KEYS}/k1CNTRL"), None, ""),
            "get does not make the request \"DELETE\" \"/api/v2/tailnet/-/keys/k1CNTRL\"",
        ),
    ] {
        let decided = decided(Task::Get { id: id() }, &[request]);
        assert_eq!(decided, format!("no-rule denies route: {said}"));
    }
    // A check asks for tokens of its own, under its own rule.
    let check = Task::Check {
        scopes: vec!["auth_keys".parse().unwrap()],
    };
    assert_eq!(
        decided(check, &[Sent::token("auth_keys")]),
        "check-scope allows"
    );
    // An API key is a token already.
    let mut run = RunPolicy::new(Arc::new(Policy::built_in()), intent(mint()), Asking::ApiKey);
    let (parts, body) = Sent::token("auth_keys").http().into_parts();
    let (decision, rule) = run.decide(&Request::parse(&parts, &body));
    assert!(!decision.allows() && rule.is_none(), "{decision:?}");
}

#[test]
fn a_request_that_can_be_read_in_two_ways_has_no_rule() {
    for (request, said) in [
        (
            Sent::new("GET", "/api//v2", None, ""),
            "path: \"/api//v2\" has an empty or relative segment",
        ),
        (
            Sent::key(|_| {}).with("content-type", "text/plain"),
            "header \"content-type\": \"text/plain\" is not known",
        ),
    ] {
        assert_eq!(
            decided(mint(), &[request]),
            format!("no-rule denies {said}")
        );
    }
}

#[test]
fn headers_are_those_of_the_request_and_no_others() {
    let allow = |name: &str| {
        policy(&format!(
            "[rule.{name}]\nheaders = [\"accept\", \"authorization\", \"content-type\", \"user-agent\"]\n"
        ))
    };
    let token = || Sent::token("auth_keys");
    let key = || Sent::key(|_| {});
    let not_it = |name: &str| format!("denies header \"{name}\": this request does not have it");
    for (request, said) in [
        (token().with("accept", "*/*"), not_it("accept")),
        (token().with("user-agent", "curl"), not_it("user-agent")),
        (
            token().with("authorization", "Bearer a"),
            not_it("authorization"),
        ),
        (key().with("accept", "*/*"), not_it("accept")),
        (key().with("user-agent", "curl"), not_it("user-agent")),
        (
            key().without("authorization"),
            "denies header \"authorization\": it is missing".to_owned(),
        ),
        (key(), "allows".to_owned()),
        (token(), "allows".to_owned()),
        (key().without("accept"), "allows".to_owned()),
        (key().without("user-agent"), "allows".to_owned()),
    ] {
        let rule = if request.path == TOKEN {
            "token"
        } else {
            "create-auth-key"
        };
        let decided = decided_by(allow(rule), mint(), &[request]);
        assert_eq!(decided, format!("{rule} {said}"));
    }
    // A header that no policy can name.
    let decided = decided(mint(), &[token().with("x-more", "1")]);
    assert_eq!(decided, "token denies header: \"x-more\" is not allowed");
    // One that the policy does not name.
    let narrow = policy("[rule.token]\nheaders = [\"accept\", \"content-type\"]\n");
    assert_eq!(
        decided_by(narrow, mint(), &[token()]),
        "token denies header: \"user-agent\" is not allowed (to allow it, add \"user-agent\" to rule.token.headers in policy)"
    );
}

#[test]
fn content_types_are_those_of_the_rule() {
    let get = Task::Get { id: id() };
    let path = format!("{KEYS}/k1CNTRL");
    let wide = || {
        policy(
            "[rule.get-key]\nmax-body-bytes = 100\nheaders = [\"accept\", \"authorization\", \"content-type\", \"user-agent\"]\n[rule.create-auth-key]\nmax-body-bytes = 8192\n",
        )
    };
    for (task, request, said) in [
        (
            mint(),
            Sent::new("POST", KEYS, Some(FORM), "a=b"),
            "create-auth-key denies header \"content-type\": \"application/x-www-form-urlencoded\" is not expected",
        ),
        (
            mint(),
            Sent::new("POST", TOKEN, Some("application/json"), "{}"),
            "token denies header \"content-type\": \"application/json\" is not expected",
        ),
        (
            get.clone(),
            Sent::new("GET", &path, Some("application/json"), "{}"),
            "get-key denies header \"content-type\": \"application/json\" is not expected",
        ),
        (
            get.clone(),
            // With no body there is nothing that has a type.
            Sent::new("GET", &path, Some(FORM), ""),
            "get-key denies header \"content-type\": this request does not have it",
        ),
        (
            mint(),
            Sent::new("POST", TOKEN, Some(FORM), ""),
            "token denies body.client_id: it is missing",
        ),
    ] {
        assert_eq!(decided_by(wide(), task, &[request]), said);
    }
}

#[test]
fn the_query_is_that_of_the_route() {
    let list = |query: &str| Sent::new("GET", &format!("{KEYS}{query}"), None, "");
    for (query, said) in [
        ("?all=true", "list-keys allows"),
        ("", "list-keys denies query: \"\" is not expected"),
        (
            "?all=false",
            "list-keys denies query: \"all=false\" is not expected",
        ),
        (
            "?all=true&x=1",
            "list-keys denies query: \"x\" is not allowed",
        ),
    ] {
        assert_eq!(decided(Task::List, &[list(query)]), said, "{query}");
    }
    let more = [Sent::new(
        "POST",
        &format!("{TOKEN}?all=true"),
        Some(FORM),
        "a=b",
    )];
    assert_eq!(
        decided(mint(), &more),
        "token denies query: \"all\" is not allowed (to allow it, add \"all\" to rule.token.query in policy.toml)"
    );
}

#[test]
fn bodies_are_as_long_as_the_policy_says_and_never_longer() {
    let long = |bytes: usize| {
        let mut request = Sent::key(|body| body["description"] = "".into());
        let rest = bytes - request.body.len();
        request.body = request.body.replace(
            "\"description\":\"\"",
            &format!("\"description\":\"{}\"", "d".repeat(rest)),
        );
        assert_eq!(request.body.len(), bytes);
        request
    };
    let wide = || {
        policy(
            "[rule.create-auth-key]\nmax-body-bytes = 10000\n[rule.create-auth-key.key]\nmax-description-characters = 10000\n",
        )
    };
    let too_long = "create-auth-key denies body: it is longer than 8192 bytes";
    assert_eq!(
        decided_by(wide(), mint(), &[long(MAX_BODY_BYTES + 1)]),
        too_long
    );
    // As long as that, it is read.
    let read = decided_by(wide(), mint(), &[long(MAX_BODY_BYTES)]);
    assert!(read.contains("nobody asked for this member"), "{read}");
    let usual = policy("[rule.create-auth-key.key]\nmax-description-characters = 10000\n");
    assert_eq!(
        decided_by(usual, mint(), &[long(MAX_BODY_BYTES + 1)]),
        "create-auth-key denies body: 8193 bytes are more than 8192 (to allow it, set rule.create-auth-key.max-body-bytes to 8193 in policy)"
    );
    // A request without a body has none.
    let body = Sent::new(
        "DELETE",
        &format!("{KEYS}/k1CNTRL"),
        Some("application/json"),
        "1",
    );
    let wide = "[rule.delete-key]\nmax-body-bytes = 10\nheaders = [\"accept\", \"authorization\", \"content-type\", \"user-agent\"]\n";
    let decided = decided_by(policy(wide), Task::Revoke { id: id() }, &[body]);
    assert!(decided.starts_with("delete-key denies header"), "{decided}");
}

#[test]
fn the_form_for_a_token_has_each_member_once() {
    let form = |body: &str| Sent::new("POST", TOKEN, Some(FORM), body);
    let not_it = |name: &str| format!("token denies body.{name}: this request does not have it");
    let missing = |name: &str| format!("token denies body.{name}: it is missing");
    let good = "client_id=kBOOT&client_secret=s&grant_type=client_credentials&scope=auth_keys";
    for (body, said) in [
        (good.to_owned(), "token allows".to_owned()),
        (good.replace("kBOOT", "kOTHER"), not_it("client_id")),
        (good.replace("client_credentials", "password"), not_it("grant_type")),
        (format!("{good}&more=1"), not_it("more")),
        (format!("{good}&jwt=1"), not_it("jwt")),
        (format!("{good}&client_secret=t"), "token denies body.client_secret: it comes twice".to_owned()),
        (good.replace("client_id=kBOOT&", ""), missing("client_id")),
        (good.replace("client_secret=s&", ""), missing("client_secret")),
        (good.replace("grant_type=client_credentials&", ""), missing("grant_type")),
        (good.replace("&scope=auth_keys", ""), missing("scope")),
        (
            good.replace("=auth_keys", "=oauth_keys"),
            not_it("scope"),
        ),
        (
            good.replace("=auth_keys", "=devices"),
            "token denies body.scope: \"devices\" is not allowed (to allow it, add \"devices\" to rule.token.scopes in policy.toml)".to_owned(),
        ),
        (
            good.replace("=auth_keys", "=auth_keys+Devices"),
            "token denies body.scope: \"Devices\" is not allowed".to_owned(),
        ),
    ] {
        assert_eq!(decided(mint(), &[form(&body)]), said, "{body}");
    }
}

#[test]
fn a_key_is_what_the_policy_allows() {
    let created = "/capabilities/devices/create";
    let set = |pointer: String, value: Value| {
        Sent::key(move |body| {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let parent = body.pointer_mut(parent).unwrap();
            parent[name] = value;
        })
    };
    let flag = |name: &str, value: Value| set(format!("{created}/{name}"), value);
    let rule = |remedy: &str| format!(" (to allow it, {remedy} in policy)");
    let key = "rule.create-auth-key.key";
    let narrow = "[rule.create-auth-key.key]\nreusable = \"require\"\nephemeral = \"forbid\"\npreauthorized = \"forbid\"\nmax-expiry = \"10m\"\nmax-description-characters = 3\n";
    let narrow_but = |member: &str| {
        let lines = narrow.lines().filter(|it| !it.starts_with(member));
        lines.collect::<Vec<_>>().join("\n")
    };
    let forbidden = |name: &str, value: bool| {
        format!(
            "body.capabilities.devices.create.{name}: {value} is not allowed{}",
            rule(&format!("set {key}.{name} to \"allow\""))
        )
    };
    let tags = "body.capabilities.devices.create.tags";
    for (members, request, said) in [
        (
            String::new(),
            set("/keyType".to_owned(), "client".into()),
            "body.keyType: \"client\" is not allowed".to_owned(),
        ),
        (
            String::new(),
            set("/keyType".to_owned(), 1.into()),
            "body.keyType: \"?\" is not allowed".to_owned(),
        ),
        (
            String::new(),
            flag("tags", json!([])),
            format!("{tags}: there are none"),
        ),
        (
            String::new(),
            flag("tags", json!(null)),
            format!("{tags}: there are none"),
        ),
        (
            String::new(),
            flag("tags", json!(["tag:tazpod", "tag:other"])),
            format!(
                "{tags}: \"tag:other\" is not allowed{}",
                rule(&format!("add \"tag:other\" to {key}.tags"))
            ),
        ),
        (
            String::new(),
            flag("tags", json!([1])),
            format!("{tags}: \"?\" is not allowed"),
        ),
        (
            narrow_but("ephemeral").replace("preauthorized = \"forbid\"\n", ""),
            flag("reusable", false.into()),
            forbidden("reusable", false),
        ),
        (
            narrow_but("ephemeral").replace("preauthorized = \"forbid\"\n", ""),
            flag("reusable", "true".into()),
            forbidden("reusable", false),
        ),
        (
            narrow.to_owned(),
            flag("ephemeral", true.into()),
            forbidden("ephemeral", true),
        ),
        (
            narrow_but("ephemeral"),
            flag("preauthorized", true.into()),
            forbidden("preauthorized", true),
        ),
        (
            narrow_but("ephemeral").replace("preauthorized = \"forbid\"\n", ""),
            set("/expirySeconds".to_owned(), 601.into()),
            format!(
                "body.expirySeconds: 601 seconds are more than 10m{}",
                rule(&format!("set {key}.max-expiry to \"10m 1s\""))
            ),
        ),
        (
            String::new(),
            set("/expirySeconds".to_owned(), 3601.into()),
            format!(
                "body.expirySeconds: 3601 seconds are more than 1h{}",
                rule(&format!("set {key}.max-expiry to \"1h 1s\""))
            ),
        ),
        (
            String::new(),
            set("/expirySeconds".to_owned(), 99_999_999.into()),
            "body.expirySeconds: 99999999 seconds are more than 1h".to_owned(),
        ),
        (
            String::new(),
            set("/expirySeconds".to_owned(), 0.into()),
            "body.expirySeconds: 0 seconds are too few".to_owned(),
        ),
        (
            String::new(),
            set("/expirySeconds".to_owned(), json!(null)),
            "body.expirySeconds: there is no number".to_owned(),
        ),
        (
            String::new(),
            set("/description".to_owned(), "\u{e9}".repeat(51).into()),
            format!(
                "body.description: 51 characters are more than 50{}",
                rule(&format!("set {key}.max-description-characters to 51"))
            ),
        ),
    ] {
        let said = format!("create-auth-key denies {said}");
        assert_eq!(decided_by(policy(&members), mint(), &[request]), said);
    }
    // At each border the policy allows it, and what was asked for decides.
    let asked = "is not what was asked for, ";
    for (request, said) in [
        (flag("ephemeral", false.into()), asked),
        (set("/expirySeconds".to_owned(), 1.into()), asked),
        (
            set("/description".to_owned(), "\u{e9}".repeat(50).into()),
            "nobody asked for this member",
        ),
        (
            set("/keyType".to_owned(), "auth".into()),
            "nobody asked for this member",
        ),
    ] {
        let decided = decided(mint(), &[request]);
        assert!(decided.contains(said), "{decided}");
    }
}

#[test]
fn a_body_says_what_was_asked_for_member_by_member() {
    for (request, said) in [
        (
            Sent::key(|body| body["expirySeconds"] = 60.into()),
            "body.expirySeconds: \"60\" is not what was asked for, 3600",
        ),
        (
            Sent::key(|body| body["capabilities"]["devices"]["create"]["more"] = 1.into()),
            "body.capabilities.devices.create.more: nobody asked for this member",
        ),
        (
            Sent::key(|body| {
                let create = &mut body["capabilities"]["devices"]["create"];
                create.as_object_mut().unwrap().remove("reusable");
            }),
            "body.capabilities.devices.create.reusable: it is missing",
        ),
        (
            Sent::key(|body| body["a\u{1b}b"] = 1.into()),
            "body.a\\u{1b}b: nobody asked for this member",
        ),
    ] {
        let said = format!("create-auth-key denies {said}");
        assert_eq!(decided(mint(), &[request]), said);
    }
}

#[test]
fn a_client_is_what_the_policy_allows() {
    let task = Task::CreateClient {
        properties: client(),
    };
    for (request, said) in [
        (Sent::json(&task, |_| {}), "allows"),
        (
            Sent::json(&task, |body| body["scopes"] = json!(["all"])),
            "denies body.scopes: \"all\" is not allowed (to allow it, add \"all\" to rule.create-client.client.scopes in policy.toml)",
        ),
        (
            Sent::json(&task, |body| body["scopes"] = json!([])),
            "denies body.scopes: there are none",
        ),
        (
            Sent::json(&task, |body| body["tags"] = json!(["tag:other"])),
            "denies body.tags: \"tag:other\" is not allowed (to allow it, add \"tag:other\" to rule.create-client.client.tags in policy.toml)",
        ),
        (
            Sent::json(&task, |body| body["description"] = "d".repeat(51).into()),
            "denies body.description: 51 characters are more than 50 (to allow it, set rule.create-client.client.max-description-characters to 51 in policy.toml)",
        ),
        (
            // That there are none is allowed, and not what was asked for.
            Sent::json(&task, |body| body["tags"] = json!([])),
            "denies body.tags: \"[]\" is not what was asked for, [\"tag:tazpod\"]",
        ),
    ] {
        let decided = decided(task.clone(), &[request]);
        assert_eq!(decided, format!("create-client {said}"));
    }
}

#[test]
fn what_would_be_denied_in_the_end_is_foreseen() {
    let foreseen = |policy: Policy, task: Task| {
        let run = RunPolicy::new(Arc::new(policy), intent(task), Asking::ApiKey);
        assert_eq!(run.intent().tailnet.as_str(), "-");
        let (decision, rule) = run.foresee()?;
        assert_eq!(rule.name(), decision.rule);
        Some(line(&decision))
    };
    let narrow = || policy("[rule.create-auth-key.key]\nmax-expiry = \"10m\"\n");
    assert_eq!(
        foreseen(narrow(), mint()).unwrap(),
        "create-auth-key denies body.expirySeconds: 3600 seconds are more than 10m (to allow it, set rule.create-auth-key.key.max-expiry to \"1h\" in policy)"
    );
    assert_eq!(foreseen(Policy::built_in(), mint()), None);
    assert_eq!(foreseen(narrow(), Task::List), None);
    // A report-only policy sends it.
    let report = policy("mode = \"report\"\n[rule.create-auth-key.key]\nmax-expiry = \"10m\"\n");
    assert!(report.is_report_only() && !Policy::built_in().is_report_only());
    assert_eq!(foreseen(report.clone(), mint()), None);
    let reported = "create-auth-key reports body.expirySeconds: 3600 seconds are more than 10m (to allow it, set rule.create-auth-key.key.max-expiry to \"1h\" in policy)";
    assert_eq!(
        decided_by(report.clone(), mint(), &[Sent::key(|_| {})]),
        reported
    );
    // What nobody asked for is denied even so.
    let more = Sent::key(|body| body["more"] = 1.into());
    let denied = "create-auth-key denies body.more: nobody asked for this member";
    assert_eq!(decided_by(report, mint(), &[more]), denied);
}

#[test]
fn a_policy_is_explained_by_the_rule_that_an_operation_has() {
    let explain = |operation: Operation, request: Sent| {
        let explained = Policy::built_in().explain(operation, request.http());
        (line(&explained.decision), explained.path_template)
    };
    let (said, template) = explain(Operation::Mint, Sent::key(|_| {}));
    assert_eq!(said, "create-auth-key allows");
    assert_eq!(template, Some("/api/v2/tailnet/{tailnet}/keys"));
    // One route, and the rule of the operation.
    let check = explain(Operation::Check, Sent::token("devices")).0;
    assert_eq!(check, "check-scope allows");
    let token = explain(Operation::List, Sent::token("devices")).0;
    assert!(token.starts_with("token denies body.scope"), "{token}");
    let (said, _) = explain(Operation::List, Sent::key(|_| {}));
    assert_eq!(
        said,
        "create-auth-key denies operation: \"list\" is not allowed (to allow it, add \"list\" to rule.create-auth-key.operations in policy.toml)"
    );
    let other = explain(
        Operation::List,
        Sent::new("GET", "/api/v2/device", None, ""),
    );
    let no_rule = "no-rule denies route: no rule has this method and path".to_owned();
    assert_eq!(other, (no_rule, None));
    let patched = explain(Operation::List, Sent::new("PATCH", KEYS, None, "")).0;
    assert!(patched.starts_with("no-rule denies route"), "{patched}");
    let unread = explain(Operation::List, Sent::new("GET", "/a/../b", None, ""));
    assert_eq!(unread.1, None);
    assert!(unread.0.starts_with("no-rule denies path"), "{}", unread.0);
}

#[test]
fn each_way_to_move_the_trust_is_judged_by_its_member() {
    let facts = |which: &str| TrustFacts {
        connect_to: which == "connect-to",
        ca_file: which == "ca-file",
        system_certs: which == "system-certs",
        configured: which == "configured",
        fake_addresses: which == "fake-addresses",
        proxy: which == "proxy",
    };
    let members = [
        "connect-to",
        "ca-file",
        "system-certs",
        "configured",
        "fake-addresses",
        "proxy",
    ];
    for member in members {
        let with = |word: &str| policy(&format!("[trust]\n{member} = \"{word}\"\n"));
        assert_eq!(with("allow").check_trust(&facts(member)), Ok(()));
        assert_eq!(with("forbid").check_trust(&facts("nothing")), Ok(()));
        let denial = with("forbid").check_trust(&facts(member)).unwrap_err();
        assert!(
            denial.to_string().ends_with(": it is not allowed"),
            "{denial}"
        );
        let remedy = format!("to allow it, set trust.{member} to \"allow\" in policy");
        assert_eq!(denial.remedy, Some(remedy));
        let usual = Policy::built_in().check_trust(&facts(member)).is_ok();
        let is_forbidden = member == "configured" || member == "fake-addresses";
        assert_eq!(usual, !is_forbidden, "{member}");
    }
}

#[test]
fn a_component_is_the_pinned_one_with_the_imports_that_are_named() {
    let digest = "a".repeat(64);
    let check = |policy: &Policy, is_built_in: bool, imports: Vec<&str>| {
        let facts = ComponentFacts::new(&digest, is_built_in, imports);
        policy
            .check_component(&facts)
            .map_err(|denial| line(&Decision::denied("x", denial)))
    };
    let http = "wasi:http/types@0.2.0";
    let built_in = Policy::built_in();
    assert_eq!(check(&built_in, true, vec![http]), Ok(()));
    let not_pinned = format!(
        "x denies component.sha256: {digest} is not pinned (to allow it, add \"{digest}\" to component.sha256 in policy.toml)"
    );
    assert_eq!(check(&built_in, false, vec![http]), Err(not_pinned));
    let import = "x denies component.imports: \"wasi:cli/run@0.2.0\" is not allowed".to_owned();
    assert_eq!(
        check(&built_in, true, vec![http, "wasi:cli/run@0.2.0"]),
        Err(import)
    );
    let pinned = policy(&format!("[component]\nsha256 = [\"{digest}\"]\n"));
    assert_eq!(check(&pinned, false, vec![]), Ok(()));
    assert_eq!(check(&pinned, true, vec![]), Ok(()));
    // A pin of another one excludes the built-in one.
    let other = policy(&format!("[component]\nsha256 = [\"{}\"]\n", "b".repeat(64)));
    assert!(check(&other, true, vec![]).is_err());
    assert!(check(&other, false, vec![]).is_err());
    // A digest has 64 digits in lower case.
    for wrong in [
        "a".repeat(63),
        "a".repeat(65),
        "A".repeat(64),
        "g".repeat(64),
    ] {
        let text = format!("version = 1\n[component]\nsha256 = [\"{wrong}\"]\n");
        assert!(Policy::parse(&text).is_err(), "{wrong}");
    }
    let digits = policy(&format!(
        "[component]\nsha256 = [\"{}\"]\n",
        "09af".repeat(16)
    ));
    assert!(digits.to_toml().contains(&"09af".repeat(16)));
}

#[test]
fn a_vault_a_command_and_a_machine_are_allowed_by_their_names() {
    let remedy = |checked: Result<(), Denial>| {
        let denial = checked.unwrap_err();
        format!("{denial} ({})", denial.remedy.as_deref().unwrap())
    };
    let vault = "https://vault.example.com:8200".parse().unwrap();
    assert_eq!(
        remedy(Policy::built_in().check_vault(&vault)),
        "address: https://vault.example.com:8200 is not allowed (to allow it, add \"https://vault.example.com:8200\" to vault.addresses in policy.toml)"
    );
    let named = policy("[vault]\naddresses = [\"https://vault.example.com:8200\"]\n");
    assert_eq!(named.check_vault(&vault), Ok(()));
    let other = "https://other.example.com:8200".parse().unwrap();
    assert!(named.check_vault(&other).is_err());

    let path = Path::new("/usr/bin/gopass");
    assert_eq!(
        remedy(Policy::built_in().check_command("gopass", path)),
        "command: \"gopass\" is not allowed (to allow it, add \"gopass\" to credentials.commands in policy.toml)"
    );
    for (commands, name, is_allowed) in [
        ("\"gopass\"", "gopass", true),
        ("\"/usr/bin/gopass\"", "gopass", true),
        ("\"/usr/bin/gopass\"", "/usr/bin/gopass", true),
        ("\"gopass\"", "/usr/bin/gopass", false),
        ("\"/opt/gopass\"", "gopass", false),
        ("\"pass\"", "gopass", false),
    ] {
        let policy = policy(&format!("[credentials]\ncommands = [{commands}]\n"));
        let checked = policy.check_command(name, path);
        assert_eq!(checked.is_ok(), is_allowed, "{commands}, {name}");
    }

    assert_eq!(
        remedy(Policy::built_in().check_ssh_host("me@lab")),
        "host: \"me@lab\" is not allowed (to allow it, add \"me@lab\" to ssh.hosts in policy.toml)"
    );
    for (hosts, host, is_allowed) in [
        ("\"me@lab\"", "me@lab", true),
        ("\"lab\"", "me@lab", true),
        ("\"*\"", "me@lab", true),
        ("\"*\"", "lab", true),
        ("\"lab\"", "lab", true),
        ("\"me@lab\"", "lab", false),
        ("\"me@lab\"", "you@lab", false),
        ("\"me\"", "me@lab", false),
        ("\"other\"", "me@lab", false),
    ] {
        let policy = policy(&format!("[ssh]\nhosts = [{hosts}]\n"));
        assert_eq!(
            policy.check_ssh_host(host).is_ok(),
            is_allowed,
            "{hosts}, {host}"
        );
    }
}

fn file(path: &str, members: &str) -> PolicyFile {
    PolicyFile {
        path: path.into(),
        text: format!("version = 1\n{members}"),
    }
}

#[test]
fn every_line_of_a_policy_is_of_the_file_that_says_it() {
    let ceiling = file(
        "ceiling",
        "[trust]\nproxy = \"forbid\"\nca-file = \"forbid\"\n",
    );
    let own = file("own", "[trust]\nconnect-to = \"forbid\"\n");
    let layered = |ceiling, own| Policy::layered(ceiling, own, "mine".into()).unwrap();
    let both = layered(Some(ceiling.clone()), Some(&own));
    let text = both.to_toml();
    for line in [
        "connect-to = \"forbid\" # own",
        "ca-file = \"forbid\" # ceiling",
        "proxy = \"forbid\" # ceiling",
        "system-certs = \"allow\"",
        "version = 1",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    assert!(text.starts_with("#:schema https://"), "{text}");
    assert_eq!(text.lines().filter(|it| it.contains(" # ")).count(), 3);
    // Each says what it says, and the digest is that of all of it.
    let alone = [
        Policy::built_in(),
        layered(Some(ceiling.clone()), None),
        layered(None, Some(&own)),
        both,
    ];
    let mut digests: Vec<_> = alone.iter().map(Policy::digest).collect();
    assert!(digests.iter().all(|it| it.len() == 64));
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 4);
    assert_eq!(Policy::built_in().digest(), layered(None, None).digest());
    assert!(!Policy::built_in().to_toml().contains(" # "));
    assert_eq!(
        Policy::ceiling_path(),
        Path::new("/etc/tailmint/policy.toml")
    );
}

#[test]
fn who_can_allow_it_is_told() {
    let facts = TrustFacts {
        proxy: true,
        ..TrustFacts::default()
    };
    let forbid = "[trust]\nproxy = \"forbid\"\n";
    let remedy = |ceiling: &str, own: &str| {
        let (ceiling, own) = (file("ceiling", ceiling), file("own", own));
        let policy = Policy::layered(Some(ceiling), Some(&own), "mine".into()).unwrap();
        policy.check_trust(&facts).unwrap_err().remedy.unwrap()
    };
    let set = "set trust.proxy to \"allow\" in";
    assert_eq!(remedy("", forbid), format!("to allow it, {set} mine"));
    let owner = format!("only the machine's owner can allow it: {set} ceiling");
    assert_eq!(remedy(forbid, ""), owner);
    assert_eq!(remedy(forbid, forbid), owner);
}

#[test]
fn what_is_wider_than_the_ceiling_is_named() {
    let pin = "a".repeat(64);
    let two = format!(
        "[component]\nsha256 = [\"{pin}\", \"{}\"]\n",
        "b".repeat(64)
    );
    let one = format!("[component]\nsha256 = [\"{pin}\"]\n");
    let vault = "[vault]\naddresses = [\"https://a\", \"https://b\"]\n".to_owned();
    let count = |number: usize| format!("[rule.check-scope]\ncount = {number}\n");
    let key = |line: &str| format!("[rule.create-auth-key.key]\n{line}\n");
    let no = String::new;
    for (ceiling, own, wider) in [
        (two.clone(), one.clone(), None),
        (two.clone(), two.clone(), None),
        (one.clone(), two.clone(), Some("component.sha256")),
        (
            one.clone(),
            "[component]\nsha256 = []\n".to_owned(),
            Some("component.sha256"),
        ),
        (no(), one.clone(), Some("component.sha256")),
        (no(), "[component]\nsha256 = []\n".to_owned(), None),
        (
            vault.clone(),
            "[vault]\naddresses = [\"https://a\"]\n".to_owned(),
            None,
        ),
        (vault.clone(), vault.clone(), None),
        (no(), vault.clone(), Some("vault.addresses")),
        (count(3), count(3), None),
        (count(3), count(2), None),
        (count(3), count(4), Some("rule.check-scope.count")),
        (no(), "mode = \"report\"\n".to_owned(), Some("mode")),
        (
            "mode = \"report\"\n".to_owned(),
            "mode = \"report\"\n".to_owned(),
            None,
        ),
        (
            "mode = \"report\"\n".to_owned(),
            "mode = \"enforce\"\n".to_owned(),
            None,
        ),
        (
            key("reusable = \"require\""),
            key("reusable = \"require\""),
            None,
        ),
        (
            key("reusable = \"require\""),
            key("reusable = \"allow\""),
            Some("rule.create-auth-key.key.reusable"),
        ),
        (
            key("reusable = \"require\""),
            key("reusable = \"forbid\""),
            Some("rule.create-auth-key.key.reusable"),
        ),
        (
            key("reusable = \"allow\""),
            key("reusable = \"forbid\""),
            None,
        ),
        (
            key("max-expiry = \"10m\""),
            key("max-expiry = \"11m\""),
            Some("rule.create-auth-key.key.max-expiry"),
        ),
        (
            key("max-expiry = \"10m\""),
            key("max-expiry = \"10m\""),
            None,
        ),
        (
            no(),
            key("tags = [\"tag:tazpod\", \"tag:other\"]"),
            Some("rule.create-auth-key.key.tags"),
        ),
        (
            "[trust]\nproxy = \"forbid\"\n".to_owned(),
            "[trust]\nproxy = \"allow\"\n".to_owned(),
            Some("trust.proxy"),
        ),
        (
            "[trust]\nproxy = \"forbid\"\n".to_owned(),
            "[trust]\nproxy = \"forbid\"\n".to_owned(),
            None,
        ),
    ] {
        let own_file = file("own", &own);
        let layered = Policy::layered(
            Some(file("ceiling", &ceiling)),
            Some(&own_file),
            "own".into(),
        );
        let found = match layered {
            Ok(_) => None,
            Err(PolicyError::WiderThanCeiling { member, .. }) => Some(member),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(found.as_deref(), wider, "{ceiling:?}, {own:?}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said_where_it_stands() {
    let wrong = |text: &str| match Policy::parse(text) {
        Err(error @ PolicyError::Syntax { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let version = "version = 1\n";
    for (members, said) in [
        ("", "policy:1:1: it has no version: write version = 1"),
        (
            "version = 2\n",
            "policy:1:11: version 2 is not known; this is 1",
        ),
        (
            "version = 1\n\n[rule.token]\nroute = \"GET /\"\n",
            "policy:4:9: the route of this rule is \"POST /api/v2/oauth/token\", and no other",
        ),
        (
            "version = 1\n[rule.token]\nroute = \"POST /api/v2/oauth/token\"\ncontent-type = \"a\"\n",
            "policy:4:16: the content-type of this rule is \"application/x-www-form-urlencoded\", and no other",
        ),
        (
            "version = 1\n[rule.get-key]\nscopes = []\n",
            "policy:3:10: this rule has no member `scopes`",
        ),
        (
            "version = 1\n[rule.get-key.key]\ntags = []\n",
            "policy:2:1: this rule has no member `key`",
        ),
    ] {
        assert_eq!(wrong(members), said, "{members}");
    }
    for (member, said) in [
        ("mode = \"off\"\n", "give one of enforce, report"),
        ("[trust]\nproxy = \"maybe\"\n", "give one of allow,"),
        (
            "[rule.token]\nheaders = [\"x-more\"]\n",
            "give one of accept, authorization, content-type, user-agent",
        ),
        ("[rule.mint]\n", "unknown variant `mint`"),
    ] {
        let error = wrong(&format!("{version}{member}"));
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn every_error_about_a_file_says_what_to_do() {
    use tailmint_core::Diagnose;
    let path = || "policy.toml".into();
    for (error, hint) in [
        (Policy::parse("").unwrap_err(), "correct the file"),
        (
            PolicyError::WiderThanCeiling {
                path: path(),
                member: "mode".to_owned(),
                ceiling: path(),
            },
            "narrow mode, or have the machine's owner widen theirs",
        ),
        (
            PolicyError::Unreadable {
                path: path(),
                detail: String::new(),
            },
            "see who may read it",
        ),
        (
            PolicyError::Missing { path: path() },
            "name a file that exists",
        ),
        (
            PolicyError::Foreign {
                path: path(),
                uid: 1,
            },
            "the owner of a policy decides what it says; make root or yourself its owner",
        ),
        (
            PolicyError::Replaceable {
                path: path(),
                detail: String::new(),
                hint: "move it".to_owned(),
            },
            "move it",
        ),
        (
            PolicyError::Writable {
                path: path(),
                mode: 0o666,
            },
            "run: chmod go-w policy.toml",
        ),
    ] {
        assert_eq!(error.hint().as_deref(), Some(hint), "{error}");
        assert_eq!(error.class(), tailmint_core::Class::Policy);
    }
}

#[test]
fn a_task_says_what_it_is_about() {
    let create = Task::CreateClient {
        properties: client(),
    };
    let check = Task::Check {
        scopes: vec!["auth_keys".parse().unwrap(), "devices".parse().unwrap()],
    };
    let of = |task: &Task| intent(task.clone());
    for (task, operation, rule, has_id) in [
        (check.clone(), Operation::Check, Rule::CheckScope, false),
        (
            create.clone(),
            Operation::CreateClient,
            Rule::CreateClient,
            false,
        ),
        (
            Task::DeleteClient { id: id() },
            Operation::DeleteClient,
            Rule::DeleteKey,
            true,
        ),
        (Task::Get { id: id() }, Operation::Get, Rule::GetKey, true),
        (Task::List, Operation::List, Rule::ListKeys, false),
        (
            Task::ListClients,
            Operation::ListClients,
            Rule::ListKeys,
            false,
        ),
        (mint(), Operation::Mint, Rule::CreateAuthKey, false),
        (
            Task::Revoke { id: id() },
            Operation::Revoke,
            Rule::DeleteKey,
            true,
        ),
    ] {
        let intent = of(&task);
        assert_eq!((intent.operation(), intent.rule()), (operation, rule));
        assert_eq!(intent.id(), has_id.then(id).as_ref(), "{task:?}");
        let has_body = matches!(rule, Rule::CreateAuthKey | Rule::CreateClient);
        assert_eq!(intent.body().is_some(), has_body, "{task:?}");
        let text = intent
            .body_text()
            .map(|it| tailmint_api::from_json(it.as_bytes()).unwrap());
        assert_eq!(text, intent.body());
    }
    let texts = |scopes: &[Scope]| scopes.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(of(&mint()).expiry_seconds(), Some(3600));
    assert_eq!(of(&create).expiry_seconds(), None);
    assert_eq!(of(&mint()).tags().len(), 1);
    assert_eq!(of(&create).tags().len(), 1);
    assert_eq!(of(&Task::List).tags().len(), 0);
    assert_eq!(texts(of(&mint()).scopes()), [""; 0]);
    assert_eq!(texts(of(&create).scopes()), ["auth_keys"]);
    assert_eq!(texts(of(&check).scopes()), ["auth_keys", "devices"]);
    assert_eq!(of(&check).scope(0), Some("auth_keys"));
    assert_eq!(of(&check).scope(1), Some("devices"));
    assert_eq!(of(&check).scope(2), None);
    assert_eq!(of(&mint()).scope(0), Some("auth_keys"));
    assert_eq!(
        (
            of(&check).needs(Rule::CheckScope),
            of(&mint()).needs(Rule::Token)
        ),
        (2, 1)
    );
    let body = of(&mint()).body().unwrap();
    assert_eq!(
        body["capabilities"]["devices"]["create"]["tags"],
        json!(["tag:tazpod"])
    );
    let body = of(&create).body().unwrap();
    assert_eq!(
        (&body["keyType"], &body["description"]),
        (&json!("client"), &json!("lab"))
    );
}

/// `TAILMINT_BLESS=1 cargo test -p tailmint-cli --test suite generated` writes them anew.
#[test]
fn the_reference_and_the_schema_are_those_that_are_there() {
    let reference = include_str!("../../../docs/policy.md");
    assert!(crate::reference() == reference, "docs/policy.md is another");
    let schema = include_str!("../../../docs/policy.schema.json");
    assert!(
        crate::schema() == schema,
        "docs/policy.schema.json is another"
    );
}
