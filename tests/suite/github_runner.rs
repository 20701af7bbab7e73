//! What GitHub's runner does with what a step prints, and with what it writes to the file
//! of `$GITHUB_ENV`: by actions/runner, `FileCommandManager.cs` and
//! `ActionCommandManager.cs`.

use std::collections::BTreeMap;

/// The variables that a file sets, one `NAME=VALUE` to a line. `NAME<<END`, which the
/// runner reads too, tailmint does not write.
pub(crate) fn variables(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, value) = line.split_once('=').expect("Invalid format");
            assert!(!name.is_empty() && !name.contains("<<"), "Invalid format");
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

/// What the log shows of what a step printed: commands are carried out and not shown,
/// and what was masked before a line is not shown in it.
pub(crate) fn log(printed: &str, masks: &mut Vec<String>) -> String {
    let mut shown = String::new();
    for line in printed.lines() {
        if let Some(value) = line.strip_prefix("::add-mask::") {
            masks.push(value.to_owned());
        } else {
            shown += &masked(line, masks);
            shown.push('\n');
        }
    }
    shown
}

/// The line with `***` where a mask is found in it. Masks that share characters are one.
fn masked(line: &str, masks: &[String]) -> String {
    let mut hidden = vec![false; line.len()];
    for mask in masks {
        for (begin, found) in line.match_indices(mask.as_str()) {
            hidden[begin..begin + found.len()].fill(true);
        }
    }
    let mut shown = String::new();
    for (index, character) in line.char_indices() {
        if !hidden[index] {
            shown.push(character);
        } else if index == 0 || !hidden[index - 1] {
            shown += "***";
        }
    }
    shown
}

#[test]
fn a_mask_within_another_hides_neither() {
    let masks = ["kABC".to_owned(), "key-kABC-secret".to_owned()];
    assert_eq!(masked("a key-kABC-secret b kABC", &masks), "a *** b ***");
}
