use tailmint::event::{Event, Observer};

use crate::aside::aside;

/// Says on standard error what happens on the way out.
pub(super) struct Trace;

impl Trace {
    pub(super) fn note(line: &str) {
        aside(&format!("{line}\n"));
    }
}

impl Observer for Trace {
    fn observe(&self, event: &Event<'_>) {
        Self::note(&line(event));
    }
}

/// The event as a line for people.
pub(super) fn line(event: &Event<'_>) -> String {
    match event {
        Event::Decided {
            decision,
            method,
            path,
            body_bytes,
            ..
        } => match &decision.denial {
            None => {
                let rule = decision.rule;
                let mut line =
                    format!("> {method} {path}, {body_bytes} bytes: allowed by rule {rule}");
                if let Some(reported) = &decision.reported {
                    line += &format!(", which would deny it: {reported}");
                }
                line
            }
            Some(denial) => format!(
                "> {} {}: denied by rule {}: {denial}",
                method.escape_debug(),
                path.escape_debug(),
                decision.rule
            ),
        },
        Event::Responded {
            status,
            body_bytes,
            elapsed,
            ..
        } => format!(
            "< {status}, {body_bytes} bytes, after {} ms",
            elapsed.as_millis()
        ),
        Event::Failed {
            failure, elapsed, ..
        } => format!("< no response after {} ms: {failure}", elapsed.as_millis()),
        Event::Waiting { reason, wait } => {
            format!("  trying again in {} ms: {reason}", wait.as_millis())
        }
        _ => String::new(),
    }
}
