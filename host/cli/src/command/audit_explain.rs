use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use tailmint::Class;
use tailmint_api::{Kind, Operation, OutsideText, begins_like_key};
use tailmint_audit::{
    Moment, Record, Story, Verification, Who,
    story::{Birth, State},
};

use crate::{arguments::Global, failure::Failure, print};

/// Tells what the log knows of it; what was found of the chain on the way.
pub(super) fn explain(global: &Global, path: &Path, what: &str) -> Result<Verification, Failure> {
    let what = what.trim();
    if what.is_empty() {
        return Err(Failure::new(
            Class::Usage,
            "there is no id to explain: the text is empty",
            Some("give an id or a run that tailmint audit show prints".to_owned()),
        ));
    }
    if begins_like_key(what) {
        return Err(Failure::new(
            Class::Usage,
            "a whole key was given, and it is a secret",
            Some("give its id alone, such as kTT1CNTRL11; and revoke the key: it is in the history of the shell".to_owned()),
        ));
    }
    let now = Moment(jiff::Timestamp::now());
    let (story, found) = Story::read(path, what, now)?;
    let Some(story) = story else {
        return Err(Failure::new(
            Class::Usage,
            format!("{} has nothing about {}", path.display(), OutsideText::new(what)),
            Some("give an id or a run that tailmint audit show prints; other accounts and machines have logs of their own".to_owned()),
        ));
    };
    print::written(&if global.json {
        in_json(&story)
    } else {
        in_words(&story)
    })?;
    Ok(found)
}

fn in_json(story: &Story) -> String {
    let entries = story.entries.iter().map(Record::to_json);
    let entries: Vec<_> = entries
        .filter_map(|it| tailmint_api::from_json::<Value>(it.as_bytes()).ok())
        .collect();
    json!({
        "id": story.id,
        "kind": story.kind.map(Kind::name),
        "state": story.state,
        "created": story.created,
        "minted": story.minted,
        "entries": entries,
        "more": story.more,
    })
    .to_string()
}

/// How far the lines below a time are moved in.
const INDENT: &str = "                     ";

