//! Sends the lines of a log to a program that keeps logs, each once, in their order.

use std::{
    fs::File,
    io::{self, BufReader, Seek, SeekFrom},
    ops::ControlFlow,
    os::unix::fs::FileExt,
    path::Path,
    time::Duration,
};

use rustix::io::Errno;
use serde_json::Value;
use tailmint_core::fail_point;

use crate::{
    AuditError, Shipping,
    archive::{self, Archived},
    line::{self, Line, Link},
    line_reader::{self, LineReader},
    message, own_file,
    shipped::{Mark, Shipped},
    socket::Socket,
};

/// How long a run waits for a program that takes nothing, all in all. A mint takes as long
/// for its requests.
const PATIENCE: Duration = Duration::from_millis(50);

/// The same where somebody asks for what was not sent: so long without a line that is taken.
pub(crate) const WAITED: Duration = Duration::from_secs(5);

/// How many lines are sent behind one that is written. A log that has more of them is behind
/// for some runs; who writes it is not held up.
const MOST_LINES: usize = 64;

/// The hash of a line and what is around it, at its end.
const END_BYTES: usize = 64 + 3;

/// Sends lines to where a log is shipped.
pub(crate) struct Shipper {
    shipped: Shipped,
    sender: Sender,
}

/// Sends lines, whatever was sent before.
pub(crate) struct Sender {
    socket: Socket,
    shipping: Shipping,
}

/// How far the lines were sent that were not.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// How many were.
    pub(crate) sent: usize,
    /// Whether there are no more.
    pub(crate) is_whole: bool,
    /// Why the next one was not.
    pub(crate) failure: Option<io::Error>,
    pub(crate) remarks: Remarks,
}

/// What is out of the ordinary with the files that lines are sent from.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    /// What was sent last is of another log: all lines of this one are sent.
    pub(crate) is_of_another: bool,
    /// A file that was passed over, and why.
    pub(crate) unread: Option<String>,
}

impl Shipper {
    pub(crate) fn beside(log: &Path, shipping: &Shipping) -> Result<Self, AuditError> {
        Ok(Self {
            shipped: Shipped::beside(log)?,
            sender: Sender::new(shipping, PATIENCE),
        })
    }

    /// Sends to the same program, on behalf of somebody who waits.
    pub(crate) fn sender(&self) -> Sender {
        Sender::new(&self.sender.shipping, WAITED)
    }

    /// Whether lines up to this one, the last, are in the files alone. The log has to be
    /// locked.
    pub(crate) fn is_behind(&self, last: &Link) -> io::Result<bool> {
        // One that is farther than the log is of another one.
        Ok(self.shipped.read()?.is_some_and(|mark| mark.link != *last))
    }

    /// Sends the line that was written to the log, which ends there, and those before it
    /// that were not sent. The log has to be locked.
    pub(crate) fn ship(
        &mut self,
        log: &Path,
        text: &str,
        link: &Link,
        end: u64,
    ) -> io::Result<Remarks> {
        let line = line::read(text.as_bytes()).map_err(io::Error::other)?;
        let before = Link {
            sequence: link.sequence - 1,
            hash: line.previous.clone(),
        };
        let mark = self.shipped.read()?;
        // What was written before it was configured is shipped where somebody asks for it. A
        // mark that is farther than the log is of another one, which was there before.
        let mark = mark.filter(|mark| mark.link.sequence < link.sequence);
        if mark.as_ref().is_none_or(|mark| mark.link == before) {
            if mark.is_none() {
                let end = end - text.len() as u64 - 1;
                self.shipped.write(&Mark { link: before, end })?;
            }
            fail_point("audit-before-shipping");
            self.sender.send(&line, text)?;
            fail_point("audit-before-marking");
            self.shipped.write(&Mark {
                link: link.clone(),
                end,
            })?;
            return Ok(Remarks::default());
        }
        let progress = self.go_on(log, MOST_LINES)?;
        progress.failure.map_or(Ok(progress.remarks), Err)
    }

