use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use crate::{AuditError, line::Link, own_file};

/// How the name of the file ends, in place of the log's own extension.
pub(crate) const EXTENSION: &str = "shipped";

/// A number, a hash, a number and the characters between them.
const BYTES: usize = 20 + 1 + 64 + 1 + 20 + 1;

/// Up to which line a log was shipped, in a file beside it. Who has the log locked may use it.
pub(crate) struct Shipped(File);

/// The last line that was shipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) link: Link,
    /// Where it ends in its file.
    pub(crate) end: u64,
}

impl Mark {
    /// Before the first line of a log.
    pub(crate) fn start() -> Self {
        Self {
            link: Link::default(),
            end: 0,
        }
    }
}

impl Shipped {
    /// Opens the file beside the log, or creates it.
    pub(crate) fn beside(log: &Path) -> Result<Self, AuditError> {
        let path = log.with_extension(EXTENSION);
        let missing = || AuditError::unwritable(&path, &io::ErrorKind::NotFound.into());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        let file = own_file::open(&options, &path)?.ok_or_else(missing)?;
        let shipped = Self(file);
        let bytes = shipped.0.metadata().map_or(0, |it| it.len());
        if bytes != 0 && shipped.read().is_ok_and(|it| it.is_none()) {
            return Err(AuditError::unfit(
                &path,
                "it does not say up to which line a log was shipped",
                "if it did, remove it: what was shipped is shipped again; if it is something else, name the log otherwise",
            ));
        }
        own_file::close_to_others(&shipped.0, &path)?;
        Ok(shipped)
    }

    /// `None` where nothing was shipped yet.
    pub(crate) fn read(&self) -> io::Result<Option<Mark>> {
        let mut text = [0; BYTES];
        match self.0.read_exact_at(&mut text, 0) {
            Ok(()) => Ok(parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// It is not waited for until it is on disk: where it is lost, lines are shipped twice.
    pub(crate) fn write(&self, mark: &Mark) -> io::Result<()> {
        let Mark {
            link: Link { sequence, hash },
            end,
        } = mark;
        let text = format!("{sequence:020} {hash} {end:020}\n");
        self.0.write_all_at(text.as_bytes(), 0)
    }
}

fn parse(text: &[u8]) -> Option<Mark> {
    let text = str::from_utf8(text).ok()?.strip_suffix('\n')?;
    let mut parts = text.split(' ');
    let (sequence, hash, end) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hash = hash.len() == 64 && hash.bytes().all(|it| it.is_ascii_hexdigit());
    is_hash.then_some(Mark {
        link: Link {
            sequence: sequence.parse().ok()?,
            hash: hash.to_owned(),
        },
        end: end.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("audit.jsonl");
        let shipped = Shipped::beside(&log).unwrap();
        assert_eq!(shipped.read().unwrap(), None);
        for (sequence, end) in [(0, 0), (u64::MAX, u64::MAX), (7, 5000)] {
            let mark = Mark {
                link: Link {
                    sequence,
                    ..Link::default()
                },
                end,
            };
            shipped.write(&mark).unwrap();
            assert_eq!(Shipped::beside(&log).unwrap().read().unwrap(), Some(mark));
        }
        let path = log.with_extension("shipped");
        assert_eq!(path.metadata().unwrap().len(), BYTES as u64);
    }

    #[test]
    fn what_is_something_else_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("audit.jsonl");
        let path = log.with_extension("shipped");
        for text in ["a".to_owned(), "a".repeat(BYTES), "0 0 0\n".to_owned()] {
            fs::write(&path, &text).unwrap();
            assert!(Shipped::beside(&log).is_err(), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
