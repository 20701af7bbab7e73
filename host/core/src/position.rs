use std::ops::Range;

/// A position in a text, as editors count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// Where the span of bytes begins; the start of the text where there is no span.
    pub fn of(text: &str, span: Option<Range<usize>>) -> Self {
        let at = span.map_or(0, |span| span.start);
        let before = &text[..text.floor_char_boundary(at)];
        Self {
            line: before.matches('\n').count() + 1,
            column: before.chars().rev().take_while(|&it| it != '\n').count() + 1,
        }
    }
}
