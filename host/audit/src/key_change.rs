//! The lines that say with which key checkpoints are signed from there on.

use serde::Serialize;

use crate::{Actor, PublicKey, Record, signer::Signer};

/// What the lines are called.
pub(crate) const EVENT: &str = "checkpoint-key";

/// A line of this kind, as it is written.
#[derive(Serialize)]
pub(crate) struct KeyChange<'a> {
    event: &'static str,
    actor: &'a Actor,
    version: &'static str,
    key: String,
    /// What the key before says about this one, as a signed note.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl<'a> KeyChange<'a> {
    /// From this key on, which the one before signs where there was one.
    pub(crate) fn to(key: &PublicKey, before: Option<&Signer>, actor: &'a Actor) -> Self {
        Self {
            event: EVENT,
            actor,
            version: env!("CARGO_PKG_VERSION"),
            key: key.to_string(),
            note: before.map(|before| before.sign(&text(before.public(), key))),
        }
    }
}

/// A line of this kind, as it is read.
pub(crate) enum Change {
    /// It is the first key, or the one before signed this one.
    Signed(PublicKey),
    /// Nothing speaks for it: the file of the key before was lost.
    Unsigned(PublicKey),
    /// It names no key, or the one before did not sign what it says.
    Wrong,
}

impl Change {
    pub(crate) fn read(record: &Record, before: Option<&PublicKey>) -> Self {
        let Ok(key) = record.text("key").parse() else {
            return Self::Wrong;
        };
        match (before, record.text("note")) {
            (None, _) => Self::Signed(key),
            (Some(before), _) if *before == key => Self::Signed(key),
            (Some(_), "") => Self::Unsigned(key),
            (Some(before), note) => match before.open(note) {
                Some(said) if said == text(before, &key) => Self::Signed(key),
                _ => Self::Wrong,
            },
        }
    }
}

/// What one key says about the next. No checkpoint has such a second line.
fn text(before: &PublicKey, next: &PublicKey) -> String {
    format!("{}\nnext key\n{next}\n", before.name())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zeroize::Zeroizing;

    use super::*;

    fn signer(seed: u8) -> Signer {
        Signer::new("log", Zeroizing::new([seed; 32])).unwrap()
    }

    fn read(change: &KeyChange<'_>, before: Option<&Signer>) -> Change {
        let members = json!(change).as_object().unwrap().clone();
        Change::read(&Record(members), before.map(Signer::public))
    }

    #[test]
    fn a_key_is_the_first_or_is_signed_by_the_one_before() {
        let actor = Actor {
            uid: 1000,
            user: None,
            pid: 1,
        };
        let (first, second, third) = (signer(1), signer(2), signer(3));
        let is = |key: &Signer| {
            let key = key.public().clone();
            move |change| matches!(change, Change::Signed(it) if it == key)
        };
        let change = KeyChange::to(first.public(), None, &actor);
        assert!(is(&first)(read(&change, None)));
        assert!(is(&first)(read(&change, Some(&first))));
        let unsigned = read(&change, Some(&second));
        assert!(matches!(unsigned, Change::Unsigned(key) if key == *first.public()));
        let change = KeyChange::to(second.public(), Some(&first), &actor);
        assert!(is(&second)(read(&change, Some(&first))));
        assert!(matches!(read(&change, Some(&third)), Change::Wrong));
        // Signed, but about another key.
        let mut other = KeyChange::to(third.public(), None, &actor);
        other.note = change.note;
        assert!(matches!(read(&other, Some(&first)), Change::Wrong));
        other.key = "none".to_owned();
        assert!(matches!(read(&other, None), Change::Wrong));
    }
}
