//! Whatever the ceiling and the user's policy say, the user's allows nothing more.

use std::sync::LazyLock;

use http::Method;
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};
use tailmint_api::{Operation, Rule};

use crate::{Body, Request, document::Document, member::Member, seen::RequestFacts};

proptest! {
    // A case that fails becomes a test with a name, so that none is kept in a file of
    // proptest's own.
    #![proptest_config(often())]

    #[test]
    fn a_narrower_policy_allows_nothing_more(
        widened in prop::collection::vec(change(), 0..6),
        narrowed in prop::collection::vec(change(), 1..4),
        other in prop::collection::vec(change(), 0..6),
        requests in prop::collection::vec(requests(), 1..8),
        operation in select(Operation::ALL),
        before in 0_usize..2,
    ) {
        let mut wide = BUILT_IN.clone();
        for change in &widened {
            change.widen(&mut wide);
        }
        let mut narrow = wide.clone();
        for change in &narrowed {
            change.narrow(&mut narrow);
        }
        let mut third = BUILT_IN.clone();
        for change in &other {
            change.widen(&mut third);
        }
        let document = |value: Value| serde_json::from_value::<Document>(value).unwrap();
        let (wide, narrow, third) = (document(wide), document(narrow), document(third));
        // A ceiling takes what only lost something.
        prop_assert_eq!(narrow.wider_than(&wide, ""), None);
        for (one, ceiling) in [(&narrow, &wide), (&third, &wide), (&wide, &third)] {
            if one.wider_than(ceiling, "").is_some() {
                continue;
            }
            for (rule, request) in &requests {
                let facts = RequestFacts { rule: *rule, operation, request, before };
                if one.check(&facts).is_ok() {
                    let above = ceiling.check(&facts);
                    prop_assert!(above.is_ok(), "{:?}: {:?}", request, above);
                }
            }
        }
    }
}

/// Ten thousand cases; `PROPTEST_CASES=10` makes them four hundred, for who changes the
/// code in small ways and runs them for each.
fn often() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases * 40,
        failure_persistence: None,
        ..usual
    }
}

/// The built-in policy, to be changed.
static BUILT_IN: LazyLock<Value> = LazyLock::new(|| json!(Document::built_in()));

/// A change of one member of a policy.
#[derive(Clone, Debug)]
struct Change {
    member: String,
    by: u32,
}

/// Every member of the built-in policy that can be wider or narrower: those that are
/// forgotten here do not exist.
static MEMBERS: LazyLock<Vec<String>> = LazyLock::new(|| {
    fn collect(value: &Value, path: &str, members: &mut Vec<String>) {
        match value {
            Value::Object(table) => {
                for (name, value) in table {
                    collect(value, &format!("{path}/{name}"), members);
                }
            }
            _ if FIXED.iter().any(|fixed| path.ends_with(fixed)) => {}
            _ => members.push(path.to_owned()),
        }
    }
    let mut members = Vec::new();
    collect(&BUILT_IN, "", &mut members);
    members
});

/// Members that are the same in every policy, and those with an order of their own, which
/// the tests of the suite go through.
const FIXED: [&str; 5] = [
    "/version",
    "/route",
    "/content-type",
    "/sha256",
    "/addresses",
];

fn change() -> impl Strategy<Value = Change> {
    (select(MEMBERS.as_slice()), 0_u32..40).prop_map(|(member, by)| Change { member, by })
}

const ISSUERS: [&str; 2] = ["https://issuer.example.com", "https://other.example.com"];

/// Each fits those behind it.
const SUBJECTS: [&str; 4] = [
    "repo:*",
    "repo:acme/*",
    "repo:acme/web:*",
    "repo:acme/web:main",
];

/// From the widest to the narrowest.
const EXPIRIES: [&str; 4] = ["90d", "1h", "10m", "1m"];

impl Change {
    fn widen(&self, policy: &mut Value) {
        let member = policy.pointer_mut(&self.member).unwrap();
        match member {
            Value::Array(items) => {
                let more = match self.member.rsplit('/').next().unwrap() {
                    "operations" => "revoke",
                    "tags" => "tag:more",
                    "scopes" => "devices",
                    "types" => "auth",
                    "query" => "all",
                    "sources" => "github",
                    "headers" => "authorization",
                    "issuers" => ISSUERS[usize::try_from(self.by).unwrap() % ISSUERS.len()],
                    "subjects" => SUBJECTS[usize::try_from(self.by).unwrap() % SUBJECTS.len()],
                    _ => "x-more",
                };
                if !items.contains(&more.into()) {
                    items.push(more.into());
                }
            }
            Value::Number(number) => {
                *member = (number.as_u64().unwrap() + u64::from(self.by)).into();
            }
            Value::String(_) if self.member.ends_with("expiry") => *member = EXPIRIES[0].into(),
            Value::String(_) if self.member == "/mode" => *member = "report".into(),
            Value::String(_) if self.member == "/confinement" => {
                *member = "best-effort".into();
            }
            _ => *member = "allow".into(),
        }
    }

