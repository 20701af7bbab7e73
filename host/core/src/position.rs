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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted_from_one() {
        let text = "ab\n\u{e9}d\n";
        for (at, line, column) in [
            (0, 1, 1),
            (1, 1, 2),
            (2, 1, 3),
            (3, 2, 1),
            // Within a letter: where it begins.
            (4, 2, 1),
            (5, 2, 2),
            (6, 2, 3),
            (7, 3, 1),
            (100, 3, 1),
        ] {
            let position = Position::of(text, Some(at..at));
            assert_eq!(position, Position { line, column }, "{at}");
        }
        let beginning = Position { line: 1, column: 1 };
        assert_eq!(Position::of(text, None), beginning);
        assert_eq!(Position::of("", None), beginning);
    }
}
