/// What a person may read is one line without a control character, and shows no key.
pub(super) fn shown(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
    assert_eq!(tailmint_api::without_keys(text), text);
}

/// No part of the secret is in the text, of which twelve characters would be one.
pub(super) fn hides(text: &str, secret: &str) {
    for window in secret.as_bytes().windows(12) {
        let part = String::from_utf8_lossy(window);
        assert!(!text.contains(&*part), "a part of a secret in {text:?}");
    }
}