    /// Sends the first so many of the lines that were not sent. The log has to be locked: who
    /// waits for it waits no longer than a run does.
    pub(crate) fn catch_up(&mut self, log: &Path, most: usize) -> io::Result<Progress> {
        self.sender.socket.be_patient(PATIENCE);
        self.go_on(log, most)
    }

    fn go_on(&mut self, log: &Path, most: usize) -> io::Result<Progress> {
        let mark = self.shipped.read()?.unwrap_or_else(Mark::start);
        let mut progress = Progress::default();
        let after = LinesAfter::find(log, mark)?;
        let Self { shipped, sender } = self;
        let (is_whole, remarks) = after.each(|line, text, end| {
            if progress.sent == most {
                return Ok(ControlFlow::Break(()));
            }
            if let Err(error) = sender.send(&line, text) {
                progress.failure = Some(error);
                return Ok(ControlFlow::Break(()));
            }
            progress.sent += 1;
            let link = line.link;
            shipped.write(&Mark { link, end })?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Progress {
            is_whole,
            remarks,
            ..progress
        })
    }
}

impl Sender {
    fn new(shipping: &Shipping, patience: Duration) -> Self {
        Self {
            socket: Socket::new(shipping.clone(), patience),
            shipping: shipping.clone(),
        }
    }

