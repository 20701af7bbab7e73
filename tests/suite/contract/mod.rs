//! Tailscale's published `OpenAPI` document, against which every exchange of every
//! test is held.

use std::{fs::OpenOptions, io::Write, sync::LazyLock};

use jsonschema::Validator;
use serde_json::{Value, json};
use tailmint_simulator::Recorded;

/// The part of the document that is about keys. The token endpoint is not in it.
pub(crate) struct Contract(Value);

/// An exchange that breaks the contract, and how.
#[derive(Debug)]
struct Violation(String);

/// How many bodies were held against the contract.
#[derive(Debug, Default)]
struct Checked {
    requests: usize,
    responses: usize,
}

/// Where each test adds how much it checked, for the sum over all of them.
const LOG: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/contract.log");

impl Contract {
    pub(crate) fn published() -> &'static Self {
        static PUBLISHED: LazyLock<Contract> = LazyLock::new(|| {
            let mut document = serde_json::from_str(include_str!("openapi.json")).unwrap();
            close(&mut document);
            Contract(document)
        });
        &PUBLISHED
    }

    /// Panics where one of the exchanges breaks the contract.
    ///
    /// Answers that the simulator was told to give are not its own, and requests
    /// of others that were refused are not ours.
    pub(crate) fn check(&self, exchanges: &[Recorded]) {
        let mut checked = Checked::default();
        for exchange in exchanges {
            if let Err(violation) = self.check_one(exchange, &mut checked) {
                panic!("{}: {}", exchange.line(), violation.0);
            }
        }
        let mut log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(LOG)
            .unwrap();
        writeln!(log, "{} {}", checked.requests, checked.responses).unwrap();
    }

    fn check_one(&self, exchange: &Recorded, checked: &mut Checked) -> Result<(), Violation> {
        let Some(path) = template(&exchange.path) else {
            return Ok(());
        };
        let ours = exchange
            .header("user-agent")
            .is_some_and(|agent| agent.starts_with("tailmint/"));
        let status = exchange.answer.as_ref().map_or(0, |answer| answer.status);
        let method = exchange.method.to_ascii_lowercase();
        let operation = format!("/paths/{}/{method}", path.replace('/', "~1"));
        if self.0.pointer(&operation).is_none() {
            return if ours {
                Err(Violation("there is no such operation".to_owned()))
            } else {
                Ok(())
            };
        }
        let body = "content/application~1json/schema";
        if ours || status == 200 {
            let schema = format!("{operation}/requestBody/{body}");
            if self.0.pointer(&schema).is_some() {
                self.validate(&schema, &exchange.body)?;
                checked.requests += 1;
            } else if !exchange.body.is_empty() {
                return Err(Violation("it has a body".to_owned()));
            }
        }
        if let Some(answer) = &exchange.answer
            && !exchange.misbehaved
        {
            let response = format!("{operation}/responses/{status}");
            let schema = match self.0.pointer(&response) {
                // Statuses that the document does not list are those that were
                // seen (400, 401, 429); they have the shape of the others.
                None => "/components/schemas/Error".to_owned(),
                Some(response_value) => match response_value.get("$ref") {
                    Some(reference) => {
                        let reference = reference.as_str().unwrap_or_default();
                        format!("{}/{body}", reference.trim_start_matches('#'))
                    }
                    None => format!("{response}/{body}"),
                },
            };
            if self.0.pointer(&schema).is_some() {
                self.validate(&schema, &answer.body)?;
            } else if !answer.body.is_empty() {
                return Err(Violation("the answer has a body".to_owned()));
            }
            checked.responses += 1;
        }
        Ok(())
    }

    fn validate(&self, schema: &str, text: &str) -> Result<(), Violation> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| Violation(error.to_string()))?;
        // The whole document, seen from this place of it.
        let mut document = self.0.clone();
        let fragment = schema.replace('{', "%7B").replace('}', "%7D");
        document["$ref"] = json!(format!("#{fragment}"));
        let validator: Validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&document)
            .unwrap();
        let problems: Vec<_> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(Violation(problems.join("; ")))
    }
}

/// Members that the document does not name break the contract.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// The path of the document that the request is to, if it is about keys.
fn template(path: &str) -> Option<&'static str> {
    let rest = path.strip_prefix("/api/v2/tailnet/")?;
    let parts: Vec<_> = rest.split('/').collect();
    match parts[..] {
        [_, "keys"] => Some("/tailnet/{tailnet}/keys"),
        [_, "keys", _] => Some("/tailnet/{tailnet}/keys/{keyId}"),
        _ => None,
    }
}

type Change = fn(&mut Recorded);

#[test]
fn violations_are_caught() {
    let world = crate::world::World::new();
    assert_eq!(world.run(&["mint"]).code, 0);
    let good = world.simulator.requests()[1].clone();
    let contract = Contract::published();
    let check = |exchange: &Recorded| contract.check_one(exchange, &mut Checked::default());
    check(&good).unwrap();
    let changes: [(&str, Change); 7] = [
        ("unknown member", |it| {
            it.body = it.body.replace("expirySeconds", "expiry");
        }),
        ("text for a number", |it| {
            it.body = it.body.replace("3600", "\"3600\"");
        }),
        ("unknown capability", |it| {
            it.body = it.body.replace("reusable", "reuseable");
        }),
        ("not JSON", |it| it.body.push('}')),
        ("no such operation", |it| it.method = "PATCH".to_owned()),
        ("unknown member of the answer", |it| {
            let answer = it.answer.as_mut().unwrap();
            answer.body = answer.body.replace("\"created\"", "\"made\"");
        }),
        ("no time in the answer", |it| {
            let answer = it.answer.as_mut().unwrap();
            answer.body = answer.body.replace('T', " ");
        }),
    ];
    for (what, change) in changes {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(check(&bad).is_err(), "{what}");
    }
}
