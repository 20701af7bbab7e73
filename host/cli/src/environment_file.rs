use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;
use tailmint_core::fail_point;
use zeroize::Zeroizing;

/// A file of variables, one `NAME=VALUE` to a line, that another program created and
/// will read. A key is written to a file here and nowhere else.
#[derive(Debug)]
pub(super) struct EnvironmentFile(File);

impl EnvironmentFile {
    /// Opens the file, which must be there already and be a regular one. Nothing is
    /// written to it yet.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            // Of a named pipe nobody waits for the other end.
            .custom_flags((OFlags::CLOEXEC | OFlags::NONBLOCK).bits().cast_signed())
            .open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        Ok(Self(file))
    }

    /// Adds the line at the end, with one write: it is there whole and on the disk, or
    /// there is an error. A part of the line is never left, unless somebody else wrote
    /// behind it. A last line that has no end is ended first.
    pub(super) fn append(&self, line: &str) -> io::Result<()> {
        let mut file = &self.0;
        let before = file.metadata()?.len();
        let mut text = Zeroizing::new(String::with_capacity(line.len() + 2));
        if !ends_a_line(file, before)? {
            text.push('\n');
        }
        text.push_str(line);
        text.push('\n');
        fail_point("environment-file-before-writing");
        let written = loop {
            match file.write(text.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => break written?,
            }
        };
        fail_point("environment-file-written");
        if written == text.len() {
            return file.sync_data();
        }
        // Whoever else wrote meanwhile keeps what they wrote.
        if file.metadata()?.len() == before + written as u64 {
            file.set_len(before)?;
        }
        Err(io::Error::new(
            io::ErrorKind::StorageFull,
            "there is no room for the line",
        ))
    }
}

/// Whether what is appended to a file of this length begins a line.
fn ends_a_line(mut file: &File, length: u64) -> io::Result<bool> {
    let Some(last) = length.checked_sub(1) else {
        return Ok(true);
    };
    file.seek(SeekFrom::Start(last))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    Ok(byte == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_added_behind_whole_lines() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("env");
        for (before, after) in [
            ("", "A=1\n"),
            ("B=2\n", "B=2\nA=1\n"),
            ("B=2", "B=2\nA=1\n"),
        ] {
            std::fs::write(&path, before).unwrap();
            EnvironmentFile::open(&path).unwrap().append("A=1").unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
        }
    }

    #[test]
    fn what_others_add_meanwhile_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("env");
        std::fs::write(&path, "B=2\n").unwrap();
        let file = EnvironmentFile::open(&path).unwrap();
        let mut other = OpenOptions::new().append(true).open(&path).unwrap();
        other.write_all(b"C=3\n").unwrap();
        file.append("A=1").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "B=2\nC=3\nA=1\n");
    }

    #[test]
    fn nothing_is_created_and_only_regular_files_are_opened() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        assert!(EnvironmentFile::open(&missing).is_err());
        assert!(!missing.exists());
        let pipe = directory.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        for path in [&pipe, Path::new("/dev/null"), directory.path()] {
            assert!(EnvironmentFile::open(path).is_err(), "{}", path.display());
        }
    }
}
