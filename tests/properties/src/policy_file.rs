use std::path::PathBuf;

use tailmint_policy::{Policy, PolicyError, PolicyFile};

/// A policy file: an error has a position in it, and a policy is the same after it was
/// printed and read again, and lies within itself.
pub fn policy_file(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match Policy::parse(text) {
        Ok(policy) => {
            let printed = policy.to_toml();
            let again = Policy::parse(&printed).expect("what is printed is a policy");
            assert_eq!(again.digest(), policy.digest());
            let file = PolicyFile {
                path: PathBuf::from("policy"),
                text: printed,
            };
            Policy::layered(Some(file.clone()), Some(&file), file.path.clone())
                .expect("a policy is within itself");
        }
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "{error}");
            let PolicyError::Syntax { position, .. } = error else {
                panic!("{error}");
            };
            assert!(position.line >= 1 && position.column >= 1);
        }
    }
}
