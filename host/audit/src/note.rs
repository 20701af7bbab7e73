//! Signed notes: <https://c2sp.org/signed-note>. A text, and below an empty line the
//! signatures, each in a line of its own.

use base64::{Engine, prelude::BASE64_STANDARD};
use tailmint_api::OutsideText;

/// Ed25519, in the numbers of signed notes.
pub(crate) const ALGORITHM: u8 = 1;

/// The bytes of a key's id, before each signature.
pub(crate) const ID_BYTES: usize = 4;

/// How a line with a signature begins: an em dash and a blank.
pub(crate) const SIGNATURE: &str = "\u{2014} ";

/// More than any note that tailmint signs has, with some signatures of witnesses.
pub const MAX_NOTE_BYTES: usize = 64 * 1024;

/// A name is not empty, and has neither blanks nor a plus. These are printed, too.
pub(crate) fn is_name(name: &str) -> bool {
    let has_parts = name.contains('+') || name.chars().any(char::is_whitespace);
    !name.is_empty() && !has_parts && OutsideText::new(name) == name
}

pub(crate) struct Signature<'a> {
    pub(crate) name: &'a str,
    pub(crate) id: [u8; ID_BYTES],
    pub(crate) bytes: Vec<u8>,
}

/// The text of a note, with its last line end, and its signatures. `None` for any other text.
pub(crate) fn split(note: &str) -> Option<(&str, impl Iterator<Item = Signature<'_>>)> {
    let is_plain = |it: char| it == '\n' || !it.is_control();
    if note.len() > MAX_NOTE_BYTES || !note.chars().all(is_plain) {
        return None;
    }
    let end = note.rfind("\n\n")? + 1;
    let (text, signatures) = (&note[..end], &note[end + 1..]);
    let lines = signatures.strip_suffix('\n')?.split('\n');
    let signatures = lines.map(signature).collect::<Option<Vec<_>>>()?;
    Some((text, signatures.into_iter()))
}

fn signature(line: &str) -> Option<Signature<'_>> {
    let (name, encoded) = line.strip_prefix(SIGNATURE)?.split_once(' ')?;
    let both = BASE64_STANDARD.decode(encoded).ok()?;
    let (id, signature) = both.split_first_chunk()?;
    is_name(name).then(|| Signature {
        name,
        id: *id,
        bytes: signature.to_vec(),
    })
}
