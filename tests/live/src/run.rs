use std::{
    collections::{BTreeMap, BTreeSet},
    slice::Iter,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Value, json};

use crate::{
    Circumstances, Credential, FACTS, Hidden, Leftover, Observation, Report, Stop, Target,
    api::{Api, KEYS, Request, Response},
    contract,
    normaliser::{Normaliser, types},
};

/// What a run needs to know.
pub struct Plan {
    /// Where the requests go.
    pub target: Target,
    /// Who creates what is needed.
    pub credential: Credential,
    /// A tag that the policy file of the tailnet has.
    pub tag: String,
    /// Another one, for the rules about several tags.
    pub second_tag: Option<String>,
    /// An identity token that has not expired.
    pub id_token: Option<Hidden>,
    /// One of the same issuer and subject that has.
    pub expired_id_token: Option<Hidden>,
}

/// What a run ends with.
pub struct Outcome {
    /// What it saw, or why it ended early.
    pub report: Result<Report, Stop>,
    /// What it could not remove.
    pub left: Vec<Leftover>,
}

/// How far a clock may be from this machine's, for both to be called the same.
const NEAR: Duration = Duration::from_mins(1);

/// The pauses before the removal is tried once more. When they are used up, what is left is
/// tried once each.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// A run on its way.
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) prefix: String,
    /// The credential's token. It is none before [`Run::sign_in`].
    pub(crate) root: Hidden,
    api: Api,
    interrupted: &'a AtomicBool,
    normaliser: Normaliser,
    observations: BTreeMap<String, Observation>,
    headers: BTreeSet<String>,
    limits: BTreeSet<String>,
    /// Whether something may have been created, be it that the response was lost.
    has_asked: bool,
    /// What was created, in its order: the id, and the fact that needed it.
    created: Vec<(String, &'static str)>,
    scopes: Vec<String>,
    tags: Vec<String>,
    is_clean: bool,
}

/// A new random prefix for the descriptions of all that a run creates.
///
/// # Panics
/// The system has no randomness.
pub fn new_prefix() -> String {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    format!("tailmint-live-{:08x}", u32::from_ne_bytes(bytes))
}

/// Observes all facts, and removes what it created, however it ends. It ends early when
/// `interrupted` is set.
///
/// # Errors
/// The target is no loopback address, or its certificate is none.
pub fn observe(plan: &Plan, prefix: &str, interrupted: &AtomicBool) -> Result<Outcome, String> {
    let mut run = Run {
        plan,
        prefix: prefix.to_owned(),
        root: Hidden::new(""),
        api: Api::new(&plan.target)?,
        interrupted,
        normaliser: Normaliser::default(),
        observations: BTreeMap::new(),
        headers: BTreeSet::new(),
        limits: BTreeSet::new(),
        has_asked: false,
        created: Vec::new(),
        scopes: Vec::new(),
        tags: Vec::new(),
        is_clean: false,
    };
    run.know(prefix, "prefix");
    run.know(&plan.tag, "tag");
    if let Some(tag) = &plan.second_tag {
        run.know(tag, "second tag");
    }
    let (Credential::ApiKey(secret) | Credential::OauthClient(secret)) = &plan.credential;
    let secrets = [
        Some(secret),
        plan.id_token.as_ref(),
        plan.expired_id_token.as_ref(),
    ];
    for secret in secrets.into_iter().flatten() {
        run.hide(secret);
    }
    let ended = contract::all(&mut run);
    let left = run.clean();
    Ok(Outcome {
        report: ended.map(|()| run.report()),
        left,
    })
}

