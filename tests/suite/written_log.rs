use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tailmint_audit::line::{self, Link};

use crate::world::World;

/// A log that a test writes line by line, each at a time of its own.
pub(crate) struct WrittenLog {
    pub(crate) text: String,
    link: Link,
    runs: u64,
}

/// Who does something, with what.
#[derive(Clone, Copy)]
pub(crate) struct By<'a> {
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    pub(crate) pid: u32,
    pub(crate) client: &'a str,
    pub(crate) policy: char,
    pub(crate) component: char,
    pub(crate) version: &'a str,
}

/// The account of most entries.
pub(crate) const ME: By<'static> = By {
    user: "me",
    uid: 1000,
    pid: 4711,
    client: "kBOOT1CNTRL",
    policy: 'a',
    component: 'c',
    version: "0.1.0",
};

impl WrittenLog {
    pub(crate) fn new() -> Self {
        Self {
            text: String::new(),
            link: Link::default(),
            runs: 0,
        }
    }

    /// The file, where the command looks for it.
    pub(crate) fn save(&self, world: &World) -> PathBuf {
        world.write("written.jsonl", &self.text)
    }

    /// Writes one entry with these members, of a run of its own unless they name one.
    pub(crate) fn entry(&mut self, at: Timestamp, by: By<'_>, members: &Value) {
        let mut entry = json!({
            "actor": { "uid": by.uid, "user": by.user, "pid": by.pid },
            "version": by.version,
            "component": by.component.to_string().repeat(64),
            "policy": by.policy.to_string().repeat(64),
            "client": by.client,
            "tailnet": "-",
            "host": "api.tailscale.com",
        });
        let entry_members = entry.as_object_mut().unwrap();
        entry_members.extend(members.as_object().unwrap().clone());
        let (line, link) = line::write(&self.link, at, &entry).unwrap();
        self.text += &format!("{line}\n");
        self.link = link;
    }

    /// The number of a new run.
    pub(crate) fn run(&mut self) -> String {
        self.runs += 1;
        format!("{:016x}", self.runs)
    }

    /// A request that was allowed and had a response: its two entries.
    pub(crate) fn request(&mut self, at: Timestamp, by: By<'_>, said: &Value, came: &Value) {
        let with = |other: Value| {
            let mut members = said.as_object().unwrap().clone();
            members.extend(other.as_object().unwrap().clone());
            Value::Object(members)
        };
        self.entry(
            at,
            by,
            &with(json!({ "event": "decision", "decision": "allow" })),
        );
        let mut came = came.clone();
        came["event"] = "response".into();
        came["decision"] = "allow".into();
        came["milliseconds"] = 120.into();
        self.entry(at + SignedDuration::from_millis(120), by, &with(came));
    }

    /// The request for an access token.
    pub(crate) fn token(&mut self, at: Timestamp, by: By<'_>, run: &str, operation: &str) {
        let said = json!({
            "run": run, "operation": operation, "rule": "token", "method": "POST",
            "path": "/api/v2/oauth/token",
            "secrets": [{ "name": "client-secret", "fingerprint": "0123456789abcdef" }],
        });
        self.request(at, by, &said, &json!({ "status": 200 }));
    }

    /// A mint: four entries.
    pub(crate) fn mint(&mut self, at: Timestamp, by: By<'_>, id: &str, tag: &str, expiry: u32) {
        let run = self.run();
        self.token(at, by, &run, "mint");
        let said = json!({
            "run": run, "operation": "mint", "rule": "create-auth-key", "method": "POST",
            "path": "/api/v2/tailnet/{tailnet}/keys", "tags": [tag], "expiry_seconds": expiry,
        });
        let later = at + SignedDuration::from_millis(250);
        self.request(later, by, &said, &json!({ "status": 200, "key": id }));
    }

    /// The revocation of a key, or the deletion of a client: four entries.
    pub(crate) fn delete(&mut self, at: Timestamp, by: By<'_>, operation: &str, id: &str) {
        let run = self.run();
        self.token(at, by, &run, operation);
        let said = json!({
            "run": run, "operation": operation, "rule": "delete-key", "method": "DELETE",
            "path": "/api/v2/tailnet/{tailnet}/keys/{id}", "key": id,
        });
        self.request(at, by, &said, &json!({ "status": 200 }));
    }

    /// A new OAuth client: four entries.
    pub(crate) fn create_client(&mut self, at: Timestamp, by: By<'_>, id: &str) {
        let run = self.run();
        self.token(at, by, &run, "create-client");
        let said = json!({
            "run": run, "operation": "create-client", "rule": "create-client", "method": "POST",
            "path": "/api/v2/tailnet/{tailnet}/keys", "tags": ["tag:tazpod"],
            "scopes": ["auth_keys"],
        });
        self.request(at, by, &said, &json!({ "status": 200, "key": id }));
    }

    /// A request that was denied, or with `report` would have been: then the API rejects it.
    pub(crate) fn denial(&mut self, at: Timestamp, by: By<'_>, decision: &str, reason: &str) {
        let run = self.run();
        let mut entry = json!({
            "event": "decision", "run": run, "operation": "mint", "decision": decision,
            "rule": "create-auth-key", "reason": reason, "method": "POST",
            "path": "/api/v2/tailnet/{tailnet}/keys",
        });
        self.entry(at, by, &entry);
        if decision == "report" {
            entry["event"] = "response".into();
            entry["status"] = 400.into();
            entry["milliseconds"] = 120.into();
            self.entry(at, by, &entry);
        }
    }
}
