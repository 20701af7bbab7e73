use std::{
    fs::{File, TryLockError},
    io,
    time::{Duration, Instant},
};

/// A process that holds the lock writes a line, waits for the disk and lets go. On a
/// busy disk that takes a tenth of a second, and waiting processes are served in no
/// order: with a dozen that write at once, five seconds were seen to be too few.
const LOCK_LIMIT: Duration = Duration::from_secs(30);

/// Locks the file, once no other process has it locked.
pub(crate) fn lock(file: &File) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_LIMIT => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(TryLockError::WouldBlock) => {
                let limit = LOCK_LIMIT.as_secs();
                return Err(io::Error::other(format!(
                    "another process has had it locked for {limit} s"
                )));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    #[test]
    fn a_lock_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let held = File::create(&path).unwrap();
        lock(&held).unwrap();
        let (done, waits) = mpsc::channel();
        let other = thread::spawn(move || {
            let file = File::open(path).unwrap();
            done.send(lock(&file).map_err(|error| error.to_string()))
                .unwrap();
        });
        // Nothing can come, however slow the machine is.
        assert!(waits.recv_timeout(Duration::from_millis(50)).is_err());
        held.unlock().unwrap();
        assert_eq!(waits.recv().unwrap(), Ok(()));
        other.join().unwrap();
    }
}
