use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
};

use tailmint_api::{Kind, OutsideText};

use super::{
    AccountCounts, ChainState, ClientLife, Counts, DenialCounts, IdentityCounts, InForce,
    JoiningKey, Listed, Period, Report, Requests, Rotation, RuleCounts, Seen, TagCount,
    tallies::Tallies, timeline::Drawn,
};
use crate::{Moment, Record, Who, happened::Happened, open_requests::OpenRequests};

/// So many keys that still join are told one by one.
const MOST_KEYS: usize = 10_000;

/// So many of other lists.
const MOST_LISTED: usize = 200;

/// So many tags of a key. The API gives a key no more.
const MOST_TAGS: usize = 50;

/// The most bytes of a name that are kept. A line of a log has up to a million.
const MOST_BYTES: usize = 256;

/// The name, or its beginning.
fn short(name: &str) -> String {
    name[..name.floor_char_boundary(MOST_BYTES)].to_owned()
}

/// Within this time a process that created a client deletes the old one: the longest grace
/// of a rotation, and as much for the rest.
const ROTATION_SECONDS: u64 = 2 * 3600;

/// So many clients that were created are remembered at once.
const MOST_CREATED: usize = 64;

/// What is known while the log is read.
pub(super) struct Gathered {
    period: Period,
    entries: u64,
    span: Option<(Moment, Moment)>,
    total: Counts,
    drawn: Drawn,
    open: OpenRequests,
    more_open: u64,
    joining: BTreeMap<String, JoiningKey>,
    more_joining: u64,
    tags: Tallies<String, u64>,
    accounts: Tallies<Who, Counts>,
    rules: Tallies<String, Requests>,
    denials: Tallies<(bool, String, String), Denied>,
    clients: Tallies<String, Client>,
    created: VecDeque<Created>,
    rotations: Listed<Rotation>,
    identities: Tallies<[String; 3], Times>,
    policies: Tallies<String, Times>,
    components: Tallies<String, Times>,
    versions: Tallies<String, Times>,
}

/// How often, and when.
#[derive(Default)]
struct Times(Option<Seen>);

impl Times {
    fn see(&mut self, at: Moment) {
        let seen = self.0.get_or_insert(Seen {
            entries: 0,
            first: at,
            last: at,
        });
        seen.entries += 1;
        seen.last = at;
    }

    /// What is named was seen.
    fn of_named(self, otherwise: Moment) -> Seen {
        self.0.unwrap_or(Seen {
            entries: 0,
            first: otherwise,
            last: otherwise,
        })
    }
}

#[derive(Default)]
struct Denied {
    times: Times,
    last_run: String,
}

#[derive(Default)]
struct Client {
    asked: Times,
    minted: u64,
    created: Option<Moment>,
    deleted: Option<Moment>,
}

/// A client that a process created.
struct Created {
    process: (u64, u64),
    id: String,
    at: Moment,
}

impl Gathered {
    pub(super) fn new(period: Period) -> Self {
        Self {
            period,
            entries: 0,
            span: None,
            total: Counts::default(),
            drawn: Drawn::default(),
            open: OpenRequests::default(),
            more_open: 0,
            joining: BTreeMap::new(),
            more_joining: 0,
            tags: Tallies::default(),
            accounts: Tallies::default(),
            rules: Tallies::default(),
            denials: Tallies::default(),
            clients: Tallies::default(),
            created: VecDeque::new(),
            rotations: Listed::default(),
            identities: Tallies::default(),
            policies: Tallies::default(),
            components: Tallies::default(),
            versions: Tallies::default(),
        }
    }

    /// Takes note of one entry. One whose time is none that can be read is only part of the
    /// chain.
    pub(super) fn see(&mut self, entry: &Record) {
        let Some(at) = Moment::of(entry) else { return };
        if self.period.has_ended(at) {
            return;
        }
        let happened = Happened::of(entry);
        self.see_key(entry, at, happened);
        if !self.period.has_begun(at) {
            return;
        }
        self.entries += 1;
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        // What the log says of itself is about no request.
        if entry.text("rule").is_empty() {
            self.drawn.cover(at);
            return;
        }
        self.see_request(entry, at);
        self.see_counts(entry, at, happened);
        self.see_client(entry, at, happened);
        for (tallies, member) in [
            (&mut self.policies, "policy"),
            (&mut self.components, "component"),
            (&mut self.versions, "version"),
        ] {
            let name = entry.text(member);
            if !name.is_empty()
                && let Some(times) = tallies.of(short(name))
            {
                times.see(at);
            }
        }
    }

