use maud::{DOCTYPE, Markup, PreEscaped, html};
use tailmint_api::OutsideText;
use tailmint_audit::{
    Moment, Report,
    report::{Counts, InForce, Listed},
};

use super::{
    chart, count, grouped, period,
    text::short,
    to_the_minute,
    verdict::{Grade, verdicts},
};

const STYLE: &str = include_str!("style.css");

/// The SHA-256 of the style, as a Content-Security-Policy has it.
const STYLE_HASH: &str = "sha256-S228r0RPmuV93qqOTEltJc72sulP5X3IgjJ9UZXiqmg=";

/// What a page says that it was made by, at its beginning.
const GENERATOR: &str = "tailmint audit report";

/// As much of a file as shows whether it is a page.
const BEGINNING_BYTES: usize = 1024;

/// So many rows are shown of a list.
const MOST_ROWS: usize = 100;

/// Whether a file that begins so is such a page.
pub(crate) fn is_page(beginning: &[u8]) -> bool {
    let beginning = &beginning[..beginning.len().min(BEGINNING_BYTES)];
    let mark = format!("<meta name=\"generator\" content=\"{GENERATOR}\">");
    let is_html = beginning.starts_with(b"<!DOCTYPE html>");
    is_html
        && beginning
            .windows(mark.len())
            .any(|it| it == mark.as_bytes())
}

/// The report as one page that needs nothing else: no script, and no file beside it. What
/// is not markup here is escaped by the templates, also where a stranger wrote it.
pub(crate) fn page(report: &Report, path: &OutsideText) -> String {
    let policy = format!(
        "default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; form-action 'none'"
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="generator" content=(GENERATOR);
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "Audit report of tailmint, " (period(report)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Audit report" }
                    p .lead { (period(report)) " · " (count(report.entries, "entry", "entries")) " · " code { (path) } }
                }
                main {
                    (record(report))
                    (figures(report))
                    (over_time(report))
                    (joining(report))
                    (minted(report))
                    (denials(report))
                    (rules(report))
                    (clients(report))
                    (in_force(report))
                }
                footer {
                    p {
                        "All times are UTC. The numbers are those of the log: machines that joined, "
                        "and keys that were revoked elsewhere, are not in it. The same numbers for "
                        "programs: " code { "tailmint audit report --json" } ". What is known of one key: "
                        code { "tailmint audit explain ID" } "."
                    }
                }
            }
        }
    };
    page.into_string()
}

/// Whether the log can be relied on, first of all.
fn record(report: &Report) -> Markup {
    let chain = &report.chain;
    html! {
        h2 { "The record" }
        ul .verdicts {
            @for verdict in verdicts(report) {
                li {
                    span class={ "badge " (class_of(verdict.grade)) } { (verdict.grade.word()) }
                    p { (verdict.text) }
                }
            }
        }
        @if !chain.breaks.is_empty() {
            table {
                caption { "Where the chain breaks" }
                thead {
                    tr {
                        @if chain.files > 1 { th scope="col" { "File" } }
                        th scope="col" { "Line" }
                        th scope="col" { "What is wrong with it" }
                    }
                }
                tbody {
                    @for it in chain.breaks.iter().take(MOST_ROWS) {
                        tr {
                            @if chain.files > 1 { td { (it.file.as_deref().unwrap_or_default()) } }
                            th scope="row" { (it.line) }
                            td { (it.what) }
                        }
                    }
                }
            }
            (more(chain.breaks.len(), chain.more_breaks as u64, "places"))
        }
        @if let Some(head) = &chain.head {
            p .soft { "The last line, to be kept elsewhere: " code { (head) } }
        }
    }
}

fn class_of(grade: Grade) -> &'static str {
    match grade {
        Grade::Good => "good",
        Grade::Look => "look",
        Grade::Broken => "broken",
    }
}

fn figures(report: &Report) -> Markup {
    let total = report.total;
    let joining = report.joining.items.len() as u64 + report.joining.more;
    html! {
        h2 { "In short" }
        dl .figures {
            @for (class, number, what) in [
                ("minted", total.minted, "keys minted"),
                ("minted", joining, "keys that still join"),
                ("ended", total.ended, "revoked or deleted"),
                ("denied", total.denied, "requests denied"),
                ("reported", total.reported, "would be denied"),
                ("ended", report.policies.items.len() as u64, "policies in force"),
            ] {
                div class=(class) { dt { (what) } dd { (grouped(number)) } }
            }
        }
    }
}

