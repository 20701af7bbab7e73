//! The calls to the system that the files of credentials take.
//!
//! All of them go through here, so that a test can let each fail, or do something else at
//! that moment. In a program they are the calls and nothing else.

use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
};

use rustix::fs::{OFlags, StatVfsMountFlags, fstatfs, fstatvfs};

use crate::opened;

/// A call to the system, by what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(test), allow(dead_code, reason = "only tests look at it"))]
pub(crate) enum Call {
    ChangeOwner,
    Create,
    CreateDirectory,
    FileSystem,
    Lock,
    Open,
    Read,
    Remove,
    Rename,
    Resolve,
    Stat,
    Sync,
    Write,
}

/// In tests it may fail before the system is asked, or be said to have failed when it has
/// not.
#[cfg(not(test))]
#[inline]
fn through<T>(_call: Call, _path: &Path, done: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    done()
}

#[cfg(test)]
fn through<T>(call: Call, path: &Path, done: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    use super::disturbance::{Side, disturb};

    disturb(call, path, Side::Before)?;
    let value = done()?;
    disturb(call, path, Side::After)?;
    Ok(value)
}

/// The same for a file that is open.
fn on_open<T>(call: Call, done: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    through(call, Path::new(""), done)
}

/// Where it leads, without links.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    through(Call::Resolve, path, || path.canonicalize())
}

pub(super) fn stat(path: &Path) -> io::Result<Metadata> {
    through(Call::Stat, path, || path.metadata())
}

/// Of the link itself, where it is one.
pub(super) fn stat_link(path: &Path) -> io::Result<Metadata> {
    through(Call::Stat, path, || path.symlink_metadata())
}

pub(super) fn stat_open(file: &File) -> io::Result<Metadata> {
    on_open(Call::Stat, || file.metadata())
}

/// Whether anything is there, if only a link that leads nowhere. A directory that cannot be
/// looked into is no sign that there is nothing in it.
pub(super) fn is_there(path: &Path) -> io::Result<bool> {
    match stat_link(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The number of the kind of file system that the file is in.
pub(super) fn file_system(file: &File) -> io::Result<u32> {
    // The numbers are of 32 bits, in a type that differs from machine to machine.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        reason = "the numbers are of 32 bits, in a type that differs between machines"
    )]
    on_open(Call::FileSystem, || Ok(fstatfs(file)?.f_type as u32))
}

/// Whether nothing can be written where the file is.
pub(super) fn is_read_only(file: &File) -> io::Result<bool> {
    on_open(Call::FileSystem, || {
        let flags = fstatvfs(file)?.f_flag;
        Ok(flags.contains(StatVfsMountFlags::RDONLY))
    })
}

/// To be judged by what was opened, and read.
pub(super) fn open(path: &Path) -> io::Result<File> {
    through(Call::Open, path, || opened::open(path))
}

pub(super) fn open_directory(path: &Path) -> io::Result<File> {
    through(Call::Open, path, || File::open(path))
}

pub(super) fn lock(directory: &File) -> Result<(), TryLockError> {
    on_open(Call::Lock, || Ok(())).map_err(TryLockError::Error)?;
    directory.try_lock()
}

pub(super) fn read(file: &mut File, into: &mut [u8]) -> io::Result<usize> {
    on_open(Call::Read, || file.read(into))
}

/// All of it, to be written once more.
pub(super) fn read_all(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let mut all = Vec::new();
    on_open(Call::Read, || file.read_to_end(&mut all))?;
    Ok(all)
}

/// With those above it, for their owner alone.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    through(Call::CreateDirectory, path, || {
        let mut directories = fs::DirBuilder::new();
        directories.recursive(true).mode(0o700).create(path)
    })
}

/// A new file, for its owner alone.
pub(super) fn create(path: &Path) -> io::Result<File> {
    through(Call::Create, path, || {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags((OFlags::CLOEXEC | OFlags::NOFOLLOW).bits().cast_signed())
            .open(path)
    })
}

pub(super) fn change_owner(file: &File, user: u32, group: u32) -> io::Result<()> {
    on_open(Call::ChangeOwner, || fchown(file, Some(user), Some(group)))
}

pub(super) fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    on_open(Call::Write, || file.write_all(bytes))
}

pub(super) fn sync(file: &File) -> io::Result<()> {
    on_open(Call::Sync, || file.sync_all())
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    through(Call::Rename, to, || fs::rename(from, to))
}

/// Whether it was there or not, it is gone.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match through(Call::Remove, path, || fs::remove_file(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What asks the system about files, and is in no other file of this directory.
    const ASKS: [&str; 20] = [
        "File::",
        "OpenOptions",
        "fs::DirBuilder",
        "fs::copy(",
        "fs::read",
        "fs::remove",
        "fs::rename(",
        "fs::write(",
        ".canonicalize()",
        ".exists()",
        ".metadata()",
        ".read(",
        ".read_to_end(",
        ".symlink_metadata()",
        ".sync_all()",
        ".try_lock()",
        ".write_all(",
        "fchown(",
        "fstatfs(",
        "fstatvfs(",
    ];

    /// Whose business is not files: it runs a program, and reads what that prints; or it is
    /// for tests.
    const OTHERS: [&str; 5] = [
        "command.rs",
        "disturbance.rs",
        "fakes.rs",
        "fetch_tests.rs",
        "system.rs",
    ];

    #[test]
    fn all_that_asks_the_system_about_files_is_here() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/credentials");
        let here = fs::read_to_string(own.join("system.rs")).unwrap();
        let here = here.split("#[cfg(test)]\nmod tests").next().unwrap();
        let used = ASKS.iter().filter(|ask| here.contains(**ask)).count();
        assert!(used >= 14, "{used} of them are used at all");
        let mut files = 0;
        let all = [own.clone(), own.join("identity")].into_iter();
        let all = all.flat_map(|directory| fs::read_dir(directory).unwrap());
        for entry in all {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if OTHERS.contains(&name.as_str()) {
                continue;
            }
            files += 1;
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            for ask in ASKS {
                assert!(
                    !code.contains(ask),
                    "{name}: {ask} is to go through system.rs"
                );
            }
        }
        assert!(files >= 10, "{files} files");
    }
}
