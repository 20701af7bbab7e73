//! An entry as the programs take it that keep the logs of a system. What it says is the line
//! of the file, whole: who has all of them can follow the chain there too.

use crate::{Receiver, Record, line::Line};

/// How tailmint is named there.
const IDENTIFIER: &str = "tailmint";

/// `authpriv`, in the numbers of RFC 5424: what only administrators read.
const FACILITY: u8 = 10;

/// In the numbers of RFC 5424, which the journal has too.
const WARNING: u8 = 4;
const INFORMATIONAL: u8 = 6;

/// One datagram.
pub(crate) fn of(receiver: Receiver, line: &Line, text: &str) -> Vec<u8> {
    // A line of the log has no line end, and no control characters: JSON escapes them.
    let record = Record(line.members.clone());
    let severity = match record.text("decision") {
        "deny" | "report" if record.text("event") == "decision" => WARNING,
        _ => INFORMATIONAL,
    };
    match receiver {
        Receiver::Journal => journal(&record, line, severity, text),
        Receiver::Syslog => syslog(&record, severity, text),
    }
    .into_bytes()
}

/// In the place of one that is longer than any datagram.
pub(crate) fn in_short(receiver: Receiver, line: &Line, bytes: usize) -> Vec<u8> {
    let text = format!(
        "line {} of the audit log has {bytes} bytes, too many to be shipped; its hash is {}",
        line.link.sequence, line.link.hash
    );
    of(receiver, line, &text)
}

fn journal(record: &Record, line: &Line, severity: u8, text: &str) -> String {
    let mut fields = format!(
        "MESSAGE={text}\nPRIORITY={severity}\nSYSLOG_FACILITY={FACILITY}\nSYSLOG_IDENTIFIER={IDENTIFIER}\nTAILMINT_SEQ={}\nTAILMINT_HASH={}\n",
        line.link.sequence, line.link.hash
    );
    for (field, member) in [
        ("TAILMINT_EVENT", "event"),
        ("TAILMINT_RUN", "run"),
        ("TAILMINT_OPERATION", "operation"),
        ("TAILMINT_DECISION", "decision"),
        ("TAILMINT_KEY", "key"),
    ] {
        let value = record.text(member);
        // Who edits the file adds no fields of their own.
        if is_word(value) {
            fields += &format!("{field}={value}\n");
        }
    }
    fields
}

fn syslog(record: &Record, severity: u8, text: &str) -> String {
    let priority = FACILITY * 8 + severity;
    let or_none = |value: &str| match value {
        value if is_word(value) => value.to_owned(),
        _ => "-".to_owned(),
    };
    let time = or_none(record.text("time"));
    let event = or_none(record.text("event"));
    let process = record.get("actor").and_then(|actor| actor.get("pid"));
    let process = process.and_then(serde_json::Value::as_u64);
    let process = process.map_or("-".to_owned(), |it| it.to_string());
    // The daemon knows the machine.
    format!("<{priority}>1 {time} - {IDENTIFIER} {process} {event} - {text}")
}

/// Whether it is a word of 32 characters at the most, as a message id of RFC 5424 is.
fn is_word(value: &str) -> bool {
    (1..=32).contains(&value.len()) && value.bytes().all(|it| it.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::line::{self, Link};

    fn line(said: &Value) -> (String, Line) {
        let time = "2026-11-26T12:00:00Z".parse().unwrap();
        let (text, _) = line::write(&Link::default(), time, said).unwrap();
        let line = line::read(text.as_bytes()).unwrap();
        (text, line)
    }

    fn sent(receiver: Receiver, said: &Value) -> String {
        let (text, line) = line(said);
        let sent = String::from_utf8(of(receiver, &line, &text)).unwrap();
        let hash = &line.link.hash;
        sent.replace(&text, "[line]").replace(hash, "[hash]")
    }

    fn decision(decision: &str) -> Value {
        json!({
            "event": "decision", "run": "0123456789abcdef", "operation": "mint",
            "decision": decision, "actor": { "uid": 0, "pid": 7 },
        })
    }

    #[test]
    fn the_journal_takes_fields_in_lines() {
        assert_eq!(
            sent(Receiver::Journal, &decision("allow")),
            "MESSAGE=[line]\nPRIORITY=6\nSYSLOG_FACILITY=10\nSYSLOG_IDENTIFIER=tailmint\nTAILMINT_SEQ=1\nTAILMINT_HASH=[hash]\nTAILMINT_EVENT=decision\nTAILMINT_RUN=0123456789abcdef\nTAILMINT_OPERATION=mint\nTAILMINT_DECISION=allow\n"
        );
        // Nobody adds a field by a line of their own.
        let strange = json!({ "event": "a\nPRIORITY=0", "run": "a b", "key": "k".repeat(33) });
        assert_eq!(
            sent(Receiver::Journal, &strange),
            "MESSAGE=[line]\nPRIORITY=6\nSYSLOG_FACILITY=10\nSYSLOG_IDENTIFIER=tailmint\nTAILMINT_SEQ=1\nTAILMINT_HASH=[hash]\n"
        );
    }

    #[test]
    fn a_syslog_daemon_takes_a_header_and_the_line() {
        assert_eq!(
            sent(Receiver::Syslog, &decision("deny")),
            "<84>1 2026-11-26T12:00:00.000000Z - tailmint 7 decision - [line]"
        );
        assert_eq!(
            sent(Receiver::Syslog, &json!({ "event": "two words" })),
            "<86>1 2026-11-26T12:00:00.000000Z - tailmint - - - [line]"
        );
    }

    #[test]
    fn what_was_denied_or_would_be_is_a_warning() {
        for (said, priority) in [("allow", 6), ("deny", 4), ("report", 4), ("", 6)] {
            let sent = sent(Receiver::Journal, &decision(said));
            assert!(sent.contains(&format!("\nPRIORITY={priority}\n")), "{said}");
        }
        let mut response = decision("deny");
        response["event"] = "response".into();
        assert!(sent(Receiver::Journal, &response).contains("\nPRIORITY=6\n"));
    }

    #[test]
    fn one_that_is_too_long_is_named() {
        let (_, line) = line(&decision("deny"));
        let sent = String::from_utf8(in_short(Receiver::Syslog, &line, 300_000)).unwrap();
        let said = format!(
            " - line 1 of the audit log has 300000 bytes, too many to be shipped; its hash is {}",
            line.link.hash
        );
        assert!(sent.ends_with(&said), "{sent}");
    }
}