    fn narrow(&self, policy: &mut Value) {
        let by = usize::try_from(self.by).unwrap();
        let member = policy.pointer_mut(&self.member).unwrap();
        match member {
            Value::Array(items) if items.is_empty() => {}
            Value::Array(items) => {
                items.remove(by % items.len());
            }
            Value::Number(number) => {
                *member = number
                    .as_u64()
                    .unwrap()
                    .saturating_sub(self.by.into())
                    .into();
            }
            Value::String(text) if self.member.ends_with("expiry") => {
                let at = EXPIRIES.iter().position(|it| it == text).unwrap_or(1);
                *member = EXPIRIES[(at + by % 4).min(3)].into();
            }
            Value::String(_) if self.member == "/mode" => *member = "enforce".into(),
            Value::String(_) if self.member == "/confinement" => *member = "required".into(),
            Value::String(text) if text != "allow" => {}
            _ if self.member.starts_with("/trust") || by % 2 == 0 => *member = "forbid".into(),
            _ => *member = "require".into(),
        }
    }
}

/// A request that is nearly one of those that the built-in policy allows.
fn requests() -> impl Strategy<Value = (Rule, Request)> {
    let headers = prop::sample::subsequence(
        vec![
            "accept",
            "authorization",
            "content-type",
            "user-agent",
            "x-more",
        ],
        0..=5,
    );
    let body = prop_oneof![
        Just(Body::Empty),
        select(vec!["auth_keys", "devices", "auth_keys devices"])
            .prop_map(|scope| { Body::Form(vec![("scope".to_owned(), scope.to_owned())]) }),
        key_body().prop_map(Body::Json),
        client_body().prop_map(Body::Json),
        identity_body().prop_map(Body::Json),
    ];
    let query = prop::option::of(select(vec!["", "all=1", "x"]));
    let bytes = select(vec![0_usize, 1, 30, 8150, 8192, 8200]);
    (select(Rule::ALL), headers, query, body, bytes).prop_map(
        |(rule, headers, query, body, body_bytes)| {
            let request = Request {
                method: Method::POST,
                path: "/".to_owned(),
                query: query.map(str::to_owned),
                headers: headers
                    .into_iter()
                    .map(|name| (name.to_owned(), "x".to_owned()))
                    .collect(),
                body,
                body_bytes,
            };
            (rule, request)
        },
    )
}

fn client_body() -> impl Strategy<Value = Value> {
    let scopes = prop::sample::subsequence(
        vec!["auth_keys", "devices", "services", "all", "x-more"],
        0..=5,
    );
    let tags = prop::sample::subsequence(vec!["tag:k8s-operator", "tag:tazpod", "tag:more"], 0..=3);
    (scopes, tags, 0_usize..80).prop_map(|(scopes, tags, described)| {
        json!({
            "keyType": "client",
            "description": "d".repeat(described),
            "scopes": scopes,
            "tags": tags,
        })
    })
}

fn identity_body() -> impl Strategy<Value = Value> {
    let issuer = select(ISSUERS.as_slice());
    let subject = select(SUBJECTS.as_slice());
    (client_body(), issuer, subject).prop_map(|(mut body, issuer, subject)| {
        body["keyType"] = "federated".into();
        body["issuer"] = issuer.into();
        body["subject"] = subject.into();
        body
    })
}

fn key_body() -> impl Strategy<Value = Value> {
    let tags = prop::sample::subsequence(
        vec!["tag:k8s-operator", "tag:tazpod", "tag:more", "tag:other"],
        0..=4,
    );
    let seconds = select(vec![0_u32, 60, 600, 3600, 7_776_000]);
    let kind = select(vec!["auth", "client"]);
    let properties = (any::<bool>(), any::<bool>(), any::<bool>());
    (tags, seconds, kind, properties, 0_usize..80).prop_map(
        |(tags, seconds, kind, (reusable, ephemeral, preauthorized), described)| {
            json!({
                "keyType": kind,
                "capabilities": { "devices": { "create": {
                    "reusable": reusable,
                    "ephemeral": ephemeral,
                    "preauthorized": preauthorized,
                    "tags": tags,
                } } },
                "expirySeconds": seconds,
                "description": "d".repeat(described),
            })
        },
    )
}
