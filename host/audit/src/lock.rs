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
