//! Makes untrusted text fit for one line of a terminal.

/// Server messages that were seen are under 200 characters; more is noise.
const MAX_CHARACTERS: usize = 512;

/// The text without control characters and direction marks, as one line of at
/// most [`MAX_CHARACTERS`].
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|character: char| character.is_whitespace() || is_unprintable(character))
    {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(MAX_CHARACTERS - 1) {
        Some((end, character)) if end + character.len_utf8() < line.len() => {
            line.truncate(end);
            line.push('…');
        }
        _ => {}
    }
    line
}

/// Control characters, and the marks that reorder or hide what follows them.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_plain_text() {
        assert_eq!(one_line("requested tags [tag:x]"), "requested tags [tag:x]");
    }

    #[test]
    fn joins_lines_and_drops_escapes_and_direction_marks() {
        assert_eq!(one_line("a\r\n\u{1b}[31mb\u{202e}c\0"), "a [31mb c");
    }

    #[test]
    fn cuts_at_the_limit_and_not_before() {
        let most = "x".repeat(MAX_CHARACTERS);
        assert_eq!(one_line(&most), most);
        let cut = one_line(&"ü".repeat(MAX_CHARACTERS + 1));
        assert_eq!(cut.chars().count(), MAX_CHARACTERS);
        assert!(cut.ends_with('…'));
    }

    #[test]
    fn keeps_a_text_of_the_limit_that_has_wide_letters() {
        let most = "ü".repeat(MAX_CHARACTERS);
        assert_eq!(one_line(&most), most);
        let wide = "x".repeat(MAX_CHARACTERS - 1) + "ü";
        assert_eq!(one_line(&wide), wide);
        let one_more = "x".repeat(MAX_CHARACTERS + 1);
        let cut = one_line(&one_more);
        assert_eq!(cut, "x".repeat(MAX_CHARACTERS - 1) + "…");
    }
}
