use tailmint_audit::Report;

use super::{count, grouped, period, verdict::verdicts};

/// So many of a list are named in a line.
const NAMED: usize = 5;

/// The report as a few lines.
pub(crate) fn text(report: &Report) -> String {
    let mut lines = vec![format!(
        "{}: {}",
        period(report),
        count(report.entries, "entry", "entries")
    )];
    for verdict in verdicts(report) {
        lines.push(format!("{:<8}{}", verdict.grade.word(), verdict.text));
    }
    lines.push(String::new());
    let total = report.total;
    let tags = report.tags.items.iter();
    let tags = tags.map(|it| format!("{} {}", grouped(it.minted), it.tag));
    let accounts = report.accounts.items.iter();
    let accounts = accounts.filter(|it| it.counts.minted > 0);
    let accounts = accounts.map(|it| format!("{} by {}", grouped(it.counts.minted), it.account));
    let mut row = |name: &str, number: u64, details: Vec<String>| {
        lines.push(format!("{name:<22}{:>8}", grouped(number)));
        lines.extend(details.into_iter().map(|it| format!("{:32}{it}", "")));
    };
    row(
        "keys minted",
        total.minted,
        [named(tags), named(accounts)]
            .into_iter()
            .flatten()
            .collect(),
    );
    let joining = report
        .joining
        .items
        .iter()
        .map(|key| match key.joins_until {
            Some(until) => format!("{} until {until}", key.id),
            None => key.id.to_string(),
        });
    row(
        "keys that still join",
        report.joining.items.len() as u64 + report.joining.more,
        named(joining).into_iter().collect(),
    );
    row("revoked or deleted", total.ended, Vec::new());
    row("requests allowed", total.allowed, Vec::new());
    for (name, was_sent, number) in [
        ("would be denied", true, total.reported),
        ("requests denied", false, total.denied),
    ] {
        let denials = report.denials.items.iter();
        let denials: Vec<_> = denials.filter(|it| it.was_sent == was_sent).collect();
        let said = denials.iter().take(NAMED).map(|it| {
            let number = grouped(it.seen.entries);
            format!(
                "{number} by {}: {} (last run {})",
                it.rule, it.reason, it.last_run
            )
        });
        let mut details: Vec<_> = said.collect();
        if denials.len() > NAMED {
            details.push(format!("and {} more reasons", denials.len() - NAMED));
        }
        row(name, number, details);
    }
    let clients = report.clients.items.iter();
    let clients = clients.map(|it| format!("{} {}", it.id, count(it.minted, "key", "keys")));
    row(
        "clients and identities",
        report.clients.items.len() as u64,
        named(clients).into_iter().collect(),
    );
    let rotations = report.rotations.items.iter();
    row(
        "rotations",
        report.rotations.items.len() as u64 + report.rotations.more,
        rotations
            .take(NAMED)
            .map(|it| format!("{}: {} in place of {}", it.at, it.new, it.old))
            .collect(),
    );
    let policies = report.policies.items.iter();
    row(
        "policies in force",
        report.policies.items.len() as u64,
        policies
            .take(NAMED)
            .map(|it| {
                format!(
                    "{}... from {} to {}",
                    short(&it.name),
                    it.seen.first,
                    it.seen.last
                )
            })
            .collect(),
    );
    lines.join("\n")
}

/// The first of them in one line, and how many there are besides.
fn named(items: impl Iterator<Item = String>) -> Option<String> {
    let mut items: Vec<_> = items.collect();
    let more = items.len().saturating_sub(NAMED);
    items.truncate(NAMED);
    let mut text = items.join(", ");
    if more > 0 {
        text += &format!(", and {more} more");
    }
    (!text.is_empty()).then_some(text)
}

/// As much of a digest as people compare.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
