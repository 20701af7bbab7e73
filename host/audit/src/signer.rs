use base64::{Engine, prelude::BASE64_STANDARD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use crate::{
    PublicKey,
    note::{ALGORITHM, SIGNATURE},
};

pub(crate) const SEED_BYTES: usize = 32;

/// How a key that signs begins where it is kept, as Go's package note has it.
const PRIVATE: &str = "PRIVATE+KEY+";

/// A key that signs notes.
pub(crate) struct Signer {
    public: PublicKey,
    seed: Zeroizing<[u8; SEED_BYTES]>,
    pair: Ed25519KeyPair,
}

impl Signer {
    /// A key of this name from a seed.
    pub(crate) fn new(name: &str, seed: Zeroizing<[u8; SEED_BYTES]>) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).ok()?;
        let public = PublicKey::new(name, pair.public_key().as_ref())?;
        Some(Self { public, seed, pair })
    }

    /// Reads what [`Signer::to_text`] wrote.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let line = text.strip_suffix('\n')?;
        let mut parts = line.strip_prefix(PRIVATE)?.splitn(3, '+');
        let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let key = Zeroizing::new(BASE64_STANDARD.decode(key).ok()?);
        let (&algorithm, seed) = key.split_first()?;
        let mut bytes = Zeroizing::new([0; SEED_BYTES]);
        if algorithm != ALGORITHM || seed.len() != SEED_BYTES {
            return None;
        }
        bytes.copy_from_slice(seed);
        Self::new(name, bytes).filter(|it| it.public.id_digits() == id)
    }

    /// The key as it is kept: a line.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let mut key = Zeroizing::new([0; 1 + SEED_BYTES]);
        key[0] = ALGORITHM;
        key[1..].copy_from_slice(&*self.seed);
        let key = Zeroizing::new(BASE64_STANDARD.encode(key.as_slice()));
        let (name, id) = (self.public.name(), self.public.id_digits());
        Zeroizing::new(format!("{PRIVATE}{name}+{id}+{}\n", &*key))
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The text, which ends with a line end, with the signature of this key.
    pub(crate) fn sign(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        let both = [&self.public.id()[..], signature.as_ref()].concat();
        let name = self.public.name();
        let signature = BASE64_STANDARD.encode(both);
        format!("{text}\n{SIGNATURE}{name} {signature}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::MAX_NOTE_BYTES;

    /// The example of the package golang.org/x/mod/sumdb/note.
    const KEY: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n";
    const PUBLIC_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn notes_are_those_of_the_package_of_go() {
        let signer = Signer::from_text(KEY).unwrap();
        assert_eq!(signer.to_text().as_str(), KEY);
        assert_eq!(signer.public().to_string(), PUBLIC_KEY);
        assert_eq!(signer.sign(TEXT), NOTE);
        let public: PublicKey = PUBLIC_KEY.parse().unwrap();
        assert_eq!(&public, signer.public());
        assert_eq!(public.open(NOTE), Some(TEXT));
        // Signatures of witnesses, before and behind it.
        let other = Signer::new("witness.example", Zeroizing::new([7; 32])).unwrap();
        let theirs = other.sign(TEXT).replace(&format!("{TEXT}\n"), "");
        let head = format!("{TEXT}\n");
        let own = NOTE.strip_prefix(&head).unwrap();
        for signatures in [format!("{own}{theirs}"), format!("{theirs}{own}")] {
            assert_eq!(public.open(&format!("{head}{signatures}")), Some(TEXT));
        }
        assert_eq!(public.open(&format!("{head}{theirs}")), None);
    }

    #[test]
    fn a_note_that_was_changed_anywhere_is_not_opened() {
        let public: PublicKey = PUBLIC_KEY.parse().unwrap();
        for at in 0..NOTE.len() {
            let mut changed = NOTE.as_bytes().to_vec();
            changed[at] ^= 1;
            if let Ok(changed) = String::from_utf8(changed) {
                assert_eq!(public.open(&changed), None, "{at}");
            }
        }
        for at in (0..NOTE.len()).filter(|at| NOTE.is_char_boundary(*at)) {
            assert_eq!(public.open(&NOTE[..at]), None, "{at}");
        }
        let long = "x\n".repeat(MAX_NOTE_BYTES);
        let signed = Signer::from_text(KEY).unwrap().sign(&long);
        assert_eq!(public.open(&signed), None);
    }

    #[test]
    fn a_key_that_was_changed_is_none() {
        for wrong in [
            "",
            "PeterNeumann",
            "PeterNeumann+c74f20a3",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc",
            "PeterNeumann+c74f20a3+",
        ] {
            assert!(wrong.parse::<PublicKey>().is_err(), "{wrong}");
        }
        for wrong in [
            "",
            PUBLIC_KEY,
            KEY.trim_end(),
            "PRIVATE+KEY+a+b+c\n",
            &KEY.replace("c7", "c8"),
        ] {
            assert!(Signer::from_text(wrong).is_none(), "{wrong}");
        }
        let seed = || Zeroizing::new([7; 32]);
        for name in ["", "a b", "a+b", "a\u{2003}b", "a\u{7}b"] {
            assert!(Signer::new(name, seed()).is_none(), "{name}");
        }
    }
}
