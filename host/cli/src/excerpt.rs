use std::{error::Error, ops::Range};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use tailmint::policy::PolicyError;
use tailmint_api::without_keys;
use tailmint_operator::config::ConfigError;

/// The line of a file that the error is about, with a mark below what is wrong in it.
/// Policies and configurations hold no secrets, unless one was written there in the wrong place.
pub(crate) fn excerpt(error: &(dyn Error + 'static)) -> Option<String> {
    let ((Some(PolicyError::Syntax { text, span, .. }), _)
    | (_, Some(ConfigError::Syntax { text, span, .. }))) =
        (error.downcast_ref(), error.downcast_ref())
    else {
        return None;
    };
    let line = line_of(text, span.start)?;
    let number = text[..line.start].matches('\n').count() + 1;
    let shown = text[line.clone()].replace(|it: char| it.is_control(), " ");
    // Within the line: a mark below several lines says less than one below the first.
    let start = span.start - line.start;
    let end = span.end.clamp(span.start, line.end) - line.start;
    let start = shown.floor_char_boundary(start.min(shown.len()));
    let end = shown.ceil_char_boundary(end.max(start).min(shown.len()));
    // Before it is drawn: a long line is cut, and what is left of a secret then is not known
    // for one.
    let clean = without_keys(&shown);
    let (before, after) = (&shown[..start], &shown[end..]);
    let start = if clean.starts_with(before) { start } else { 0 };
    let end = match clean.strip_suffix(after) {
        Some(marked) if marked.len() >= start => marked.len(),
        _ => clean.len(),
    };
    let snippet = Snippet::source(clean.as_str())
        .line_start(number)
        .annotation(AnnotationKind::Primary.span(start..end));
    let report = &[Level::ERROR.no_name().primary_title("").element(snippet)];
    let drawn = Renderer::plain().render(report);
    // The title is the error's own, which is printed already.
    let lines: Vec<_> = drawn.lines().filter(|line| line.contains('|')).collect();
    Some(lines.join("\n"))
}

/// The line around a byte of the text, without its end.
fn line_of(text: &str, at: usize) -> Option<Range<usize>> {
    let (before, after) = text.split_at_checked(text.floor_char_boundary(at.min(text.len())))?;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let end = after
        .find('\n')
        .map_or(text.len(), |end| before.len() + end);
    (start < end).then_some(start..end)
}
