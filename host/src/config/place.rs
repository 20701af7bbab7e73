use std::ops::Range;

/// A place in a text, as editors count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
}

impl Place {
    /// Where the span of bytes begins; the beginning where there is none.
    pub(crate) fn of(text: &str, span: Option<Range<usize>>) -> Self {
        let at = span.map_or(0, |span| span.start);
        let before = &text[..text.floor_char_boundary(at)];
        Self {
            line: before.matches('\n').count() + 1,
            column: before.chars().rev().take_while(|&it| it != '\n').count() + 1,
        }
    }
}
