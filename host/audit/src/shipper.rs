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
    AuditError, Receiver, Shipping, archive,
    line::{self, Line, Link},
    line_reader::LineReader,
    message, own_file,
    shipped::{Mark, Shipped},
    socket::Socket,
};

/// How long a run waits for a program that takes nothing, all in all. A mint takes as long
/// for its requests.
const PATIENCE: Duration = Duration::from_millis(50);

/// The same where somebody asks for what was not sent.
const WAITED: Duration = Duration::from_secs(5);

/// How many lines are sent behind one that is written. A log that has more of them is behind
/// for some runs; who writes it is not held up.
const MOST_LINES: usize = 64;

/// The hash of a line and what is around it, at its end.
const END_BYTES: usize = 64 + 3;

/// Sends lines to where a log is shipped.
pub(crate) struct Shipper {
    shipped: Shipped,
    socket: Socket,
    receiver: Receiver,
}

/// How far it went.
pub(crate) enum Progress {
    /// So many lines were sent, and there are no more.
    Whole(usize),
    /// So many were sent, and there are more.
    Part(usize),
}

impl Shipper {
    pub(crate) fn beside(log: &Path, shipping: &Shipping) -> Result<Self, AuditError> {
        Ok(Self {
            shipped: Shipped::beside(log)?,
            socket: Socket::new(shipping.clone(), PATIENCE),
            receiver: shipping.to,
        })
    }

    /// Whether lines up to this one, the last, are in the files alone. The log has to be
    /// locked.
    pub(crate) fn is_behind(&self, last: &Link) -> io::Result<bool> {
        let mark = self.shipped.read()?;
        Ok(mark.is_some_and(|mark| mark.link.sequence < last.sequence))
    }

    /// Sends the line that was written to the log, which ends there, and those before it
    /// that were not sent. The log has to be locked.
    pub(crate) fn ship(&mut self, log: &Path, text: &str, link: &Link, end: u64) -> io::Result<()> {
        let mark = self.shipped.read()?;
        let before = link.sequence - 1;
        // What was written before it was configured is shipped where somebody asks for it. A
        // mark that is farther than the log is of another one, which was there before.
        let is_usable = |mark: &Mark| mark.link.sequence <= before;
        let mark = mark.filter(is_usable);
        if mark
            .as_ref()
            .is_none_or(|mark| mark.link.sequence == before)
        {
            if mark.is_none() {
                let start = end - text.len() as u64 - 1;
                self.shipped.write(&before_line(text, before, start)?)?;
            }
            let line = line::read(text.as_bytes()).map_err(io::Error::other)?;
            fail_point("audit-before-shipping");
            self.send(&line, text)?;
            fail_point("audit-before-marking");
            self.shipped.write(&Mark {
                link: link.clone(),
                end,
            })?;
            return Ok(());
        }
        self.catch_up(log, MOST_LINES).map(|_| ())
    }

    /// Sends the first so many of the lines that were not sent. The log has to be locked.
    pub(crate) fn catch_up(&mut self, log: &Path, most: usize) -> io::Result<Progress> {
        let mark = self.shipped.read()?.unwrap_or(Mark {
            link: Link::default(),
            end: 0,
        });
        let mut sent = 0;
        let is_whole = each_line_after(log, &mark, |line, text, end| {
            if sent == most {
                return Ok(ControlFlow::Break(()));
            }
            self.send(&line, text)?;
            sent += 1;
            let link = line.link;
            self.shipped.write(&Mark { link, end })?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(if is_whole {
            Progress::Whole(sent)
        } else {
            Progress::Part(sent)
        })
    }

    /// Sends all lines since that time, whether they were sent or not, and says how many.
    pub(crate) fn send_since(&mut self, log: &Path, since: jiff::Timestamp) -> io::Result<usize> {
        let mut sent = 0;
        let start = Mark {
            link: Link::default(),
            end: 0,
        };
        each_line_after(log, &start, |line, text, _| {
            let time = line.members.get("time").and_then(Value::as_str);
            let time = time.and_then(|it| it.parse::<jiff::Timestamp>().ok());
            if time.is_some_and(|time| time >= since) {
                self.socket.be_patient(WAITED);
                self.send(&line, text)?;
                sent += 1;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(sent)
    }

    /// Waits longer than a run does: somebody asked for it.
    pub(crate) fn be_patient(&mut self) {
        self.socket.be_patient(WAITED);
    }

    /// Sends a line, whatever was sent before.
    fn send(&mut self, line: &Line, text: &str) -> io::Result<()> {
        let sent = self.socket.send(&message::of(self.receiver, line, text));
        match sent {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::MSGSIZE) => {
                let short = message::in_short(self.receiver, line, text.len());
                self.socket.send(&short)
            }
            sent => sent,
        }
    }
}

/// Hands out the lines behind the mark, each with where it ends in its file, until it is told
/// to stop. Whether it was not.
fn each_line_after(
    log: &Path,
    mark: &Mark,
    mut work: impl FnMut(Line, &str, u64) -> io::Result<ControlFlow<()>>,
) -> io::Result<bool> {
    // First the newest, as `follow_to` does.
    let newest = own_file::open_to_read(log)?;
    let archived = archive::list(log)?;
    let own = archive::number_of(&archived, &newest)?;
    let mut files = Vec::new();
    for it in archived {
        if own.is_none_or(|own| it.number < own) {
            files.push(own_file::open_to_read(&it.path)?);
        }
    }
    files.push(newest);
    let first = files.iter().rposition(|file| has_end(file, mark));
    for (index, file) in files.iter().enumerate().skip(first.unwrap_or(0)) {
        let mut end = if Some(index) == first { mark.end } else { 0 };
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
            if line.link.sequence <= mark.link.sequence {
                continue;
            }
            if work(line, text, end)?.is_break() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// A mark before the line, so that it is the next.
fn before_line(text: &str, sequence: u64, end: u64) -> io::Result<Mark> {
    let line = line::read(text.as_bytes()).map_err(io::Error::other)?;
    let hash = line.previous;
    Ok(Mark {
        link: Link { sequence, hash },
        end,
    })
}

/// Whether the line of the mark ends there in this file.
fn has_end(file: &File, mark: &Mark) -> bool {
    let mut text = [0; END_BYTES];
    let at = mark.end.checked_sub(END_BYTES as u64);
    let read = at.is_some_and(|at| file.read_exact_at(&mut text, at).is_ok());
    read && text.ends_with(b"\"}\n") && text.starts_with(mark.link.hash.as_bytes())
}