    /// Which keys still join, from all of the log before the end of the time.
    fn see_key(&mut self, entry: &Record, at: Moment, happened: Option<Happened>) {
        match happened {
            Some(Happened::Created(Kind::AuthKey)) => {
                let lives = entry
                    .get("expiry_seconds")
                    .and_then(serde_json::Value::as_u64);
                let joins_until = lives.map(|seconds| at.after(seconds));
                if joins_until.is_some_and(|until| until <= self.period.until) {
                    return;
                }
                if self.joining.len() >= MOST_KEYS {
                    self.more_joining += 1;
                    return;
                }
                let text = |member| OutsideText::new(entry.text(member));
                let key = JoiningKey {
                    id: text("key"),
                    minted: at,
                    joins_until,
                    tags: entry
                        .texts("tags")
                        .into_iter()
                        .take(MOST_TAGS)
                        .map(OutsideText::new)
                        .collect(),
                    account: OutsideText::of(Who::of(entry)),
                    client: text("client"),
                    run: text("run"),
                };
                self.joining.insert(short(entry.text("key")), key);
            }
            Some(Happened::Ended) => {
                self.joining.remove(&short(entry.text("key")));
            }
            _ => {}
        }
    }

    /// What was decided, and what came back.
    fn see_request(&mut self, entry: &Record, at: Moment) {
        let rule = entry.text("rule");
        if rule == tailmint_api::Rule::CreateAuthKey.name() {
            self.open.see(entry);
            if self.open.0.len() > MOST_LISTED {
                self.open.0.remove(0);
                self.more_open += 1;
            }
        }
        let event = entry.text("event");
        if let Some(requests) = self.rules.of(short(rule)) {
            let count = match (event, entry.text("decision")) {
                ("decision", "allow") => Some(&mut requests.allowed),
                ("decision", "report") => Some(&mut requests.reported),
                ("decision", _) => Some(&mut requests.denied),
                ("response", _) if entry.number("status") >= 400 => Some(&mut requests.rejected),
                ("failure", _) => Some(&mut requests.failed),
                _ => None,
            };
            if let Some(count) = count {
                *count += 1;
            }
        }
        let was_sent = entry.text("decision") == "report";
        let was_denied = event == "decision" && entry.text("decision") != "allow";
        let name = || (was_sent, short(rule), short(entry.text("reason")));
        if was_denied && let Some(denied) = self.denials.of(name()) {
            denied.times.see(at);
            denied.last_run = short(entry.text("run"));
        }
        if rule == "identity" && event == "response" {
            let text = |member| short(entry.text(member));
            let name = [text("source"), text("issuer"), text("subject")];
            if let Some(times) = self.identities.of(name) {
                times.see(at);
            }
        }
    }

    fn see_counts(&mut self, entry: &Record, at: Moment, happened: Option<Happened>) {
        let mut counts = Counts::default();
        if entry.text("event") == "decision" {
            match entry.text("decision") {
                "allow" => counts.allowed = 1,
                "report" => counts.reported = 1,
                _ => counts.denied = 1,
            }
        }
        match happened {
            Some(Happened::Created(Kind::AuthKey)) => {
                counts.minted = 1;
                for tag in entry.texts("tags") {
                    if let Some(count) = self.tags.of(short(tag)) {
                        *count += 1;
                    }
                }
            }
            Some(Happened::Ended) if entry.number("status") < 300 => counts.ended = 1,
            _ => {}
        }
        self.total.add(counts);
        self.drawn.add(at, counts);
        if let Some(account) = self.accounts.of(Who::of(entry)) {
            account.add(counts);
        }
    }

