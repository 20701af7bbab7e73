//! The words of the documents: those that CONTRIBUTING.md forbids stand nowhere.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::world::workspace;

use regex::{Regex, RegexBuilder};

use crate::prose::{self, Paragraph};

/// Documents, and directories of documents.
const DOCUMENTS: [&str; 6] = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs",
    "wit",
];

/// Directories of code whose words are clean.
const CODE: [&str; 2] = ["guest", "host"];

/// Written by others, for others.
const OTHERS: &str = "wit/deps";

/// The documents, by their paths from the root, and their texts.
pub(crate) fn documents() -> Vec<(PathBuf, String)> {
    files(&DOCUMENTS, &["md", "wit"])
}

fn files(roots: &[&str], extensions: &[&str]) -> Vec<(PathBuf, String)> {
    let mut paths: Vec<_> = roots.iter().map(PathBuf::from).collect();
    let mut found = Vec::new();
    while let Some(path) = paths.pop() {
        let whole = workspace().join(&path);
        if path == Path::new(OTHERS) {
            continue;
        }
        if whole.is_dir() {
            let entries = fs::read_dir(whole).unwrap();
            paths.extend(entries.map(|entry| path.join(entry.unwrap().file_name())));
        } else if extensions
            .iter()
            .any(|it| path.extension() == Some(it.as_ref()))
        {
            found.push((path, fs::read_to_string(whole).unwrap()));
        }
    }
    found.sort();
    found
}

/// The block `forbidden` of CONTRIBUTING.md.
fn forbidden() -> Vec<Regex> {
    let page = fs::read_to_string(workspace().join("CONTRIBUTING.md")).unwrap();
    page.lines()
        .skip_while(|line| *line != "```forbidden")
        .skip(1)
        .take_while(|line| *line != "```")
        .map(|line| {
            let mut builder = RegexBuilder::new(line);
            builder.case_insensitive(true).build().unwrap()
        })
        .collect()
}

/// The paragraphs of a file. The table of the glossary has the words that are not to be
/// used, so it is left out.
fn paragraphs(path: &Path, text: &str) -> Vec<Paragraph> {
    match path.extension().and_then(|it| it.to_str()) {
        Some("wit") => prose::wit(text),
        Some("rs") => prose::rust(text),
        _ => {
            let mut section = "";
            let lines = text.lines().map(|line| {
                if line.starts_with("## ") {
                    section = line;
                }
                let row = section == "## Glossary" && line.starts_with('|');
                if row { "" } else { line }
            });
            prose::markdown(&lines.collect::<Vec<_>>().join("\n"))
        }
    }
}

/// What is forbidden in the paragraphs, with its line.
fn found(forbidden: &[Regex], paragraphs: &[Paragraph]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for paragraph in paragraphs {
        for expression in forbidden {
            for word in expression.find_iter(&paragraph.text) {
                let line = paragraph.line_of(word.end() - 1);
                found.push((
                    line,
                    format!("{:?} matches {expression}", word.as_str().trim()),
                ));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn no_forbidden_word_stands_anywhere() {
    let forbidden = forbidden();
    let mut places = Vec::new();
    let texts = documents().into_iter().chain(files(&CODE, &["rs"]));
    for (path, text) in texts {
        for (line, what) in found(&forbidden, &paragraphs(&path, &text)) {
            places.push(format!("{}:{line}: {what}", path.display()));
        }
    }
    assert!(
        places.is_empty(),
        "{} forbidden words, see the glossary in CONTRIBUTING.md:\n{}",
        places.len(),
        places.join("\n")
    );
}

#[test]
fn mistakes_are_found_and_plain_sentences_are_not() {
    let forbidden = forbidden();
    let is_found = |sentence: &str| {
        let page = prose::markdown(sentence);
        !found(&forbidden, &page).is_empty()
    };
    for mistake in [
        "key X was made and is revoked again",
        "a client that is deleted\nagain",
        "revoking it again",
        "it makes a new key",
        "the request that makes the key",
        "the key was made here",
        "it ends the OAuth client",
        "exchange OAuth clients for new ones",
        "the client that was exchanged",
        "the policy refuses it",
        "a refusal",
        "it forbids proxies",
        "the component is forbidden",
        "no answer came",
        "the server answers 403",
        "a folder of its own",
        "what counts as a hole",
        "the errand of a request",
        "whoever called",
        "an id that is none",
        "the answer is not one of the API's",
        "a machine that is in is left alone",
        "the machine is in, but standard output is not",
        "how long the machine may take to get in",
        "those that joined stay in.",
        "what came of it",
        "it does not leave all the same",
        "it is good for nothing",
        "the very component that runs",
        "the policy as it is written",
    ] {
        assert!(is_found(mistake), "not found: {mistake}");
    }
    for plain in [
        "the key was created, and has been revoked",
        "`reusable = \"forbid\"`, as in \"forbid\"",
        "the error is in `vault::refused::a_function`",
        "the machine is in the state NeedsLogin",
        "its credentials are exchanged for an access token",
        "exchange an OAuth client's credentials for a token",
        "None of these is a key",
        "if there is none, it says so",
        "403 Forbidden",
        "the API rejects it, the policy denies it",
        "it makes the client secret unreadable",
        "an operation stays in the contract",
    ] {
        assert!(!is_found(plain), "found: {plain}");
    }
}

#[test]
fn the_readme_is_an_introduction() {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let words = readme.split_whitespace().count();
    assert!(words <= 900, "{words} words; move some to docs/");
}
