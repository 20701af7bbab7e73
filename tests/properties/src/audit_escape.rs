use serde::Serialize;
use tailmint_audit::line::{Link, read, write};
use tailmint_core::quoted;

#[derive(Serialize)]
struct Words<'a> {
    raw: &'a str,
    quoted: String,
}

/// Words of a stranger in an entry: it stays one line that is read again as it
/// was, and that no other line can be mistaken for.
pub fn audit_escape(input: &[u8]) {
    let raw = String::from_utf8_lossy(input);
    let words = Words {
        raw: &raw,
        quoted: quoted(input),
    };
    assert!(!words.quoted.contains(char::is_control), "{}", words.quoted);
    assert!(
        tailmint_api::OutsideText::new(&raw)
            .chars()
            .all(|it| !it.is_control())
    );
    let before = Link::default();
    let (line, link) = write(&before, jiff::Timestamp::UNIX_EPOCH, &words).expect("text");
    assert!(line.bytes().all(|byte| byte >= b' '), "{line:?}");
    let again = read(line.as_bytes()).expect("what was written is read");
    assert_eq!((again.link, again.previous), (link, before.hash));
    assert_eq!(again.members["raw"], *raw);
    // What the stranger wrote is no line by itself, unless it is a whole one.
    if let Ok(forged) = read(input) {
        assert!(raw.starts_with("{\"") && forged.members.contains_key("hash"));
    }
}