    fn see_client(&mut self, entry: &Record, at: Moment, happened: Option<Happened>) {
        let asker = entry.text("client");
        if !asker.is_empty()
            && let Some(client) = self.clients.of(short(asker))
        {
            client.asked.see(at);
            client.minted += u64::from(happened == Some(Happened::Created(Kind::AuthKey)));
        }
        let id = entry.text("key");
        match happened {
            Some(Happened::Created(Kind::OauthClient | Kind::FederatedIdentity)) => {
                if let Some(client) = self.clients.of(short(id)) {
                    client.created = Some(at);
                }
                if let Some(process) = Who::process(entry) {
                    self.created.push_back(Created {
                        process,
                        id: short(id),
                        at,
                    });
                }
                if self.created.len() > MOST_CREATED {
                    self.created.pop_front();
                }
            }
            Some(Happened::Ended) if entry.text("operation") != "revoke" => {
                if let Some(client) = self.clients.of(short(id)) {
                    client.deleted = Some(at);
                }
                self.see_rotation(entry, at, id);
            }
            _ => {}
        }
    }

    fn see_rotation(&mut self, entry: &Record, at: Moment, old: &str) {
        let Some(process) = Who::process(entry) else {
            return;
        };
        // A new one that was deleted took no position.
        if let Some(own) = self.created.iter().position(|it| it.id == short(old)) {
            self.created.remove(own);
            return;
        }
        let is_same = |it: &Created| it.process == process && at <= it.at.after(ROTATION_SECONDS);
        let Some(created) = self.created.iter().rposition(is_same) else {
            return;
        };
        let Some(created) = self.created.remove(created) else {
            return;
        };
        let rotation = Rotation {
            at,
            old: OutsideText::new(old),
            new: OutsideText::new(&created.id),
            account: OutsideText::of(Who::of(entry)),
        };
        self.rotations.push(rotation, MOST_LISTED);
    }