    /// Sends all lines since that time, whether they were sent or not, and says how many. The
    /// log need not be locked: a line that is written meanwhile is sent by who writes it.
    pub(crate) fn send_since(
        &mut self,
        log: &Path,
        since: jiff::Timestamp,
    ) -> io::Result<(usize, Remarks)> {
        let mut sent = 0;
        let (_, remarks) = LinesAfter::find(log, Mark::start())?.each(|line, text, _| {
            let time = line.members.get("time").and_then(Value::as_str);
            let time = time.and_then(|it| it.parse::<jiff::Timestamp>().ok());
            if time.is_some_and(|time| time >= since) {
                // Nobody waits for it but who asked; a program that takes a line is there.
                self.socket.be_patient(WAITED);
                self.send(&line, text)?;
                sent += 1;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok((sent, remarks))
    }

    fn send(&mut self, line: &Line, text: &str) -> io::Result<()> {
        let to = self.shipping.to;
        let sent = self.socket.send(&message::of(to, line, text));
        match sent {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::MSGSIZE) => {
                let short = message::in_short(to, line, text.len());
                self.socket.send(&short)
            }
            sent => sent,
        }
    }
}

/// The lines of a log behind a mark. One file is open at a time beside the newest.
struct LinesAfter {
    mark: Mark,
    /// The files with these lines, the oldest first.
    archived: Vec<Archived>,
    newest: File,
    /// Whether the first of the files has the line of the mark, where the mark says.
    is_in_first: bool,
    remarks: Remarks,
}

impl LinesAfter {
    /// Looks for the line of the mark, from the newest file on. A mark that is of another log
    /// is none.
    fn find(log: &Path, mark: Mark) -> io::Result<Self> {
        // First the newest, as `follow_to` does.
        let newest = own_file::open_to_read(log)?;
        let mut archived = archive::list(log)?;
        if let Some(own) = archive::number_of(&archived, &newest)? {
            archived.retain(|it| it.number < own);
        }
        let mut found = Self {
            archived,
            is_in_first: has_end(&newest, &mark),
            newest,
            mark,
            remarks: Remarks::default(),
        };
        if found.is_in_first {
            found.archived.clear();
            return Ok(found);
        }
        if found.mark.link.sequence == 0 {
            return Ok(found);
        }
        let mut oldest = line_reader::first_line(&found.newest)?;
        for at in (0..found.archived.len()).rev() {
            let path = found.archived[at].path.clone();
            let file = match own_file::open_to_read(&path) {
                Ok(file) => file,
                Err(error) => {
                    found.remarks.pass_over(&path, &error);
                    continue;
                }
            };
            if has_end(&file, &found.mark) {
                found.archived.drain(..at);
                found.is_in_first = true;
                return Ok(found);
            }
            oldest = line_reader::first_line(&file)?.or(oldest);
        }
        // It may be in a file that cannot be read, or in one that was removed.
        let oldest = oldest.map_or(0, |it| it.link.sequence);
        if found.remarks.unread.is_none() && found.mark.link.sequence >= oldest {
            found.mark = Mark::start();
            found.remarks.is_of_another = true;
        }
        Ok(found)
    }

    /// Hands out the lines, each with where it ends in its file, until it is told to stop.
    /// Whether it was not.
    fn each(
        mut self,
        mut work: impl FnMut(Line, &str, u64) -> io::Result<ControlFlow<()>>,
    ) -> io::Result<(bool, Remarks)> {
        let mut is_first = true;
        for Archived { path, .. } in std::mem::take(&mut self.archived) {
            match own_file::open_to_read(&path) {
                Ok(file) if self.in_file(&file, is_first, &mut work)?.is_break() => {
                    return Ok((false, self.remarks));
                }
                Ok(_) => {}
                Err(error) => self.remarks.pass_over(&path, &error),
            }
            is_first = false;
        }
        let is_whole = self.in_file(&self.newest, is_first, &mut work)?;
        Ok((is_whole.is_continue(), self.remarks))
    }

    fn in_file(
        &self,
        file: &File,
        is_first: bool,
        work: &mut impl FnMut(Line, &str, u64) -> io::Result<ControlFlow<()>>,
    ) -> io::Result<ControlFlow<()>> {
        let mut end = if is_first && self.is_in_first {
            self.mark.end
        } else {
            0
        };
        let mut reader = BufReader::new(file);
        reader.seek(SeekFrom::Start(end))?;
        let mut lines = LineReader::new(reader);
        while let Some(raw) = lines.next()? {
            end += raw.bytes() + 1;
            let Some(text) = raw.text.and_then(|it| str::from_utf8(it).ok()) else {
                continue;
            };
            // What was cut off is recorded by a line of its own.
            let Ok(line) = line::read(text.as_bytes()) else {
                continue;
            };
            if line.link.sequence <= self.mark.link.sequence {
                continue;
            }
            if work(line, text, end)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl Remarks {
    /// A file that is not there any more was removed by a rotation: that is nothing to say.
    fn pass_over(&mut self, path: &Path, error: &io::Error) {
        if error.kind() != io::ErrorKind::NotFound {
            self.unread
                .get_or_insert_with(|| format!("{}: {error}", path.display()));
        }
    }
}

/// Whether the line of the mark ends there in this file.
fn has_end(file: &File, mark: &Mark) -> bool {
    let mut text = [0; END_BYTES];
    let at = mark.end.checked_sub(END_BYTES as u64);
    let read = at.is_some_and(|at| file.read_exact_at(&mut text, at).is_ok());
    read && text.ends_with(b"\"}\n") && text.starts_with(mark.link.hash.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::net::UnixDatagram,
        path::PathBuf,
        sync::{Arc, Mutex},
        thread,
    };

    use super::*;
    use crate::{Actor, AuditFile, Receiver};

    struct World {
        directory: tempfile::TempDir,
        receiver: UnixDatagram,
        said: Arc<Mutex<Vec<String>>>,
    }

    impl World {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let receiver = UnixDatagram::bind(directory.path().join("socket")).unwrap();
            receiver.set_nonblocking(true).unwrap();
            Self {
                directory,
                receiver,
                said: Arc::default(),
            }
        }

        fn log(&self) -> PathBuf {
            self.directory.path().join("audit.jsonl")
        }

        fn shipped(&self) -> AuditFile {
            let said = Arc::clone(&self.said);
            let log = AuditFile::open(self.log()).unwrap();
            let log = log.noticing(move |it| said.lock().unwrap().push(it.to_owned()));
            log.shipping(&Shipping {
                to: Receiver::Syslog,
                socket: Some(self.directory.path().join("socket")),
            })
            .unwrap()
        }

        fn write(log: &AuditFile) {
            let said = serde_json::json!({ "event": "decision" });
            log.record(&said).unwrap();
        }

        /// The numbers of the lines that were sent since the last time.
        fn received(&self) -> Vec<u64> {
            let mut buffer = [0; 4096];
            let mut numbers = Vec::new();
            while let Ok(bytes) = self.receiver.recv(&mut buffer) {
                let text = str::from_utf8(&buffer[..bytes]).unwrap();
                let (_, number) = text.split_once("\"seq\":").unwrap();
                numbers.push(number.split_once(',').unwrap().0.parse().unwrap());
            }
            numbers
        }
    }

    fn rotate(log: &AuditFile) -> PathBuf {
        let actor = Actor {
            uid: 1000,
            user: None,
            pid: 1,
        };
        log.rotate(&actor).unwrap().unwrap()
    }

    #[test]
    fn a_mark_of_another_log_is_none_however_far_it_is() {
        // The other log was as long as this one before its third line, longer, or shorter.
        for lines in [2, 1, 5] {
            let world = World::new();
            let other = world.shipped();
            for _ in 0..lines {
                World::write(&other);
            }
            assert_eq!(world.received().len(), lines);
            fs::remove_file(world.log()).unwrap();
            let before = AuditFile::open(world.log()).unwrap();
            World::write(&before);
            World::write(&before);
            assert!(world.received().is_empty());
            World::write(&world.shipped());
            // What is farther than the log says nothing of what was not sent of it.
            let expected: &[u64] = if lines == 5 { &[3] } else { &[1, 2, 3] };
            assert_eq!(world.received(), expected, "{lines}");
            let said = world.said.lock().unwrap();
            assert_eq!(said.len(), usize::from(lines != 5), "{said:?}");
            assert!(
                said.iter()
                    .all(|it| it.starts_with("what was shipped last is of another log"))
            );
        }
    }

    #[test]
    fn others_write_while_lines_are_shipped_to_a_program_that_takes_nothing() {
        let world = World::new();
        let unshipped = AuditFile::open(world.log()).unwrap();
        for _ in 0..2 * MOST_LINES {
            World::write(&unshipped);
        }
        let log = world.shipped();
        thread::scope(|scope| {
            let ships = scope.spawn(|| log.ship(None));
            // It has begun, and takes no more lines than the buffer has room for.
            world.receiver.set_nonblocking(false).unwrap();
            world.receiver.recv(&mut [0; 4096]).unwrap();
            World::write(&unshipped);
            assert!(!ships.is_finished());
            let error = ships.join().unwrap().unwrap_err().to_string();
            assert!(error.ends_with("takes nothing"), "{error}");
        });
        let found = crate::verify(&world.log()).unwrap();
        assert_eq!(
            (found.breaks.len(), found.entries),
            (0, 2 * MOST_LINES as u64 + 1)
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_passed_over_and_said() {
        let world = World::new();
        World::write(&world.shipped());
        assert_eq!(world.received(), [1]);
        let unshipped = AuditFile::open(world.log()).unwrap();
        let mut archived = Vec::new();
        for _ in 0..3 {
            World::write(&unshipped);
            archived.push(rotate(&unshipped));
        }
        // Lines 4 and 3, the second of the files.
        fs::remove_file(&archived[1]).unwrap();
        fs::create_dir(&archived[1]).unwrap();
        World::write(&world.shipped());
        assert_eq!(world.received(), [2, 5, 6, 7, 8]);
        let said = world.said.lock().unwrap();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].ends_with("audit.jsonl.000002: it is a directory"),
            "{said:?}"
        );
        drop(said);
        let sent = world
            .shipped()
            .ship(Some(jiff::Timestamp::UNIX_EPOCH))
            .unwrap();
        assert_eq!((sent, world.received().len()), (6, 6));
    }
}
