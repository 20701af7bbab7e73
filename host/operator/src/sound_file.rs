//! Files that say what is done: the policy, the configuration, the authorities. Who may
//! change one decides in the user's place.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, absolute},
};

use nix::unistd::{Gid, Group, Uid, User};
use rustix::{
    fs::{Mode, OFlags, StatVfsMountFlags, fstatvfs},
    process::geteuid,
};
use tailmint_core::Environment;

use crate::{Unsound, UnsoundFile, credentials::made_up_modes, opened, users::invoker_of_root};

/// A file that nobody can have changed but those who may.
#[derive(Debug)]
pub(crate) struct SoundFile {
    pub(crate) bytes: Vec<u8>,
    /// What the system says of what was opened and read.
    pub(crate) metadata: Metadata,
}

/// The users who may change a file that this user believes: the user, root, and who had
/// root run this.
pub(crate) fn believed_users(environment: &Environment) -> Vec<u32> {
    let invoker = invoker_of_root(environment).map(|invoker| invoker.uid);
    [0, geteuid().as_raw()].into_iter().chain(invoker).collect()
}

/// How often a file that comes and goes is looked for.
const ATTEMPTS: usize = 4;

/// The system follows as many links.
const MAX_LINKS: usize = 40;

/// How a directory is opened that is judged and not read. On macOS it takes the right to
/// read it.
const LOOKED_AT: OFlags = {
    #[cfg(not(target_vendor = "apple"))]
    {
        OFlags::PATH
    }
    #[cfg(target_vendor = "apple")]
    {
        OFlags::empty()
    }
};

const WRITE_GROUP: u32 = 0o020;
const WRITE_OTHERS: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Reads a file that only these users can have changed; `None` where there is nothing at
/// that path. A link that leads nowhere is something.
///
/// It is opened once, and what was opened is judged and read. The directories that it and
/// the links to it are in are judged by their paths: who cannot write to them cannot lead
/// these paths elsewhere.
pub(crate) fn read(
    path: &Path,
    max_bytes: u64,
    users: &[u32],
) -> Result<Option<SoundFile>, UnsoundFile> {
    let unsound = |unsound| UnsoundFile {
        path: path.to_owned(),
        unsound,
    };
    for _ in 0..ATTEMPTS {
        match opened::open(path) {
            Ok(file) => {
                let read = judge(&file, path, users).and_then(|metadata| {
                    let bytes = take(file, max_bytes)?;
                    Ok(SoundFile { bytes, metadata })
                });
                return read.map(Some).map_err(unsound);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if is_absent(path, users).map_err(unsound)? {
                    return Ok(None);
                }
            }
            Err(error) => return Err(unsound(unreadable(&error))),
        }
    }
    Err(unsound(Unsound::Unreadable {
        detail: "it comes and goes".to_owned(),
    }))
}

/// Judges a file that is not read, and every directory on the way to it: nobody but these
/// users can change it or lead its path elsewhere. Directories above `root`, which is
/// canonical, are none of its way; and nor is itself, unless it is that of this machine.
pub(crate) fn judge_way_to(
    path: &Path,
    root: &Path,
    users: &[u32],
) -> Result<Metadata, UnsoundFile> {
    let judged = || {
        let real = path.canonicalize().map_err(|error| unreadable(&error))?;
        let file = opened::open(&real).map_err(|error| unreadable(&error))?;
        let metadata = judge(&file, path, users)?;
        let is_on_way =
            |it: &&Path| it.starts_with(root) && (*it != root || root.parent().is_none());
        for directory in real.ancestors().skip(1).take_while(is_on_way) {
            judge_directory(directory, users)?;
        }
        Ok(metadata)
    };
    judged().map_err(|unsound| UnsoundFile {
        path: path.to_owned(),
        unsound,
    })
}

fn judge(file: &File, path: &Path, users: &[u32]) -> Result<Metadata, Unsound> {
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(Unsound::Unreadable {
            detail: "it is not a regular file".to_owned(),
        });
    }
    if !users.contains(&metadata.uid()) {
        return Err(Unsound::Foreign {
            uid: metadata.uid(),
        });
    }
    let mode = metadata.mode() & 0o7777;
    if others_may_write(&metadata, file, users) {
        return Err(Unsound::Writable {
            mode,
            file_system: made_up_modes(file),
        });
    }
    judge_way(path, users)?;
    Ok(metadata)
}