impl Run<'_> {
    pub(crate) fn know(&mut self, text: &str, instead: &str) {
        self.normaliser.know(text, instead);
    }

    /// From now on the secret is shown nowhere, nor are its parts: errors may repeat it.
    pub(crate) fn hide(&mut self, secret: &Hidden) {
        self.normaliser.hide(secret.expose());
    }

    /// The description of something that is created.
    pub(crate) fn described(&self, what: &str) -> String {
        format!("{} {what}", self.prefix)
    }

    /// Has the token that creates and removes everything.
    pub(crate) fn sign_in(&mut self) -> Result<(), Stop> {
        let secret = match &self.plan.credential {
            Credential::ApiKey(key) => {
                self.root = key.clone();
                return Ok(());
            }
            Credential::OauthClient(secret) => secret,
        };
        let form = [("client_secret", secret.expose())];
        let response = self.send(&Request::new("POST", contract::TOKEN).form(&form))?;
        let Some(token) = response.secret("access_token") else {
            let message = response.member("message").unwrap_or("no message");
            let message = self.normaliser.text(message);
            return Err(Stop::Credential(format!("{}: {message}", response.status)));
        };
        self.root = token;
        let words = |name| response.member(name).unwrap_or_default().split(' ');
        let words = |name| words(name).filter(|it| !it.is_empty()).map(str::to_owned);
        self.scopes = words("scope").collect();
        for (index, tag) in words("tags").collect::<Vec<_>>().iter().enumerate() {
            if self.normaliser.label(tag).is_none() {
                self.know(tag, &format!("tag {}", index + 1));
            }
            let label = self.normaliser.label(tag).unwrap_or_default();
            self.tags.push(label.to_owned());
        }
        Ok(())
    }

    fn send(&mut self, request: &Request) -> Result<Response, Stop> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Stop::Interrupted);
        }
        let (headers, limits) = (&mut self.headers, &mut self.limits);
        self.api.send(request, &mut |response| {
            for (name, _) in &response.headers {
                headers.insert(name.clone());
                if name.contains("ratelimit") || name.contains("rate-limit") {
                    limits.insert(name.clone());
                }
                if name == "retry-after" {
                    limits.insert(format!("{name} with {}", response.status));
                }
            }
            if response.status == 429 {
                limits.insert("status 429".to_owned());
            }
        })
    }

    /// Sends the request, and writes down what came back.
    pub(crate) fn see(&mut self, fact: &'static str, request: &Request) -> Result<Response, Stop> {
        let response = self.send(request)?;
        if let Some(token) = response.secret("access_token") {
            self.hide(&token);
        }
        let body = self.normaliser.body(&response.json);
        self.write_down(fact, &response, body);
        Ok(response)
    }

    /// Sends a request that is only a step.
    pub(crate) fn unseen(&mut self, request: &Request) -> Result<Response, Stop> {
        self.send(request)
    }

    /// The same as [`Run::see`], with the types of the members alone: the values are somebody's.
    pub(crate) fn see_types(&mut self, fact: &'static str, request: &Request) -> Result<(), Stop> {
        let response = self.send(request)?;
        let shown = if response.is_success() {
            types(&response.json)
        } else {
            response.json.clone()
        };
        let body = self.normaliser.body(&shown);
        self.write_down(fact, &response, body);
        Ok(())
    }

    /// The same for a list: which types of keys of this run are in it, and one entry.
    pub(crate) fn see_list(
        &mut self,
        fact: &'static str,
        request: &Request,
        entry: &str,
    ) -> Result<(), Stop> {
        let response = self.send(request)?;
        let Some(keys) = response.json["keys"].as_array() else {
            let body = self.normaliser.body(&response.json);
            self.write_down(fact, &response, body);
            return Ok(());
        };
        // Their types, not all of them: which could be created is seen elsewhere.
        let mut listed = BTreeSet::new();
        let mut shown = &Value::Null;
        for key in keys {
            let id = key["id"].as_str().unwrap_or_default();
            if self.created.iter().any(|(other, _)| other == id) {
                listed.insert(key["keyType"].as_str().unwrap_or("no type"));
            }
            if id == entry {
                shown = key;
            }
        }
        let listed: Vec<_> = listed.into_iter().collect();
        let mut body = self.normaliser.body(&json!({ "entry": shown }));
        body.insert("types of this run".to_owned(), listed.join(", ").into());
        self.write_down(fact, &response, body);
        Ok(())
    }

    /// The same for a request that may create something, which is removed at the end.
    pub(crate) fn create(
        &mut self,
        fact: &'static str,
        request: &Request,
    ) -> Result<Response, Stop> {
        self.has_asked = true;
        let response = self.send(request)?;
        if let Some(secret) = response.secret("key") {
            self.hide(&secret);
        }
        if let Some(id) = response.member("id").filter(|_| response.is_success()) {
            self.created.push((id.to_owned(), fact));
            self.know(id, &format!("id of {fact}"));
        }
        let body = self.normaliser.body(&response.json);
        self.write_down(fact, &response, body);
        Ok(response)
    }

    /// Sends a request until it is rejected with 401, for some seconds.
    pub(crate) fn see_end(&mut self, fact: &'static str, request: &Request) -> Result<(), Stop> {
        let begun = Instant::now();
        loop {
            let response = self.send(request)?;
            if response.status == 401 || begun.elapsed() > Duration::from_secs(20) {
                // Whether it has ended: what it lists until then is nothing to compare.
                let body = match response.status {
                    200 => BTreeMap::new(),
                    _ => self.normaliser.body(&response.json),
                };
                self.write_down(fact, &response, body);
                return Ok(());
            }
            self.wait(Duration::from_secs(2))?;
        }
    }

    /// Waits, unless a signal comes.
    pub(crate) fn wait(&self, time: Duration) -> Result<(), Stop> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Stop::Interrupted);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn write_down(
        &mut self,
        fact: &'static str,
        response: &Response,
        body: BTreeMap<String, Value>,
    ) {
        let mut seen = body;
        seen.insert("status".to_owned(), response.status.into());
        for name in ["content-type", "location", "www-authenticate"] {
            if let Some(value) = response.header(name) {
                let value = self.normaliser.text(value);
                seen.insert(format!("header {name}"), value.into());
            }
        }
        if response.json.is_null() {
            let kind = match response.text.trim() {
                "" => "empty",
                "null" => "null",
                _ => "not JSON",
            };
            seen.insert("body".to_owned(), kind.into());
        }
        if !self.observations.contains_key("clock") {
            self.put("clock", clock(response));
        }
        self.put(fact, seen);
    }

    fn put(&mut self, fact: &str, seen: BTreeMap<String, Value>) {
        let observation = Observation {
            fact: settles(fact).to_owned(),
            seen,
            not_observed: None,
        };
        let before = self.observations.insert(fact.to_owned(), observation);
        assert!(before.is_none(), "{fact} is observed twice");
    }

    /// Says why the facts are not observed.
    pub(crate) fn skip(&mut self, facts: &[&str], why: &str) {
        for fact in facts {
            let observation = Observation {
                fact: settles(fact).to_owned(),
                seen: BTreeMap::new(),
                not_observed: Some(why.to_owned()),
            };
            self.observations.insert((*fact).to_owned(), observation);
        }
    }

    fn report(&mut self) -> Report {
        let limits: Vec<_> = self.limits.iter().cloned().collect();
        let limits = json!({ "limits": limits.join(", ") });
        self.put(
            "rate-limits",
            serde_json::from_value(limits).unwrap_or_default(),
        );
        let missing: Vec<_> = FACTS.iter().map(|(name, _)| *name).collect();
        let missing: Vec<_> = missing
            .into_iter()
            .filter(|name| !self.observations.contains_key(*name))
            .collect();
        self.skip(&missing, "what it takes could not be created");
        Report {
            circumstances: Circumstances {
                credential: self.plan.credential.kind(),
                scopes: self.scopes.clone(),
                tags: self.tags.clone(),
                second_tag: self.plan.second_tag.is_some(),
                id_token: self.plan.id_token.is_some(),
                expired_id_token: self.plan.expired_id_token.is_some(),
            },
            observations: std::mem::take(&mut self.observations),
            headers: std::mem::take(&mut self.headers),
        }
    }

    /// Removes all that was created, and what a lost response hid: that is found by its
    /// description. A signal does not end this.
    fn clean(&mut self) -> Vec<Leftover> {
        self.is_clean = true;
        if !self.has_asked {
            return Vec::new();
        }
        let mut left = Vec::new();
        let mut pauses = PAUSES.iter();
        let created = std::mem::take(&mut self.created);
        let mut removed = BTreeSet::new();
        for (id, fact) in created.iter().rev() {
            match self.remove(id, &mut pauses) {
                Ok(()) => {
                    removed.insert(id.clone());
                }
                Err(why) => left.push(Leftover::Key {
                    id: id.clone(),
                    fact: (*fact).to_owned(),
                    why,
                }),
            }
        }
        match self.others(&removed, &mut pauses) {
            Ok(ids) => {
                for id in ids {
                    let is_named = created.iter().any(|(other, _)| *other == id);
                    if let Err(why) = self.remove(&id, &mut pauses)
                        && !is_named
                    {
                        let fact = "a response that was lost".to_owned();
                        left.push(Leftover::Key { id, fact, why });
                    }
                }
            }
            Err(why) => left.push(Leftover::Unknown {
                prefix: self.prefix.clone(),
                why,
            }),
        }
        left
    }

    fn remove(&self, id: &str, pauses: &mut Iter<'_, Duration>) -> Result<(), String> {
        let request = Request::new("DELETE", format!("{KEYS}/{id}")).bearer(&self.root);
        match self.insist(&request, pauses)?.status {
            // Those that the run has revoked may be gone.
            200 | 204 | 404 => Ok(()),
            status => Err(format!("status {status}")),
        }
    }

    /// What there is with the prefix of this run that still has an effect.
    fn others(
        &self,
        removed: &BTreeSet<String>,
        pauses: &mut Iter<'_, Duration>,
    ) -> Result<Vec<String>, String> {
        let request = Request::new("GET", format!("{KEYS}?all=true")).bearer(&self.root);
        let response = self.insist(&request, pauses)?;
        let keys = response.json["keys"].as_array();
        let Some(keys) = keys.filter(|_| response.status == 200) else {
            return Err(format!("status {}", response.status));
        };
        let text = |key: &Value, name: &str| key[name].as_str().unwrap_or_default().to_owned();
        let own = keys.iter().filter(|key| {
            text(key, "description").starts_with(&self.prefix) && key["invalid"] != true
        });
        let ids = own.map(|key| text(key, "id"));
        Ok(ids.filter(|id| !removed.contains(id)).collect())
    }

    fn insist(
        &self,
        request: &Request,
        pauses: &mut Iter<'_, Duration>,
    ) -> Result<Response, String> {
        loop {
            let failed = match self.api.send(request, &mut |_| {}) {
                Ok(response) if response.status < 500 => return Ok(response),
                Ok(response) => format!("status {}", response.status),
                Err(stop) => stop.to_string(),
            };
            let pause = pauses.next().ok_or(failed)?;
            thread::sleep(*pause);
        }
    }
}

impl Drop for Run<'_> {
    /// After a panic.
    fn drop(&mut self) {
        if !self.is_clean {
            for left in self.clean() {
                eprintln!("{left}");
            }
        }
    }
}

fn settles(fact: &str) -> &'static str {
    let found = FACTS.iter().find(|(name, _)| *name == fact);
    found.expect("every fact is in the list").1
}

fn clock(response: &Response) -> BTreeMap<String, Value> {
    let date = response.header("date");
    let said = match date.map(httpdate::parse_http_date) {
        None => "no date",
        Some(Err(_)) => "a date of another form",
        Some(Ok(there)) => {
            let here = SystemTime::now();
            let apart = here.duration_since(there).or(there.duration_since(here));
            match apart {
                Ok(apart) if apart <= NEAR => "near the time of this machine",
                _ => "far from the time of this machine",
            }
        }
    };
    BTreeMap::from([("date".to_owned(), said.into())])
}
