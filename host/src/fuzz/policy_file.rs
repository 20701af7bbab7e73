use crate::policy::{Document, Draft};

/// A policy file: an error has a place in it, and what is taken is the same
/// after it was printed and read again.
pub fn policy_file(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match Draft::parse(text) {
        Ok(draft) => {
            let document = draft.over(&Document::built_in());
            let printed = document.to_toml();
            let again = Draft::parse(&printed).expect("what is printed is a policy");
            assert_eq!(again.over(&Document::built_in()), document);
            assert_eq!(document.wider_than(&document), None);
        }
        Err(problem) => {
            assert!(!problem.message.contains(char::is_control));
            assert!(problem.place.line >= 1 && problem.place.column >= 1);
        }
    }
}