type Of = fn(&Counts) -> u64;

fn over_time(report: &Report) -> Markup {
    let timeline = &report.timeline;
    let unit = match timeline.unit {
        tailmint_audit::report::Unit::Hour => "hour",
        tailmint_audit::report::Unit::Day => "day",
        tailmint_audit::report::Unit::Month => "month",
        tailmint_audit::report::Unit::Year => "year",
    };
    let series: [(&str, &str, Of); 5] = [
        ("minted", "Keys minted", |it| it.minted),
        ("ended", "Revoked or deleted", |it| it.ended),
        ("denied", "Requests denied", |it| it.denied),
        ("reported", "Would be denied, and sent", |it| it.reported),
        ("allowed", "Requests allowed", |it| it.allowed),
    ];
    let some = |counts: &Counts| series.iter().any(|(_, _, of)| of(counts) > 0);
    html! {
        h2 { "Over time" }
        @if timeline.parts.is_empty() {
            p .soft { "Nothing happened in this time." }
        } @else {
            figure {
                figcaption .soft { "Per " (unit) ". Each chart has a scale of its own." }
                @for (class, title, of) in series {
                    @let most = timeline.parts.iter().map(|it| of(&it.counts)).max().unwrap_or_default();
                    div .panel {
                        p {
                            strong { (title) }
                            @if most == 0 {
                                span .soft { "none" }
                            } @else {
                                span .soft { (grouped(of(&report.total))) " in all, at most " (grouped(most)) " in one " (unit) }
                            }
                        }
                        @if most > 0 {
                            (chart::columns(timeline, class, &format!("{title}, per {unit}: the numbers are in the table below"), of))
                        }
                    }
                }
                details {
                    summary { "The same as a table" }
                    table {
                        caption { "What happened per " (unit) }
                        thead {
                            tr {
                                th scope="col" { "From" }
                                @for (_, title, _) in series { th .number scope="col" { (title) } }
                            }
                        }
                        tbody {
                            @for part in timeline.parts.iter().filter(|it| some(&it.counts)) {
                                tr {
                                    th .time scope="row" { (chart::name(timeline.unit, part.begins)) }
                                    @for (_, _, of) in series { td .number { (grouped(of(&part.counts))) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn joining(report: &Report) -> Markup {
    let keys = &report.joining;
    html! {
        h2 { "Keys that still join machines" }
        p .soft {
            "At the end of this time, as far as the log knows: minted, not expired and not revoked here. "
            "One for a single use may be used up."
        }
        @if keys.items.is_empty() && keys.more == 0 {
            p { "None." }
        } @else {
            table {
                caption { (count(keys.items.len() as u64 + keys.more, "key", "keys")) ", those that expire first on top" }
                thead {
                    tr {
                        th scope="col" { "Key" }
                        th scope="col" { "Tags" }
                        th scope="col" { "Minted" }
                        th scope="col" { "Joins until" }
                        th scope="col" { "By" }
                        th scope="col" { "Client" }
                    }
                }
                tbody {
                    @for key in keys.items.iter().take(MOST_ROWS) {
                        tr {
                            th scope="row" { code { (key.id) } }
                            td { (joined(&key.tags)) }
                            td .time { (to_the_minute(key.minted)) }
                            td .time {
                                @match key.joins_until {
                                    Some(until) => (to_the_minute(until)),
                                    None => "the log does not say",
                                }
                            }
                            td { (key.account) }
                            td { (client_name(&key.client)) }
                        }
                    }
                }
            }
            (more(keys.items.len(), keys.more, "keys"))
        }
    }
}

fn minted(report: &Report) -> Markup {
    let most = |numbers: &mut dyn Iterator<Item = u64>| numbers.max().unwrap_or_default();
    let most_of_tags = most(&mut report.tags.items.iter().map(|it| it.minted));
    let minting = report
        .accounts
        .items
        .iter()
        .filter(|it| it.counts.minted > 0);
    let minting: Vec<_> = minting.collect();
    let most_of_accounts = most(&mut minting.iter().map(|it| it.counts.minted));
    html! {
        h2 { "Keys minted" }
        @if report.total.minted == 0 {
            p { "None." }
        } @else {
            div .pair {
                (bars("By tag", "Tag", report.tags.items.iter().map(|it| (&*it.tag, it.minted)), most_of_tags))
                (bars("By account", "Account", minting.iter().map(|it| (&*it.account, it.counts.minted)), most_of_accounts))
            }
            (more(0, report.tags.more, "keys with other tags"))
        }
    }
}

/// A table whose numbers are bars too.
fn bars<'a>(
    title: &str,
    what: &str,
    rows: impl Iterator<Item = (&'a str, u64)>,
    most: u64,
) -> Markup {
    html! {
        table {
            caption { (title) }
            thead {
                tr {
                    th scope="col" { (what) }
                    th .number scope="col" { "Keys" }
                    td .bar aria-hidden="true" {}
                }
            }
            tbody {
                @for (name, number) in rows.take(MOST_ROWS) {
                    tr {
                        th scope="row" { (name) }
                        td .number { (grouped(number)) }
                        td .bar aria-hidden="true" { (chart::bar("minted", number, most)) }
                    }
                }
            }
        }
    }
}

fn denials(report: &Report) -> Markup {
    let denials = &report.denials;
    html! {
        h2 { "Denied by the policy" }
        @if denials.items.is_empty() && denials.more == 0 {
            p { "Nothing was denied." }
        } @else {
            table {
                caption { "By rule and reason" }
                thead {
                    tr {
                        th .number scope="col" { "Times" }
                        th scope="col" { "Rule" }
                        th scope="col" { "Reason" }
                        th scope="col" { "Outcome" }
                        th scope="col" { "Last" }
                        th scope="col" { "Last run" }
                    }
                }
                tbody {
                    @for it in denials.items.iter().take(MOST_ROWS) {
                        tr {
                            td .number { (grouped(it.seen.entries)) }
                            td { (it.rule) }
                            td { (it.reason) }
                            td { @if it.was_sent { "sent: report-only" } @else { "not sent" } }
                            td .time { (to_the_minute(it.seen.last)) }
                            td .run { code { (it.last_run) } }
                        }
                    }
                }
            }
            (more(denials.items.len(), denials.more, "denials"))
        }
    }
}

fn rules(report: &Report) -> Markup {
    let rules = &report.rules;
    html! {
        h2 { "Requests" }
        @if rules.items.is_empty() {
            p { "None." }
        } @else {
            table {
                caption { "By the rule that decided" }
                thead {
                    tr {
                        th scope="col" { "Rule" }
                        th .number scope="col" { "Allowed" }
                        th .number scope="col" { "Would be denied" }
                        th .number scope="col" { "Denied" }
                        th .number scope="col" { "Response was an error" }
                        th .number scope="col" { "No response" }
                    }
                }
                tbody {
                    @for it in rules.items.iter().take(MOST_ROWS) {
                        @let requests = it.requests;
                        tr {
                            th scope="row" { (it.rule) }
                            @for number in [
                                requests.allowed, requests.reported, requests.denied,
                                requests.rejected, requests.failed,
                            ] {
                                td .number { (grouped(number)) }
                            }
                        }
                    }
                }
            }
            (more(rules.items.len(), rules.more, "entries about other rules"))
        }
    }
}

fn clients(report: &Report) -> Markup {
    let clients = &report.clients;
    let time = |moment: Option<Moment>| moment.map(to_the_minute).unwrap_or_default();
    html! {
        h2 { "Clients and identities" }
        @if clients.items.is_empty() {
            p { "No OAuth client and no federated identity asked in this time." }
        } @else {
            table {
                caption { "Who asked" }
                thead {
                    tr {
                        th scope="col" { "Client" }
                        th .number scope="col" { "Keys" }
                        th scope="col" { "Created" }
                        th scope="col" { "Asked" }
                        th scope="col" { "Deleted" }
                        td .bar aria-hidden="true" {}
                    }
                }
                tbody {
                    @for it in clients.items.iter().take(MOST_ROWS) {
                        @let first = it.created.or(it.asked.map(|seen| seen.first)).or(it.deleted);
                        @let last = it.deleted.or(it.asked.map(|seen| seen.last)).or(it.created);
                        tr {
                            th scope="row" { code { (it.id) } }
                            td .number { (grouped(it.minted)) }
                            td .time { (time(it.created)) }
                            td { @if let Some(seen) = it.asked { (chart::ends(seen.first, seen.last)) } }
                            td .time { (time(it.deleted)) }
                            td .bar aria-hidden="true" {
                                @if let (Some(first), Some(last)) = (first, last) {
                                    (chart::span("ended", whole(report), first, last))
                                }
                            }
                        }
                    }
                }
            }
            (more(clients.items.len(), clients.more, "entries about other clients"))
        }
        @if !report.rotations.items.is_empty() {
            table {
                caption { "Rotations" }
                thead {
                    tr {
                        th scope="col" { "At" } th scope="col" { "Old client" }
                        th scope="col" { "New client" } th scope="col" { "By" }
                    }
                }
                tbody {
                    @for it in report.rotations.items.iter().take(MOST_ROWS) {
                        tr {
                            th .time scope="row" { (to_the_minute(it.at)) }
                            td { code { (it.old) } }
                            td { code { (it.new) } }
                            td { (it.account) }
                        }
                    }
                }
            }
            (more(report.rotations.items.len(), report.rotations.more, "rotations"))
        }
        @if !report.identities.items.is_empty() {
            table {
                caption { "Whom identity tokens were about" }
                thead {
                    tr {
                        th .number scope="col" { "Tokens" } th scope="col" { "Subject" }
                        th scope="col" { "Issuer" } th scope="col" { "Platform" } th scope="col" { "Last" }
                    }
                }
                tbody {
                    @for it in report.identities.items.iter().take(MOST_ROWS) {
                        tr {
                            td .number { (grouped(it.seen.entries)) }
                            td { (it.subject) }
                            td { (it.issuer) }
                            td { (it.source) }
                            td .time { (to_the_minute(it.seen.last)) }
                        }
                    }
                }
            }
            (more(report.identities.items.len(), report.identities.more, "tokens"))
        }
    }
}

fn in_force(report: &Report) -> Markup {
    html! {
        h2 { "What was in force" }
        p .soft { "A bar goes from the first entry of this time to the last. Two at once are two accounts, or two programs." }
        @for (title, what, list) in [
            ("Policies", "Digest", &report.policies),
            ("Components", "Digest", &report.components),
            ("Versions of tailmint", "Version", &report.versions),
        ] {
            (versions(report, title, what, list))
        }
    }
}

fn versions(report: &Report, title: &str, what: &str, list: &Listed<InForce>) -> Markup {
    html! {
        table {
            caption { (title) }
            thead {
                tr {
                    th scope="col" { (what) }
                    th scope="col" { "From and to" }
                    th .number scope="col" { "Entries" }
                    td .bar aria-hidden="true" {}
                }
            }
            tbody {
                @for it in list.items.iter().take(MOST_ROWS) {
                    tr {
                        th scope="row" { code { (short(&it.name)) } }
                        td { (chart::ends(it.seen.first, it.seen.last)) }
                        td .number { (grouped(it.seen.entries)) }
                        td .bar aria-hidden="true" { (chart::span("allowed", whole(report), it.seen.first, it.seen.last)) }
                    }
                }
            }
        }
        (more(list.items.len(), list.more, "entries of others"))
        @if list.items.iter().any(|it| short(&it.name) != &*it.name) {
            details {
                summary { "Digests in full" }
                ul { @for it in list.items.iter().take(MOST_ROWS) { li { code { (it.name) } } } }
            }
        }
    }
}

/// From when to when drawings go.
fn whole(report: &Report) -> (Moment, Moment) {
    let begin = report.since.or(report.first).unwrap_or(report.until);
    (begin, report.until)
}

/// What is not shown of a list.
fn more(listed: usize, unlisted: u64, what: &str) -> Markup {
    let more = listed.saturating_sub(MOST_ROWS) as u64 + unlisted;
    html! {
        @if more > 0 { p .soft { "And " (grouped(more)) " more " (what) "." } }
    }
}

fn joined(tags: &[OutsideText]) -> String {
    let tags: Vec<&str> = tags.iter().map(|tag| &**tag).collect();
    tags.join(" ")
}

fn client_name(client: &OutsideText) -> Markup {
    html! {
        @if client.is_empty() { "an API key" } @else { code { (client) } }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_of_the_page_allows_its_own_style_and_no_other() {
        let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        assert_eq!(STYLE_HASH, format!("sha256-{hash}"));
        // Nothing in it is fetched from elsewhere, or ends it.
        for word in ["url(", "@import", "</"] {
            assert!(!STYLE.contains(word), "{word}");
        }
    }

    #[test]
    fn a_page_is_known_by_its_beginning() {
        let mark = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"generator\" content=\"tailmint audit report\">";
        assert!(is_page(mark.as_bytes()));
        assert!(!is_page(b""));
        assert!(!is_page(
            b"<!DOCTYPE html><html><body>tailmint audit report"
        ));
        assert!(!is_page(&mark.as_bytes()[1..]));
    }
}
