use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::{
    digest::{Context, SHA256},
    signature::{ED25519, UnparsedPublicKey},
};
use tailmint_core::digest::hex;

use crate::note::{ALGORITHM, ID_BYTES, is_name, split};

const PUBLIC_KEY_BYTES: usize = 32;

/// A key that notes are verified with: `NAME+ID+KEY`, as Go's package note takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    bytes: [u8; PUBLIC_KEY_BYTES],
}

impl PublicKey {
    /// A key of this name; `None` where no key can have it.
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.try_into().ok()?;
        let name = name.to_owned();
        is_name(&name).then_some(Self { name, bytes })
    }

    /// Whose it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of the note, with its last line end, where this key signed it. Signatures of
    /// others are passed over.
    pub(crate) fn open<'a>(&self, note: &'a str) -> Option<&'a str> {
        let (text, signatures) = split(note)?;
        let key = UnparsedPublicKey::new(&ED25519, self.bytes);
        let mut own = signatures.filter(|it| it.name == self.name && it.id == self.id());
        own.any(|it| key.verify(text.as_bytes(), &it.bytes).is_ok())
            .then_some(text)
    }

    /// The algorithm and the key.
    fn encoded(&self) -> Vec<u8> {
        [&[ALGORITHM][..], &self.bytes].concat()
    }

    /// What its signatures begin with.
    pub(crate) fn id(&self) -> [u8; ID_BYTES] {
        let mut context = Context::new(&SHA256);
        context.update(self.name.as_bytes());
        context.update(b"\n");
        context.update(&self.encoded());
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&context.finish().as_ref()[..ID_BYTES]);
        id
    }

    pub(crate) fn id_digits(&self) -> String {
        hex(&self.id())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE64_STANDARD.encode(self.encoded());
        write!(f, "{}+{}+{key}", self.name, self.id_digits())
    }
}

impl FromStr for PublicKey {
    type Err = String;

    /// `NAME+ID+KEY`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "give the whole line that audit checkpoint --public-key prints".to_owned();
        let mut parts = text.trim().splitn(3, '+');
        let mut next = || parts.next().ok_or_else(wrong);
        let (name, id, key) = (next()?, next()?, next()?);
        let key = BASE64_STANDARD.decode(key).map_err(|_| wrong())?;
        let (&algorithm, bytes) = key.split_first().ok_or_else(wrong)?;
        let key = Self::new(name, bytes).ok_or_else(wrong)?;
        if algorithm == ALGORITHM && key.id_digits() == id {
            Ok(key)
        } else {
            Err(wrong())
        }
    }
}
