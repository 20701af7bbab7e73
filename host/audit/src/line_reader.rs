use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
};

use ring::digest::{Context, SHA256};
use tailmint_core::digest::hex;

use crate::line::{self, Line, MAX_LINE_BYTES};

/// The first line of a log in the file, behind parts of others that were cut off. `None` where
/// it begins with something else.
pub(crate) fn first_line(mut file: &File) -> io::Result<Option<Line>> {
    file.rewind()?;
    let beginning = BufReader::new(file).take(2 * MAX_LINE_BYTES as u64);
    let mut lines = LineReader::new(beginning);
    while let Some(raw) = lines.next()? {
        if let Some(Ok(line)) = raw.text.map(line::read) {
            return Ok(Some(line));
        }
    }
    Ok(None)
}

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
    /// Of one that is too long.
    long: Option<Digest>,
}

impl RawLine<'_> {
    /// How many bytes it has without its line end.
    pub(crate) fn bytes(&self) -> u64 {
        let text = self.text.unwrap_or_default().len() as u64;
        self.long.as_ref().map_or(text, Digest::bytes)
    }

    /// Of all of it but its line end.
    pub(crate) fn digest(&self) -> Digest {
        self.long.clone().unwrap_or_else(|| {
            let mut digest = Digest::new();
            digest.add(self.text.unwrap_or_default());
            digest
        })
    }
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
        let most = MAX_LINE_BYTES as u64 + 1;
        let mut beginning = self.reader.by_ref().take(most);
        if beginning.read_until(b'\n', &mut self.text)? == 0 {
            return Ok(None);
        }
        if self.text.last() == Some(&b'\n') {
            self.text.pop();
            return Ok(Some(self.line(true)));
        }
        if self.text.len() <= MAX_LINE_BYTES {
            return Ok(Some(self.line(false)));
        }
        let mut digest = Digest::new();
        digest.add(&self.text);
        let is_finished = self.rest(&mut digest)?;
        Ok(Some(RawLine {
            text: None,
            is_finished,
            long: Some(digest),
        }))
    }

    fn line(&self, is_finished: bool) -> RawLine<'_> {
        RawLine {
            text: Some(&self.text),
            is_finished,
            long: None,
        }
    }

    /// The rest of a line, which is not held; whether it has a line end.
    fn rest(&mut self, digest: &mut Digest) -> io::Result<bool> {
        loop {
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                return Ok(false);
            }
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            digest.add(part);
            let read = part.len() + usize::from(end.is_some());
            self.reader.consume(read);
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.text.capacity()
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use tailmint_core::digest::sha256;

    use super::*;

    /// Is interrupted before it reads, and fails at the end where it is told so.
    struct Troubled {
        text: &'static [u8],
        is_interrupted: bool,
        end: Option<io::ErrorKind>,
    }

    impl Read for Troubled {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.is_interrupted = !self.is_interrupted;
            if self.is_interrupted {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match self.end {
                Some(kind) if self.text.is_empty() => Err(kind.into()),
                _ => self.text.read(buffer),
            }
        }
    }

    type Found = (Option<Vec<u8>>, bool);

    fn lines(reader: impl Read) -> io::Result<Vec<Found>> {
        let mut lines = LineReader::new(BufReader::with_capacity(3, reader));
        let mut found = Vec::new();
        while let Some(line) = lines.next()? {
            if let Some(text) = line.text {
                assert_eq!(line.digest().bytes(), text.len() as u64);
                assert_eq!(line.digest().sha256(), sha256(text));
            }
            found.push((line.text.map(<[u8]>::to_vec), line.is_finished));
        }
        Ok(found)
    }

    fn troubled(text: &'static [u8], end: Option<io::ErrorKind>) -> io::Result<Vec<Found>> {
        lines(Troubled {
            text,
            is_interrupted: false,
            end,
        })
    }

    #[test]
    fn lines_are_whole_however_they_are_read() {
        let line = |text: &str, is_finished| (Some(text.as_bytes().to_vec()), is_finished);
        let expected = vec![line("first", true), line("", true), line("last", false)];
        assert_eq!(troubled(b"first\n\nlast", None).unwrap(), expected);
        assert_eq!(troubled(b"", None).unwrap(), []);
        assert_eq!(troubled(b"a\n", None).unwrap(), [line("a", true)]);
        let failed = troubled(b"first\nlast", Some(io::ErrorKind::BrokenPipe));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn the_longest_line_is_held_and_a_longer_one_is_not() {
        let most = vec![b'a'; MAX_LINE_BYTES];
        let found = lines(&*most).unwrap();
        assert_eq!(found, [(Some(most.clone()), false)]);
        let more = [&*most, b"a\nb"].concat();
        let found = lines(&*more).unwrap();
        assert_eq!(found, [(None, true), (Some(b"b".to_vec()), false)]);
    }
}
