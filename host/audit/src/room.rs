//! Room behind the end of the file for what has to be written down later.

#[cfg(target_os = "linux")]
use std::os::unix::fs::MetadataExt;
use std::{fs::File, io};

#[cfg(target_os = "linux")]
use rustix::{
    fs::{FallocateFlags, fallocate, fstatfs},
    io::retry_on_intr,
};
use rustix::{
    io::Errno,
    process::{Resource, getrlimit},
};

/// For what may follow a request: its response, and, where the result cannot be used, a
/// token, a deletion and their responses. These are five lines of about 700 bytes. The
/// rest is for processes that write at the same time.
const ROOM: u64 = 64 * 1024;

/// What is taken beyond that, so that one mint in twenty has to ask for more.
#[cfg(target_os = "linux")]
const STEP: u64 = 64 * 1024;

/// The file systems that count what was reserved among a file's blocks, and nothing that
/// they may take back: ext2 to ext4, and tmpfs. XFS counts blocks that it takes back when
/// the disk is full.
#[cfg(target_os = "linux")]
const COUNTED: [u32; 2] = [0xef53, 0x0102_1994];

/// Reserves the room behind this end, which the file is about to have. Its size stays.
/// Where the file system cannot reserve, that is so.
pub(crate) fn reserve(file: &File, end: u64) -> io::Result<()> {
    let most = getrlimit(Resource::Fsize).current;
    if most.is_some_and(|most| most < end + ROOM) {
        return Err(Errno::FBIG.into());
    }
    reserve_blocks(file, end)
}

/// Elsewhere than on Linux nothing reserves room and leaves a file its size: whether there is
/// some shows when the line is written.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux it can fail")]
fn reserve_blocks(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn reserve_blocks(file: &File, end: u64) -> io::Result<()> {
    let metadata = file.metadata()?;
    // The unit of blocks is 512 bytes, whatever the file system's own is.
    if metadata.blocks() * 512 >= end + ROOM && is_counted(file) {
        return Ok(());
    }
    let size = metadata.len();
    let take = |behind: u64| {
        let wanted = end + behind - size;
        retry_on_intr(|| fallocate(file, FallocateFlags::KEEP_SIZE, size, wanted))
    };
    let taken = match take(ROOM + STEP) {
        Err(Errno::NOSPC | Errno::DQUOT) => take(ROOM),
        taken => taken,
    };
    match taken {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(target_os = "linux")]
fn is_counted(file: &File) -> bool {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        reason = "the numbers are of 32 bits, in a type that differs between machines"
    )]
    fstatfs(file).is_ok_and(|found| COUNTED.contains(&(found.f_type as u32)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_size_stays_and_the_room_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = File::create(directory.path().join("file")).unwrap();
        file.write_all(b"a line").unwrap();
        reserve(&file, 100).unwrap();
        let metadata = file.metadata().unwrap();
        assert_eq!(metadata.len(), 6);
        assert!(metadata.blocks() * 512 >= 100 + ROOM);
        // What is there is not asked for once more.
        reserve(&file, 100 + STEP / 2).unwrap();
        if is_counted(&file) {
            assert_eq!(file.metadata().unwrap().blocks(), metadata.blocks());
        }
    }

    #[test]
    fn what_is_taken_lies_behind_the_end_and_is_no_more_than_that() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = File::create(directory.path().join("file")).unwrap();
        file.write_all(&[b'a'; 10_000]).unwrap();
        let before = file.metadata().unwrap().blocks() * 512;
        reserve(&file, 10_100).unwrap();
        let taken = file.metadata().unwrap().blocks() * 512;
        if is_counted(&file) {
            // 64 KiB and 64 KiB, and what file systems round up to.
            assert!(taken >= 10_100 + 131_072, "{taken}");
            assert!(taken <= before + 131_072 + 3 * 4096, "{before}, {taken}");
        }
    }

    #[test]
    fn blocks_say_nothing_on_other_file_systems() {
        assert!(!is_counted(&File::open("/proc/version").unwrap()));
        if let Ok(in_memory) = File::open("/dev/shm") {
            assert!(is_counted(&in_memory));
        }
    }
}