fn in_words(story: &Story) -> String {
    let mut lines = vec![beginning(story)];
    lines.extend(story.created.iter().map(birth));
    let is_client = matches!(
        story.kind,
        Some(Kind::OauthClient | Kind::FederatedIdentity)
    );
    if is_client || story.minted > 0 {
        lines.push(format!("keys that it asked for and got: {}", story.minted));
    }
    lines.push(String::new());
    let mut run = "";
    for entry in &story.entries {
        if entry.text("run") != run {
            run = entry.text("run");
            lines.push(wish(entry));
        }
        lines.push(format!("{INDENT}{}", step(entry)));
    }
    if story.more > 0 {
        lines.push(format!("and {} more entries", story.more));
    }
    // Files are edited by strangers.
    let lines = lines.iter().map(|line| clean(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// The line as it may be shown, with the white space at its beginning.
fn clean(line: &str) -> String {
    let text = line.trim_start();
    let indent = &line[..line.len() - text.len()];
    let (time, rest) = match text.split_once("  ") {
        Some((time, rest)) => (OutsideText::new(time).into_string() + "  ", rest),
        None => (String::new(), text),
    };
    format!("{indent}{time}{}", OutsideText::new(rest))
}

/// What it is, and where it stands.
fn beginning(story: &Story) -> String {
    let Some(id) = &story.id else {
        return "a run that created and ended nothing:".to_owned();
    };
    let kind = story.kind.map_or("something", Kind::with_article);
    let is_key = story.kind == Some(Kind::AuthKey);
    let ended = if is_key { "revoked" } else { "deleted" };
    match &story.state {
        State::Unknown => format!("{id} was not created in this log"),
        State::Works { until: Some(until) } => {
            format!("{id} is {kind}: it joins machines until {until} UTC, as far as this log knows")
        }
        State::Works { until: None } if is_key => {
            format!(
                "{id} is {kind}: it joins machines, as far as this log knows; when it expires is not in it"
            )
        }
        State::Works { until: None } => {
            format!("{id} is {kind}: it exists, as far as this log knows")
        }
        State::Expired { at } => format!("{id} is {kind}: it expired at {at} UTC"),
        State::Ended {
            at,
            account,
            run,
            was_there: true,
        } => {
            format!("{id} is {kind}: it was {ended} at {at} UTC by {account}, in the run {run}")
        }
        State::Ended {
            at, account, run, ..
        } => format!(
            "{id} is {kind}: it did not exist any more at {at} UTC, when {account} wanted to end it in the run {run}"
        ),
        _ => format!("{id} is {kind}"),
    }
}

fn birth(birth: &Birth) -> String {
    let tags: Vec<&str> = birth.tags.iter().map(|tag| &**tag).collect();
    let mut line = format!("created at {} UTC by {}", birth.at, birth.account);
    if !tags.is_empty() {
        line += &format!(", for {}", tags.join(" "));
    }
    line
}

/// Who wanted what, at the beginning of a run.
fn wish(entry: &Record) -> String {
    let operation = entry.text("operation");
    let wish = operation.parse::<Operation>().map(Operation::description);
    let wish = wish.map_or_else(
        |_| operation.to_owned(),
        |it| it.trim_end_matches('.').to_owned(),
    );
    let time = time(entry);
    let mut line = format!("{time}  {}: {wish}", Who::of(entry));
    line += &match entry.text("client") {
        "" => String::new(),
        client => format!(", asked by the client {client}"),
    };
    line += &format!("; run {}", entry.text("run"));
    let details = [
        ("tailmint ", entry.text("version")),
        ("component ", short(entry.text("component"))),
        ("policy ", short(entry.text("policy"))),
    ];
    let details = details.iter().filter(|(_, value)| !value.is_empty());
    let details: Vec<_> = details
        .map(|(name, value)| format!("{name}{value}"))
        .collect();
    format!("{line}; {}", details.join(", "))
}

/// What was decided, or what came back.
fn step(entry: &Record) -> String {
    let rule = entry.text("rule");
    match entry.text("event") {
        "decision" => {
            let verdict = match entry.text("decision") {
                "allow" => "allowed",
                "report" => "would be denied, and sent",
                _ => "DENIED",
            };
            let mut line = format!("{rule}: {verdict}");
            if let Some(reason) = entry.get("reason").and_then(Value::as_str) {
                line += &format!(": {reason}");
            }
            line += &format!(
                "; {} {}{}",
                entry.text("method"),
                entry.text("host"),
                entry.text("path")
            );
            let tags = entry.texts("tags");
            if !tags.is_empty() {
                line += &format!(" for {}", tags.join(" "));
            }
            let expiry = entry.get("expiry_seconds").and_then(Value::as_u64);
            if let Some(seconds) = expiry {
                let expiry = humantime::format_duration(Duration::from_secs(seconds));
                line += &format!(", to live for {expiry}");
            }
            let secrets = entry.get("secrets").and_then(Value::as_array);
            let secrets = secrets
                .into_iter()
                .flatten()
                .filter_map(|it| it["name"].as_str());
            let secrets: Vec<_> = secrets.collect();
            if !secrets.is_empty() {
                line += &format!(", with the {}", secrets.join(" and the "));
            }
            line
        }
        "response" => {
            let mut line = format!(
                "{rule}: response {} after {} ms",
                entry.number("status"),
                entry.number("milliseconds")
            );
            for (name, member) in [("", "key"), ("subject ", "subject"), ("issuer ", "issuer")] {
                let value = entry.text(member);
                if !value.is_empty() {
                    line += &format!(", {name}{value}");
                }
            }
            line
        }
        "failure" => format!(
            "{rule}: no response after {} ms: {}",
            entry.number("milliseconds"),
            entry.text("failure")
        ),
        other => format!("{rule}: {other}"),
    }
}

fn time(entry: &Record) -> String {
    Moment::of(entry).map_or_else(
        || "at no time that is known".to_owned(),
        |it| it.to_string(),
    )
}

/// As much of a digest as people compare.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
