/// Whether the text matches the pattern, in which `*` stands for any run of characters, `/`
/// and `:` among them, and everything else for itself.
///
/// It takes no more steps than the pattern is long times the text: where a run turns out too
/// short, only that of the last `*` is made longer.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut of) = (0, 0);
    // Behind the last `*`, and where its run ends.
    let mut star: Option<(usize, usize)> = None;
    while of < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, of));
            }
            Some(byte) if *byte == text[of] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((behind, end)) = star else {
                    return false;
                };
                at = behind;
                of = end + 1;
                star = Some((behind, of));
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_is_any_run_and_nothing_else_is_special() {
        for (pattern, text) in [
            ("repo:acme/web:*", "repo:acme/web:ref:refs/heads/main"),
            ("repo:acme/*:ref:*", "repo:acme/web:ref:refs/heads/main"),
            ("*", ""),
            ("*", "a/b:c"),
            ("", ""),
            ("**a", "ba"),
            ("a*", "a"),
            ("*\u{e9}*", "caf\u{e9}s"),
            ("a?[b]\\", "a?[b]\\"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("repo:acme/web", "repo:acme/web:ref:refs/heads/main"),
            ("repo:acme/web:*", "repo:acme/web"),
            ("REPO", "repo"),
            ("a?", "ab"),
            ("[ab]", "a"),
            ("", "a"),
            ("a*b", "abc"),
            ("*a", ""),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_longer() {
        // A matcher that tries every end of every run does not come back from this.
        let pattern = "a*".repeat(200) + "b";
        assert!(!matches(&pattern, &"a".repeat(20_000)));
    }

    /// By its definition, in a table: what matches up to here.
    fn by_the_table(pattern: &[u8], text: &[u8]) -> bool {
        let mut row = vec![false; text.len() + 1];
        row[0] = true;
        for byte in pattern {
            let mut next = vec![false; text.len() + 1];
            if *byte == b'*' {
                let mut seen = false;
                for (to, before) in next.iter_mut().zip(&row) {
                    seen |= *before;
                    *to = seen;
                }
            } else {
                for at in 0..text.len() {
                    next[at + 1] = row[at] && text[at] == *byte;
                }
            }
            row = next;
        }
        row[text.len()]
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*]{0,12}", text in "[ab*]{0,16}") {
            let defined = by_the_table(pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(&pattern, &text), defined);
        }

        #[test]
        fn any_text_matches_itself_and_a_star_around_it(text in "[^*]*", around in ".*") {
            prop_assert!(matches(&text, &text));
            let pattern = format!("*{text}*");
            let inside = format!("{around}{text}{around}");
            prop_assert!(matches(&pattern, &inside));
        }
    }
}