/// Judges the directory of the path; where that is a link, also that of where it leads.
fn judge_way(path: &Path, users: &[u32]) -> Result<(), Unsound> {
    let mut path = absolute(path).map_err(|error| unreadable(&error))?;
    for _ in 0..MAX_LINKS {
        let Some(directory) = path.parent() else {
            return Ok(());
        };
        judge_directory(directory, users)?;
        let Ok(target) = fs::read_link(&path) else {
            return Ok(());
        };
        // In a directory that all may write to, others may have put it there.
        let link = path
            .symlink_metadata()
            .map_err(|error| unreadable(&error))?;
        if !users.contains(&link.uid()) {
            return Err(Unsound::Foreign { uid: link.uid() });
        }
        let target = directory.join(target);
        let (Some(directory), Some(name)) = (target.parent(), target.file_name()) else {
            return Ok(());
        };
        let directory = directory
            .canonicalize()
            .map_err(|error| unreadable(&error))?;
        path = directory.join(name);
    }
    Ok(())
}

/// Who may write to the directory may replace what is in it, or remove it. With the sticky
/// bit only the owner of the file may.
fn judge_directory(directory: &Path, users: &[u32]) -> Result<(), Unsound> {
    let flags = LOOKED_AT | OFlags::CLOEXEC | OFlags::DIRECTORY;
    let opened = rustix::fs::open(directory, flags, Mode::empty());
    let opened = opened.map_err(|error| unreadable(&error.into()))?;
    let opened = File::from(opened);
    let metadata = opened.metadata().map_err(|error| unreadable(&error))?;
    let directory = directory.to_owned();
    let (uid, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if !users.contains(&uid) {
        return Err(Unsound::ForeignDirectory { directory, uid });
    }
    if mode & STICKY == 0 && others_may_write(&metadata, &opened, users) {
        return Err(Unsound::Replaceable { directory, mode });
    }
    Ok(())
}

/// Whether others than these users may write to it. Nobody writes to a mount that is
/// read-only, whatever the modes are: so are the config maps of Kubernetes, whose directories
/// are open to all.
fn others_may_write(metadata: &Metadata, opened: &File, users: &[u32]) -> bool {
    let mode = metadata.mode();
    let may = mode & WRITE_OTHERS != 0
        || (mode & WRITE_GROUP != 0 && !is_own_group(metadata.gid(), users));
    let is_read_only =
        || fstatvfs(opened).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY));
    may && !is_read_only()
}

/// Whether nobody is in the group but one of these users, whose own group it is. Where each
/// user has a group like that, all that a user creates may be writable for it (umask 0002).
fn is_own_group(gid: u32, users: &[u32]) -> bool {
    let Ok(Some(group)) = Group::from_gid(Gid::from_raw(gid)) else {
        // A table that this program cannot read, of users elsewhere: there a group of a
        // user's own has the user's number.
        return gid != 0 && gid == geteuid().as_raw() && users.contains(&gid);
    };
    users.iter().any(|&uid| {
        let Ok(Some(user)) = User::from_uid(Uid::from_raw(uid)) else {
            return false;
        };
        user.gid.as_raw() == gid
            && user.name == group.name
            && group.mem.iter().all(|member| *member == user.name)
    })
}

/// Whether nothing is there: no such entry in its directory, from which others cannot have
/// removed it, or no such directory.
fn is_absent(path: &Path, users: &[u32]) -> Result<bool, Unsound> {
    let path = absolute(path).map_err(|error| unreadable(&error))?;
    for part in path.ancestors() {
        match part.symlink_metadata() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(&error)),
        }
        return match part.metadata() {
            // It is there after all: it was not when it was opened.
            Ok(_) if part == path => Ok(false),
            Ok(_) if Some(part) == path.parent() => judge_directory(part, users).map(|()| true),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Unsound::LeadsNowhere {
                directory: (part != path).then(|| part.to_owned()),
            }),
            Err(error) => Err(unreadable(&error)),
        };
    }
    Ok(true)
}