    pub(super) fn finish(mut self, chain: ChainState) -> Report {
        let end = self.period.until;
        // From the beginning of the time to its end, also where nothing happened.
        if self.entries > 0 || self.period.since.is_some() {
            self.drawn.cover(end);
        }
        if let Some(since) = self.period.since {
            self.drawn.cover(since);
        }
        let outside = |text: String| OutsideText::new(&text);
        let in_force = |tallies: Tallies<String, Times>| {
            let shown = |name, times: Times| InForce {
                name: outside(name),
                seen: times.of_named(end),
            };
            tallies.listed(shown, |it| (it.seen.first, it.name.clone()))
        };
        let mut joining: Vec<_> = self.joining.into_values().collect();
        joining.sort_by_key(|key| (key.joins_until.is_none(), key.joins_until, key.minted));
        Report {
            since: self.period.since,
            until: end,
            entries: self.entries,
            first: self.span.map(|(first, _)| first),
            last: self.span.map(|(_, last)| last),
            chain,
            total: self.total,
            timeline: self.drawn.finish(),
            unanswered: Listed {
                items: self.open.0.into_iter().map(outside).collect(),
                more: self.more_open,
            },
            joining: Listed {
                items: joining,
                more: self.more_joining,
            },
            tags: self.tags.listed(
                |tag, minted| TagCount {
                    tag: outside(tag),
                    minted,
                },
                |it| (Reverse(it.minted), it.tag.clone()),
            ),
            accounts: self.accounts.listed(
                |who, counts| AccountCounts {
                    account: OutsideText::of(who),
                    counts,
                },
                |it| {
                    (
                        Reverse(it.counts.minted),
                        Reverse(it.counts.allowed),
                        it.account.clone(),
                    )
                },
            ),
            rules: self.rules.listed(
                |rule, requests| RuleCounts {
                    rule: outside(rule),
                    requests,
                },
                |it| (Reverse(it.requests.allowed), it.rule.clone()),
            ),
            denials: self.denials.listed(
                |(was_sent, rule, reason), denied| DenialCounts {
                    was_sent,
                    rule: outside(rule),
                    reason: outside(reason),
                    seen: denied.times.of_named(end),
                    last_run: outside(denied.last_run),
                },
                |it| (it.was_sent, Reverse(it.seen.entries), it.rule.clone()),
            ),
            clients: self.clients.listed(
                |id, client| ClientLife {
                    id: outside(id),
                    asked: client.asked.0,
                    minted: client.minted,
                    created: client.created,
                    deleted: client.deleted,
                },
                |it| {
                    let asked = it.asked.map(|seen| seen.first);
                    let first = [it.created, asked, it.deleted].into_iter().flatten().min();
                    (first, it.id.clone())
                },
            ),
            rotations: self.rotations,
            identities: self.identities.listed(
                |[source, issuer, subject], times| IdentityCounts {
                    source: outside(source),
                    issuer: outside(issuer),
                    subject: outside(subject),
                    seen: times.of_named(end),
                },
                |it| (Reverse(it.seen.entries), it.subject.clone()),
            ),
            policies: in_force(self.policies),
            components: in_force(self.components),
            versions: in_force(self.versions),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Verification, report::ChainState};

    fn at(second: i64) -> Moment {
        Moment(jiff::Timestamp::from_second(second).unwrap())
    }

    /// A report of these entries, each with its second, of the time from 0 to `until`.
    fn report(until: i64, entries: &[(i64, Value)]) -> Report {
        let mut gathered = Gathered::new(Period {
            since: Some(at(0)),
            until: at(until),
        });
        for (second, members) in entries {
            let mut members = members.as_object().unwrap().clone();
            members.insert("time".to_owned(), at(*second).0.to_string().into());
            gathered.see(&Record(members));
        }
        gathered.finish(ChainState::of(&Verification::default(), None, None))
    }

    fn minted(id: &str, expiry: u64) -> Value {
        json!({
            "event": "response", "rule": "create-auth-key", "status": 200, "key": id,
            "expiry_seconds": expiry, "tags": ["tag:a"], "decision": "allow",
        })
    }

    fn ended(id: &str, operation: &str, status: u64, pid: u64) -> Value {
        json!({
            "event": "response", "rule": "delete-key", "operation": operation, "status": status,
            "key": id, "actor": { "uid": 0, "pid": pid }, "decision": "allow",
        })
    }

    fn created(id: &str, pid: u64) -> Value {
        json!({
            "event": "response", "rule": "create-client", "status": 200, "key": id,
            "actor": { "uid": 0, "pid": pid }, "decision": "allow",
        })
    }

    fn joining(report: &Report) -> Vec<&str> {
        report.joining.items.iter().map(|key| &*key.id).collect()
    }

    #[test]
    fn a_key_joins_until_it_expires_or_ends() {
        let log = [(-5, minted("old", 1000)), (10, minted("new", 90))];
        for (until, expected) in [
            (99, vec!["new", "old"]),
            (100, vec!["old"]),
            (994, vec!["old"]),
            (995, vec![]),
        ] {
            assert_eq!(joining(&report(until, &log)), expected, "{until}");
        }
        for (status, is_left) in [(200, false), (404, false), (500, true)] {
            let entries = [log[0].clone(), (20, ended("old", "revoke", status, 1))];
            let found = report(50, &entries);
            assert_eq!(found.joining.items.len(), usize::from(is_left), "{status}");
            assert_eq!(found.total.ended, u64::from(status == 200));
        }
        // What came later than the time is not known in it.
        let later = [log[0].clone(), (50, ended("old", "revoke", 200, 1))];
        assert_eq!(joining(&report(50, &later)), ["old"]);
        assert_eq!(report(50, &later).entries, 0);
        // One of which the log does not say when it expires is last.
        let mut timeless = minted("timeless", 1);
        timeless.as_object_mut().unwrap().remove("expiry_seconds");
        let found = report(50, &[(1, timeless), (2, minted("new", 90))]);
        assert_eq!(joining(&found), ["new", "timeless"]);
        // It is counted once, whenever it expires.
        assert_eq!(found.total.minted, 2);
        assert_eq!(found.tags.items[0].minted, 2);
    }

    #[test]
    fn more_keys_than_are_listed_are_counted() {
        let most = i64::try_from(MOST_KEYS).unwrap();
        let many: Vec<_> = (0..most + 2)
            .map(|number| (1, minted(&format!("k{number}"), 90)))
            .collect();
        let found = report(50, &many);
        assert_eq!(
            (found.joining.items.len(), found.joining.more),
            (MOST_KEYS, 2)
        );
    }

    #[test]
    fn a_log_with_long_names_has_a_short_report() {
        let long = "a".repeat(1_000_000);
        let entries: Vec<_> = (0..20)
            .map(|number| {
                let mut entry = minted(&format!("{number}{long}"), 90);
                for member in ["policy", "component", "version", "client", "run", "reason"] {
                    entry[member] = format!("{number}{long}").into();
                }
                entry["tags"] = (0..100).map(|tag| format!("{tag}{long}")).collect();
                (1, entry)
            })
            .collect();
        let found = report(50, &entries);
        assert_eq!(found.joining.items.len(), 20);
        let written = serde_json::to_string(&found).unwrap();
        assert!(written.len() < 2_000_000, "{} bytes", written.len());
        assert_eq!(short("aé").len(), 3);
        assert_eq!(short(&format!("{}é", "a".repeat(255))).len(), 255);
    }

    #[test]
    fn a_rotation_is_the_work_of_one_process() {
        let limit = i64::try_from(ROTATION_SECONDS).unwrap();
        let rotated = |entries: &[(i64, Value)]| {
            let found = report(2 * limit, entries);
            let all = found.rotations.items.into_iter();
            let all = all.map(|it| (it.old.into_string(), it.new.into_string()));
            all.collect::<Vec<_>>()
        };
        let pair = vec![("old".to_owned(), "new".to_owned())];
        let new = (1, created("new", 7));
        let delete = |second, id: &str, pid| (second, ended(id, "delete-client", 200, pid));
        assert_eq!(rotated(&[new.clone(), delete(1, "old", 7)]), pair);
        assert_eq!(rotated(&[new.clone(), delete(1 + limit, "old", 7)]), pair);
        assert_eq!(rotated(&[new.clone(), delete(2 + limit, "old", 7)]), []);
        assert_eq!(rotated(&[new.clone(), delete(1, "old", 8)]), []);
        // Each new one takes the position of one.
        let two = [new.clone(), delete(1, "old", 7), delete(1, "other", 7)];
        assert_eq!(rotated(&two), pair);
        // One that was deleted itself takes none.
        let undone = [new.clone(), delete(1, "new", 7), delete(1, "old", 7)];
        assert_eq!(rotated(&undone), []);
        // A key that is revoked is no client.
        assert_eq!(rotated(&[new, (1, ended("k1", "revoke", 200, 7))]), []);
    }

    #[test]
    fn requests_are_counted_by_what_became_of_them() {
        let of = |event: &str, decision: &str, status: u64| {
            json!({
                "event": event, "decision": decision, "status": status, "rule": "token",
                "reason": "why", "run": format!("{event}{decision}{status}"),
            })
        };
        let found = report(
            50,
            &[
                (1, of("decision", "allow", 0)),
                (2, of("decision", "report", 0)),
                (3, of("decision", "deny", 0)),
                (4, of("decision", "deny", 0)),
                (5, of("response", "allow", 399)),
                (6, of("response", "allow", 400)),
                (7, of("failure", "allow", 0)),
            ],
        );
        let expected = Requests {
            allowed: 1,
            reported: 1,
            denied: 2,
            rejected: 1,
            failed: 1,
        };
        assert_eq!(found.rules.items[0].requests, expected);
        let total = found.total;
        assert_eq!([total.allowed, total.reported, total.denied], [1, 1, 2]);
        let denials = found.denials.items.iter();
        let denials: Vec<_> = denials.map(|it| (it.was_sent, it.seen.entries)).collect();
        assert_eq!(denials, [(false, 2), (true, 1)]);
        assert_eq!(found.denials.items[0].seen.first, at(3));
        assert_eq!(found.denials.items[0].seen.last, at(4));
        assert_eq!(found.timeline.parts.len(), 1);
    }

    #[test]
    fn an_entry_without_a_time_is_no_part_of_any() {
        let mut gathered = Gathered::new(Period {
            since: None,
            until: at(50),
        });
        gathered.see(&Record(minted("k1", 90).as_object().unwrap().clone()));
        let found = gathered.finish(ChainState::of(&Verification::default(), None, None));
        assert_eq!((found.entries, found.joining.items.len()), (0, 0));
        assert!(found.timeline.parts.is_empty());
    }
}
