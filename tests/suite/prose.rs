//! What a person reads in a file: its paragraphs, with the lines that they stand on.

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};
use regex::Regex;
use syn::Lit;

/// Words that belong together, on one line.
#[derive(Debug, Default)]
pub(crate) struct Paragraph {
    pub(crate) text: String,
    /// Where each line of the file begins in the text, and its number.
    lines: Vec<(usize, usize)>,
}

impl Paragraph {
    fn one_line(line: usize, text: &str) -> Self {
        let mut paragraph = Self::default();
        paragraph.push(line, text);
        paragraph
    }

    fn push(&mut self, line: usize, text: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.lines.push((self.text.len(), line));
        let words: Vec<_> = text.split_whitespace().collect();
        self.text += &words.join(" ");
    }

    /// The number of the line that the byte of the text is on.
    pub(crate) fn line_of(&self, byte: usize) -> usize {
        let after = self.lines.partition_point(|(begin, _)| *begin <= byte);
        self.lines[after.saturating_sub(1)].1
    }

    /// The same without code spans: names keep their names.
    fn without_code_spans(mut self) -> Self {
        let span = Regex::new("`[^`]*`").unwrap();
        let blank = |found: &regex::Captures<'_>| format!("`{}`", "_".repeat(found[0].len() - 2));
        self.text = span.replace_all(&self.text, blank).into_owned();
        self
    }
}

/// The paragraphs of a page in Markdown. Each line of a code block is one by itself. Blocks
/// with the info string `forbidden` are left out.
pub(crate) fn markdown(text: &str) -> Vec<Paragraph> {
    let mut found = Vec::new();
    let mut paragraph = Paragraph::default();
    let mut block = None;
    for (line, text) in numbered(text) {
        if let Some(info) = text.trim_start().strip_prefix("```") {
            found.push(std::mem::take(&mut paragraph).without_code_spans());
            block = block.is_none().then_some(info);
            continue;
        }
        match block {
            Some("forbidden") => {}
            Some(_) => found.push(Paragraph::one_line(line, text)),
            None if text.trim().is_empty() => {
                found.push(std::mem::take(&mut paragraph).without_code_spans());
            }
            None => paragraph.push(line, text),
        }
    }
    found.push(paragraph.without_code_spans());
    with_words(found)
}

/// The documentation in a WIT file.
pub(crate) fn wit(text: &str) -> Vec<Paragraph> {
    let mut found = Vec::new();
    let mut paragraph = Paragraph::default();
    for (line, text) in numbered(text) {
        match text.trim_start().strip_prefix("///") {
            Some(text) if !text.trim().is_empty() => paragraph.push(line, text),
            _ => found.push(std::mem::take(&mut paragraph).without_code_spans()),
        }
    }
    found.push(paragraph.without_code_spans());
    with_words(found)
}

/// The documentation and the strings in a Rust file, but for those of `mod tests`, which
/// are data. A string of one word is a name.
pub(crate) fn rust(text: &str) -> Vec<Paragraph> {
    let tokens: TokenStream = text.parse().unwrap();
    let mut found = Vec::new();
    let mut paragraph = Paragraph::default();
    let mut last = 0;
    let mut strings = Vec::new();
    walk(tokens, &mut |literal, documentation| {
        let line = literal.span().start().line;
        let Lit::Str(string) = Lit::new(literal) else {
            return;
        };
        let text = string.value();
        if !documentation {
            if text.contains(' ') {
                strings.push(Paragraph::one_line(line, &text));
            }
            return;
        }
        if line != last + 1 || text.trim().is_empty() {
            found.push(std::mem::take(&mut paragraph).without_code_spans());
        }
        paragraph.push(line, &text);
        last = line;
    });
    found.push(paragraph.without_code_spans());
    found.append(&mut strings);
    with_words(found)
}

/// Hands on each literal, and whether it is one of `#[doc = "..."]`, which comments are
/// read as.
fn walk(tokens: TokenStream, seen: &mut impl FnMut(Literal, bool)) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Literal(literal) => {
                let documentation = index == 2 && tokens[0].to_string() == "doc";
                seen(literal.clone(), documentation);
            }
            TokenTree::Group(group) => {
                let is = |before: usize, name: &str| {
                    let token = index.checked_sub(before).and_then(|it| tokens.get(it));
                    token.is_some_and(|it| it.to_string() == name)
                };
                let tests = is(2, "mod") && is(1, "tests");
                if !(tests && group.delimiter() == Delimiter::Brace) {
                    walk(group.stream(), seen);
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

fn with_words(mut paragraphs: Vec<Paragraph>) -> Vec<Paragraph> {
    paragraphs.retain(|paragraph| !paragraph.text.trim().is_empty());
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(paragraphs: &[Paragraph]) -> Vec<&str> {
        paragraphs.iter().map(|it| it.text.as_str()).collect()
    }

    #[test]
    fn paragraphs_of_a_page_are_whole_and_know_their_lines() {
        let page = "# A\n\none `two\nthree` four\n\n```sh\nrun it\n```\n\n```forbidden\nx\n```\n";
        let found = markdown(page);
        assert_eq!(texts(&found), ["# A", "one `_________` four", "run it"]);
        let four = found[1].text.find("four").unwrap();
        assert_eq!([found[1].line_of(0), found[1].line_of(four)], [3, 4]);
        assert_eq!(found[2].line_of(0), 7);
    }

    #[test]
    fn code_says_something_in_comments_for_readers_and_in_strings() {
        let code = "/// One\n/// two.\n///\n/// Three.\nfn four() {\n    // five six\n    say(\"seven \\\n        eight\", \"nine\");\n}\n\nmod tests {\n    const TEN: &str = \"ten ten\";\n}\n";
        let found = rust(code);
        assert_eq!(texts(&found), ["One two.", "Three.", "seven eight"]);
        let lines: Vec<_> = found.iter().map(|it| it.line_of(0)).collect();
        assert_eq!(lines, [1, 4, 7]);
        assert_eq!(found[0].line_of(found[0].text.len() - 1), 2);
    }

    #[test]
    fn a_contract_says_something_in_its_documentation() {
        let found = wit("package a:b;\n\n/// One\n/// `two`.\ninterface c {\n  /// Three.\n}\n");
        assert_eq!(texts(&found), ["One `___`.", "Three."]);
    }
}
