use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{PublicKey, Tree, note::split};

/// A log up to a line, in three lines of text: <https://c2sp.org/tlog-checkpoint>. It is
/// printed as a signed note, and kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Which log it is of: the name of its key.
    pub origin: String,
    /// The number of the last line.
    pub size: u64,
    /// The hash of the [`Tree`] over all lines up to that one.
    pub root: [u8; 32],
}

impl Checkpoint {
    pub(crate) fn of(origin: &str, tree: &Tree) -> Self {
        Self {
            origin: origin.to_owned(),
            size: tree.size(),
            root: tree.root(),
        }
    }

    /// What is signed.
    pub(crate) fn text(&self) -> String {
        let root = BASE64_STANDARD.encode(self.root);
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// The number of lines that a note says it is about, whether it is signed or not.
    pub fn size_of(note: &str) -> Option<u64> {
        let (text, _) = split(note)?;
        text.lines().nth(1)?.parse().ok()
    }

    /// Reads a note that one of these keys signed. Lines below the root are passed over.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(note: &str, keys: &[PublicKey]) -> Result<Self, &'static str> {
        let none = "it is not a checkpoint in a signed note";
        let origin = split(note).ok_or(none)?.0.lines().next().ok_or(none)?;
        if !keys.iter().any(|key| key.name() == origin) {
            return Err("it is of another log, or of one whose key was exchanged");
        }
        let mut opened = keys.iter().filter_map(|key| key.open(note));
        let text = opened.next().ok_or("no key of this log signed it")?;
        let mut lines = text.lines();
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        let size = size.filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
        let root = root.and_then(|it| BASE64_STANDARD.decode(it).ok());
        Ok(Self {
            origin: origin.ok_or(none)?.to_owned(),
            size: size.and_then(|it| it.parse().ok()).ok_or(none)?,
            root: root.and_then(|it| it.try_into().ok()).ok_or(none)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::signer::Signer;

    fn signer(name: &str, seed: u8) -> Signer {
        Signer::new(name, Zeroizing::new([seed; 32])).unwrap()
    }

    #[test]
    fn is_read_as_it_is_written() {
        let mut tree = Tree::default();
        tree.push(b"a line");
        let checkpoint = Checkpoint::of("tailmint-audit/1", &tree);
        let signer = signer("tailmint-audit/1", 1);
        let keys = [signer.public().clone()];
        let text = checkpoint.text();
        assert!(text.starts_with("tailmint-audit/1\n1\n"), "{text}");
        assert_eq!(
            Checkpoint::read(&signer.sign(&text), &keys),
            Ok(checkpoint.clone())
        );
        // Witnesses may have other lines below.
        let more = signer.sign(&format!("{text}time 1\n"));
        assert_eq!(Checkpoint::read(&more, &keys), Ok(checkpoint));
    }

    #[test]
    fn what_is_wrong_with_a_note_is_said() {
        let signer = signer("tailmint-audit/1", 1);
        let keys = [signer.public().clone()];
        let root = BASE64_STANDARD.encode([0; 32]);
        let read = |text: String| Checkpoint::read(&text, &keys).unwrap_err();
        let none = "it is not a checkpoint in a signed note";
        for text in [
            format!("tailmint-audit/1\n-1\n{root}\n"),
            format!("tailmint-audit/1\n+1\n{root}\n"),
            format!("tailmint-audit/1\n\n{root}\n"),
            "tailmint-audit/1\n1\n".to_owned(),
            "tailmint-audit/1\n1\nAAAA\n".to_owned(),
            "tailmint-audit/1\nnext key\nkey\n".to_owned(),
        ] {
            assert_eq!(read(signer.sign(&text)), none, "{text}");
        }
        assert_eq!(read("no note".to_owned()), none);
        let text = format!("tailmint-audit/1\n1\n{root}\n");
        let others = self::signer("tailmint-audit/1", 2).sign(&text);
        assert_eq!(read(others), "no key of this log signed it");
        let other = self::signer("tailmint-audit/2", 1);
        let elsewhere = other.sign(&text.replace("/1", "/2"));
        assert_eq!(
            read(elsewhere),
            "it is of another log, or of one whose key was exchanged"
        );
    }
}