fn take(file: File, max_bytes: u64) -> Result<Vec<u8>, Unsound> {
    let mut bytes = Vec::new();
    file.take(max_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > max_bytes {
        return Err(Unsound::Unreadable {
            detail: format!("it is longer than {max_bytes} bytes"),
        });
    }
    Ok(bytes)
}

fn unreadable(error: &io::Error) -> Unsound {
    Unsound::Unreadable {
        detail: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn users() -> Vec<u32> {
        believed_users(&Environment::default())
    }

    fn found(path: &Path) -> Result<Option<Vec<u8>>, Unsound> {
        let file = read(path, 64, &users()).map_err(|error| error.unsound)?;
        Ok(file.map(|file| file.bytes))
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn replaceable(directory: &Path, mode: u32) -> Unsound {
        Unsound::Replaceable {
            directory: directory.to_owned(),
            mode,
        }
    }

    #[test]
    fn only_nothing_at_all_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path();
        assert_eq!(found(&base.join("none")), Ok(None));
        assert_eq!(found(&base.join("none/deeper/file")), Ok(None));
        symlink(base.join("gone"), base.join("link")).unwrap();
        let nowhere = |directory| Err(Unsound::LeadsNowhere { directory });
        assert_eq!(found(&base.join("link")), nowhere(None));
        for name in ["link/file", "link/deeper/file"] {
            let directory = Some(base.join("link"));
            assert_eq!(found(&base.join(name)), nowhere(directory), "{name}");
        }
        fs::write(base.join("file"), "x").unwrap();
        for name in ["file/none", "file/deeper/none"] {
            let judged = found(&base.join(name));
            let is_error = matches!(judged, Err(Unsound::Unreadable { .. }));
            assert!(is_error, "{name}: {judged:?}");
        }
        symlink("loop", base.join("loop")).unwrap();
        let judged = found(&base.join("loop"));
        assert!(matches!(judged, Err(Unsound::Unreadable { .. })));
        // From a directory that others may write to, others may have removed it.
        let open = base.join("open");
        fs::create_dir(&open).unwrap();
        set_mode(&open, 0o777);
        assert_eq!(found(&open.join("none")), Err(replaceable(&open, 0o777)));
        set_mode(&open, 0o1777);
        assert_eq!(found(&open.join("none")), Ok(None));
    }

    #[test]
    fn a_file_that_others_may_change_or_replace_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path();
        let [own, other] = ["own", "other"].map(|name| base.join(name));
        for directory in [&own, &other] {
            fs::create_dir(directory).unwrap();
            set_mode(directory, 0o755);
        }
        let file = own.join("file");
        fs::write(&file, "x").unwrap();
        set_mode(&file, 0o644);
        let link = other.join("link");
        symlink("../own/file", &link).unwrap();
        let content = Ok(Some(b"x".to_vec()));
        assert_eq!(found(&file), content);
        assert_eq!(found(&link), content);
        for mode in [0o666, 0o646] {
            set_mode(&file, mode);
            let writable = Unsound::Writable {
                mode,
                file_system: None,
            };
            assert_eq!(found(&link), Err(writable));
        }
        set_mode(&file, 0o644);
        // The directory of the link counts, and that of the file.
        for directory in [&other, &own] {
            set_mode(directory, 0o757);
            assert_eq!(found(&link), Err(replaceable(directory, 0o757)));
            set_mode(directory, 0o1777);
            assert_eq!(found(&link), content);
            set_mode(directory, 0o755);
        }
        let stranger = [users().iter().max().unwrap() + 1];
        let judged = read(&file, 64, &stranger).unwrap_err().unsound;
        assert!(matches!(judged, Unsound::Foreign { .. }), "{judged}");
        let absent = read(&own.join("none"), 64, &stranger).unwrap_err().unsound;
        assert!(
            matches!(absent, Unsound::ForeignDirectory { .. }),
            "{absent}"
        );
    }

    #[test]
    fn a_group_of_the_users_own_may_write_and_another_may_not() {
        let directory = tempfile::tempdir().unwrap();
        let own = directory.path().join("own");
        fs::create_dir(&own).unwrap();
        let file = own.join("file");
        fs::write(&file, "x").unwrap();
        let user = User::from_uid(Uid::effective()).unwrap().unwrap();
        let group = Group::from_gid(user.gid).unwrap().unwrap();
        let is_own = group.name == user.name && group.mem.iter().all(|it| *it == user.name);
        for (path, mode) in [(&own, 0o775), (&file, 0o664)] {
            set_mode(path, mode);
        }
        assert_eq!(found(&file).is_ok(), is_own, "{group:?}");
        // Only root can give a file to a group that it is not in.
        let foreign = 4242;
        if std::os::unix::fs::chown(&file, None, Some(foreign)).is_err() {
            return;
        }
        let writable = Unsound::Writable {
            mode: 0o664,
            file_system: None,
        };
        assert_eq!(found(&file), Err(writable));
        set_mode(&file, 0o644);
        std::os::unix::fs::chown(&own, None, Some(foreign)).unwrap();
        assert_eq!(found(&file), Err(replaceable(&own, 0o775)));
    }
}
