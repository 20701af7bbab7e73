use tailmint_core::Diagnose;
use tailmint_operator::config::ConfigError;

use super::shown::shown;

/// A configuration file: an error is fit to be read and has a position in the text, and of
/// what is taken the default profile is there.
pub fn config_file(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match tailmint_operator::fuzz::config_file(text) {
        Ok(config) => {
            let usual = config.profile(None).expect("there is a default profile");
            assert!(config.profiles().contains(usual));
            for profile in config.profiles() {
                shown(&profile.name);
                assert_eq!(config.profile(Some(&profile.name)), Ok(profile));
            }
        }
        Err(error) => {
            shown(&error.to_string());
            shown(&error.hint().expect("what to do about it"));
            if let ConfigError::Syntax { span, position, .. } = error {
                assert!(position.line >= 1 && position.column >= 1);
                assert!(text.get(span.clone()).is_some(), "{span:?}");
            }
        }
    }
}
