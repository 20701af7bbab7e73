use std::io::{self, BufRead};

use ring::digest::{Context, SHA256};
use tailmint_core::digest::hex;

use crate::line::MAX_LINE_BYTES;

/// Reads lines one after the other, and holds no more than one in memory. Of a line that
/// is longer than any of a log, only its size and its digest are known.
pub(crate) struct LineReader<R> {
    reader: R,
    text: Vec<u8>,
}

/// A line as it is in the file.
pub(crate) struct RawLine<'a> {
    /// All of it but its line end; `None` where it is too long.
    pub(crate) text: Option<&'a [u8]>,
    /// Whether it has a line end.
    pub(crate) is_finished: bool,
    pub(crate) digest: Digest,
}

/// The size of a text, and its SHA-256.
#[derive(Clone)]
pub(crate) struct Digest {
    bytes: u64,
    context: Context,
}

impl Digest {
    fn new() -> Self {
        Self {
            bytes: 0,
            context: Context::new(&SHA256),
        }
    }

    pub(crate) fn add(&mut self, text: &[u8]) {
        self.bytes += text.len() as u64;
        self.context.update(text);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn sha256(&self) -> String {
        hex(self.context.clone().finish().as_ref())
    }
}

impl<R: BufRead> LineReader<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            text: Vec::new(),
        }
    }

    /// `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<RawLine<'_>>> {
        self.text.clear();
        let mut digest = Digest::new();
        let mut is_finished = false;
        let mut is_empty = true;
        while !is_finished {
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                break;
            }
            is_empty = false;
            let end = buffer.iter().position(|&byte| byte == b'\n');
            is_finished = end.is_some();
            let part = &buffer[..end.unwrap_or(buffer.len())];
            digest.add(part);
            if digest.bytes <= MAX_LINE_BYTES as u64 {
                self.text.extend_from_slice(part);
            }
            let read = part.len() + usize::from(is_finished);
            self.reader.consume(read);
        }
        let fits = digest.bytes <= MAX_LINE_BYTES as u64;
        Ok((!is_empty).then(|| RawLine {
            text: fits.then_some(&self.text[..]),
            is_finished,
            digest,
        }))
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.text.capacity()
    }
}
