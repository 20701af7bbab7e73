//! Who can reach a file, beside the user who reads it.
//!
//! A mode says who may read a file once they are at it. They get there only if they may
//! enter each directory on its path, and they may change it only if the file system is
//! mounted to be written to.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;
use tailmint_core::Environment;

use super::{Unchangeable, Wrong, system};
use crate::users::invoker_of_root;

/// What a file is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A secret: nobody else may read it.
    Secret,
    /// What anybody may know, but nobody else may change.
    Public,
}

/// Who reads files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    user: u32,
    /// Who had root read them.
    invoker: Option<u32>,
    /// Whose files alone they may be: root follows where another user leads it.
    on_behalf_of: Option<u32>,
    /// The directory that systemd made for the service.
    credentials: Option<PathBuf>,
}

/// The file systems that live in memory, which secrets are mounted from: by systemd, by
/// Kubernetes, by Docker's swarm.
const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];

/// Where containers have their secrets, whatever these are mounted from.
const MOUNT_POINTS: [&str; 2] = ["/run/secrets", "/var/run/secrets"];

/// The file systems whose modes are made up: their numbers (statfs(2)) and names.
const MADE_UP: [(u32, &str); 9] = [
    (0x0102_1997, "9p"),
    (0x5346_4846, "drvfs"),
    (0x0000_4d44, "vfat"),
    (0x2011_bab0, "exfat"),
    (0x5346_544e, "ntfs"),
    (0x7366_746e, "ntfs"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb"),
    (0x6573_5546, "fuse"),
];

const ALL_OTHERS: u32 = 0o007;
const WRITE: u32 = 0o022;
const ENTER: u32 = 0o011;
const STICKY: u32 = 0o1000;

impl Reader {
    /// The user of this process.
    pub(super) fn of_process(environment: &Environment) -> Self {
        Self {
            user: geteuid().as_raw(),
            invoker: invoker_of_root(environment).map(|invoker| invoker.uid),
            on_behalf_of: None,
            credentials: environment.get("CREDENTIALS_DIRECTORY").map(PathBuf::from),
        }
    }

    /// The same for files that another user, if one, had root look for.
    pub(super) fn on_behalf_of(self, user: Option<u32>) -> Self {
        Self {
            on_behalf_of: user,
            ..self
        }
    }

    /// Whether the file that was opened at the path may be used.
    pub(super) fn judge(&self, file: &File, path: &Path, content: Content) -> Result<(), Wrong> {
        let metadata = system::stat_open(file).map_err(|error| unreadable(&error))?;
        regular(&metadata)?;
        let place = Place::of(file, path, &metadata)?;
        let is_mounted = place.is_mounted_for_secrets(self);
        let owner = metadata.uid();
        if let Some(user) = self.on_behalf_of
            && owner != user
        {
            return Err(Wrong::NotTheirs { owner, user });
        }
        let is_kept = || self.is_root() && place.is_kept_by(owner, self);
        if !(is_mounted || self.trusts(owner) || is_kept()) {
            return Err(Wrong::Owner {
                owner,
                closing: place.closing(owner, self),
                for_root: self.is_root(),
            });
        }
        let mode = metadata.mode() & 0o7777;
        let others = match content {
            Content::Secret => 0o077,
            Content::Public => WRITE,
        };
        let only_read = mode & WRITE == 0;
        // systemd gives them to a service by an access list, which shows as the group's
        // bits.
        let by_access_list = mode & ALL_OTHERS == 0 && place.is_in(self.credentials.as_deref());
        let is_closed = is_mounted || by_access_list || place.is_private(owner, self);
        if mode & others != 0 && !(only_read && is_closed) {
            return Err(Wrong::Mode {
                mode,
                unchangeable: place.unchangeable(owner, self),
            });
        }
        if is_mounted {
            return Ok(());
        }
        place.parent().map_or(Ok(()), |it| self.judge_directory(it))
    }

    /// Who may write the directory may replace the file. With the sticky bit only the
    /// file's owner may.
    pub(super) fn judge_directory(&self, directory: &Path) -> Result<(), Wrong> {
        let file = system::open_directory(directory).map_err(|error| unreadable(&error));
        let metadata = system::stat(directory).map_err(|error| unreadable(&error))?;
        let mode = metadata.mode() & 0o7777;
        if mode & WRITE == 0 || mode & STICKY != 0 {
            return Ok(());
        }
        let unchangeable = match file {
            Ok(file) => FileSystem::of(&file)?.unchangeable(metadata.uid(), self),
            Err(_) => self.unchangeable(metadata.uid()),
        };
        Err(Wrong::Parent {
            directory: directory.to_owned(),
            mode,
            unchangeable,
        })
    }

    /// What keeps its own owner from opening it, if that is its mode.
    pub(super) fn closed(&self, path: &Path) -> Option<Wrong> {
        let metadata = system::stat(path).ok()?;
        let mode = metadata.mode() & 0o7777;
        let own = metadata.uid() == self.user;
        (own && metadata.is_file() && mode & 0o400 == 0).then_some(Wrong::Closed { mode })
    }

    fn is_root(&self) -> bool {
        self.user == 0
    }

    fn trusts(&self, owner: u32) -> bool {
        owner == 0 || owner == self.user || Some(owner) == self.invoker
    }

    fn unchangeable(&self, owner: u32) -> Option<Unchangeable> {
        (!self.is_root() && owner != self.user).then_some(Unchangeable::Owner)
    }
}

/// Where an open file is.
struct Place {
    /// Its path without links.
    path: PathBuf,
    /// Whether the file at the path is the one that is open.
    is_same: bool,
    /// Whether that is its only name: what the directories keep out is kept out of it only
    /// then.
    is_only_name: bool,
    file_system: FileSystem,
    /// The directories on its path, the nearest first.
    directories: Vec<Directory>,
}

struct Directory {
    path: PathBuf,
    mode: u32,
    owner: u32,
}

struct FileSystem {
    kind: u32,
    is_read_only: bool,
}

impl FileSystem {
    fn of(file: &File) -> Result<Self, Wrong> {
        Ok(Self {
            kind: system::file_system(file).map_err(|error| unreadable(&error))?,
            is_read_only: system::is_read_only(file).map_err(|error| unreadable(&error))?,
        })
    }

    /// Its name, where the modes of its files are made up.
    fn made_up(&self) -> Option<&'static str> {
        let found = MADE_UP.iter().find(|(kind, _)| *kind == self.kind);
        found.map(|(_, name)| *name)
    }

    /// What keeps the user from changing the mode of a file of this owner.
    fn unchangeable(&self, owner: u32, reader: &Reader) -> Option<Unchangeable> {
        let made_up = self.made_up().map(Unchangeable::FileSystem);
        let read_only = self.is_read_only.then_some(Unchangeable::ReadOnly);
        made_up.or(read_only).or_else(|| reader.unchangeable(owner))
    }
}

/// The kind of the file system of the file, where the modes of its files are made up.
pub(crate) fn made_up_modes(file: &File) -> Option<&'static str> {
    FileSystem::of(file).ok()?.made_up()
}

impl Directory {
    /// Whether nobody but its owner, and root, can get at what is in it.
    fn is_private(&self) -> bool {
        self.mode & ENTER == 0
    }
}

impl Place {
    fn of(file: &File, path: &Path, metadata: &Metadata) -> Result<Self, Wrong> {
        let path = system::resolve(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Wrong::Removed,
            _ => unreadable(&error),
        })?;
        let there = system::stat(&path).map_err(|error| unreadable(&error))?;
        let is_same = (there.dev(), there.ino()) == (metadata.dev(), metadata.ino());
        let directories = path.ancestors().skip(1).map(|path| {
            let metadata = system::stat(path).map_err(|error| unreadable(&error))?;
            Ok(Directory {
                path: path.to_owned(),
                mode: metadata.mode() & 0o7777,
                owner: metadata.uid(),
            })
        });
        Ok(Self {
            directories: directories.collect::<Result<_, _>>()?,
            is_same,
            is_only_name: is_same && metadata.nlink() == 1,
            file_system: FileSystem::of(file)?,
            path,
        })
    }

    fn parent(&self) -> Option<&Path> {
        self.path.parent()
    }

    fn is_in(&self, directory: Option<&Path>) -> bool {
        let directory = directory.and_then(|it| system::resolve(it).ok());
        self.is_same && directory.is_some_and(|it| self.path.starts_with(it))
    }

    /// Whether it is where the machine mounts secrets, which nobody can change there.
    fn is_mounted_for_secrets(&self, reader: &Reader) -> bool {
        let mut points = MOUNT_POINTS.iter();
        self.file_system.is_read_only
            && (IN_MEMORY.contains(&self.file_system.kind)
                || points.any(|point| self.is_same && self.path.starts_with(point))
                || self.is_in(reader.credentials.as_deref()))
    }

    /// Whether a directory keeps all out but root, the user who reads the file, and, for
    /// root, the owner of the file.
    fn is_private(&self, owner: u32, reader: &Reader) -> bool {
        let is_own = |directory: &Directory| {
            reader.trusts(directory.owner) || (reader.is_root() && directory.owner == owner)
        };
        let mut directories = self.directories.iter();
        self.is_only_name && directories.any(|it| it.is_private() && is_own(it))
    }

    /// Whether the file is in a private directory of this owner or of root, which nobody
    /// else can have put there.
    fn is_kept_by(&self, owner: u32, reader: &Reader) -> bool {
        let is_kept = |index: usize| {
            let directory = &self.directories[index];
            let is_own = directory.owner == 0 || directory.owner == owner;
            directory.is_private() && is_own && self.is_put_by(index, owner, reader)
        };
        self.is_only_name && (0..self.directories.len()).any(is_kept)
    }

    /// Whether nobody but root and this owner can have put the directory of this index, or
    /// one that it is in, where it is. In a directory that anybody may write to, anybody
    /// can have made it in time.
    fn is_put_by(&self, index: usize, owner: u32, reader: &Reader) -> bool {
        self.directories[index..].windows(2).all(|pair| {
            let [directory, parent] = pair else {
                return false;
            };
            let is_own = reader.trusts(parent.owner) || parent.owner == owner;
            let is_sticky = parent.mode & STICKY != 0 && reader.trusts(directory.owner);
            is_own && (parent.mode & WRITE == 0 || is_sticky)
        })
    }

    /// The directory that the owner of the file would have to close to others for root to
    /// read the file, where that would do.
    fn closing(&self, owner: u32, reader: &Reader) -> Option<PathBuf> {
        let directory = self.directories.first()?;
        let would_do = reader.is_root()
            && self.is_only_name
            && directory.owner == owner
            && !directory.is_private()
            && self.is_put_by(0, owner, reader)
            && self.file_system.unchangeable(owner, reader).is_none();
        would_do.then(|| directory.path.clone())
    }

    fn unchangeable(&self, owner: u32, reader: &Reader) -> Option<Unchangeable> {
        self.file_system.unchangeable(owner, reader)
    }
}

fn regular(metadata: &Metadata) -> Result<(), Wrong> {
    let kind = metadata.file_type();
    let found = if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else if kind.is_socket() {
        "a socket"
    } else {
        return Ok(());
    };
    Err(Wrong::NotRegular { found })
}

pub(super) fn unreadable(error: &io::Error) -> Wrong {
    Wrong::Unreadable {
        detail: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(directories: &[(&str, u32, u32)]) -> Place {
        let directories = directories.iter().map(|(path, mode, owner)| Directory {
            path: PathBuf::from(path),
            mode: *mode,
            owner: *owner,
        });
        let directories: Vec<_> = directories.collect();
        Place {
            path: directories[0].path.join("file"),
            is_same: true,
            is_only_name: true,
            file_system: FileSystem {
                kind: 0xef53,
                is_read_only: false,
            },
            directories,
        }
    }

    const ROOT: Reader = Reader {
        user: 0,
        invoker: None,
        on_behalf_of: None,
        credentials: None,
    };

    const ME: u32 = 1000;

    #[test]
    fn root_takes_what_only_its_owner_can_have_put_there() {
        let top = ("/", 0o755, 0);
        let home = ("/home", 0o755, 0);
        for (directories, is_kept) in [
            (vec![("/home/me", 0o700, ME), home, top], true),
            (vec![("/home/me", 0o711, ME), home, top], false),
            (vec![("/home/me", 0o710, ME), home, top], false),
            (vec![("/home/me", 0o700, 7), home, top], false),
            // Closed further up.
            (vec![("/a/b", 0o755, ME), ("/a", 0o700, ME), top], true),
            (vec![("/a/b", 0o755, ME), ("/a", 0o700, 0), top], true),
            // Anybody can make such a directory there.
            (vec![("/tmp/a", 0o700, ME), ("/tmp", 0o1777, 0), top], false),
            (vec![("/tmp/a", 0o700, 0), ("/tmp", 0o1777, 0), top], true),
            (vec![("/x/a", 0o700, ME), ("/x", 0o777, 0), top], false),
            // Someone else can put another directory there.
            (vec![("/x/a", 0o700, ME), ("/x", 0o755, 7), top], false),
        ] {
            let place = place(&directories);
            assert_eq!(place.is_kept_by(ME, &ROOT), is_kept, "{directories:?}");
        }
    }

    #[test]
    fn a_file_with_another_name_is_not_kept_by_this_ones_directories() {
        let mut place = place(&[
            ("/home/me", 0o700, ME),
            ("/home", 0o755, 0),
            ("/", 0o755, 0),
        ]);
        assert!(place.is_private(ME, &ROOT));
        place.is_only_name = false;
        assert!(!place.is_private(ME, &ROOT) && !place.is_kept_by(ME, &ROOT));
    }

    #[test]
    fn a_private_directory_of_someone_else_is_not_private() {
        let user = Reader { user: ME, ..ROOT };
        let of = |owner| place(&[("/x", 0o700, owner), ("/", 0o755, 0)]);
        assert!(of(ME).is_private(ME, &user));
        assert!(of(0).is_private(ME, &user));
        assert!(!of(7).is_private(7, &user));
        assert!(of(7).is_private(7, &ROOT));
        assert!(!of(7).is_private(ME, &ROOT));
    }

    #[test]
    fn file_systems_without_modes_are_named() {
        let kind = |kind| FileSystem {
            kind,
            is_read_only: false,
        };
        let user = Reader { user: ME, ..ROOT };
        // 9p is what WSL 2 has at /mnt/c, drvfs what WSL 1 has there.
        for (number, name) in MADE_UP {
            let why = kind(number).unchangeable(ME, &user);
            assert_eq!(why, Some(Unchangeable::FileSystem(name)));
        }
        assert_eq!(kind(0xef53).unchangeable(ME, &user), None);
        assert_eq!(
            kind(0xef53).unchangeable(0, &user),
            Some(Unchangeable::Owner)
        );
        assert_eq!(kind(0xef53).unchangeable(ME, &ROOT), None);
    }

    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, chown},
    };

    /// A directory of this mode in another, and a file in it of that mode.
    fn made(directory: u32, file: u32) -> (tempfile::TempDir, PathBuf) {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        let path = inner.join("file");
        fs::create_dir(&inner).unwrap();
        fs::write(&path, "").unwrap();
        let chmod = |path: &Path, mode| {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        };
        chmod(&path, file);
        chmod(&inner, directory);
        chmod(outer.path(), 0o755);
        (outer, path)
    }

    fn own() -> Reader {
        Reader {
            user: geteuid().as_raw(),
            ..ROOT
        }
    }

    fn judged(reader: &Reader, path: &Path, content: Content) -> Result<(), Wrong> {
        let file = File::open(path).unwrap();
        reader.judge(&file, path, content)
    }

    #[test]
    fn a_secret_is_read_by_its_owner_alone_and_what_is_public_is_written_by_nobody_else() {
        use Content::{Public, Secret};
        for (directory, mode, content, is_fit) in [
            (0o755, 0o600, Secret, true),
            (0o755, 0o400, Secret, true),
            (0o755, 0o640, Secret, false),
            (0o755, 0o604, Secret, false),
            (0o755, 0o610, Secret, false),
            (0o755, 0o444, Secret, false),
            (0o755, 0o644, Public, true),
            (0o755, 0o664, Public, false),
            (0o755, 0o646, Public, false),
            // Nobody else gets there, and what nobody may write is as it was meant.
            (0o700, 0o444, Secret, true),
            (0o700, 0o640, Secret, true),
            (0o744, 0o444, Secret, true),
            (0o710, 0o444, Secret, false),
            (0o701, 0o444, Secret, false),
            (0o700, 0o660, Secret, false),
            (0o700, 0o606, Secret, false),
            (0o700, 0o664, Public, false),
            // Who may write the directory may replace the file.
            (0o777, 0o600, Secret, false),
            (0o775, 0o600, Secret, false),
            (0o757, 0o644, Public, false),
            (0o1777, 0o600, Secret, true),
        ] {
            let (_outer, path) = made(directory, mode);
            let judged = judged(&own(), &path, content);
            assert_eq!(
                judged.is_ok(),
                is_fit,
                "{directory:o}, {mode:o}, {content:?}: {judged:?}"
            );
        }
        let (_outer, path) = made(0o700, 0o444);
        fs::hard_link(&path, path.with_file_name("other")).unwrap();
        let judged = judged(&own(), &path, Secret);
        let mode = Wrong::Mode {
            mode: 0o444,
            unchangeable: None,
        };
        assert_eq!(judged, Err(mode));
    }

    #[test]
    fn a_directory_that_others_may_write_is_named_with_its_mode() {
        let (_outer, path) = made(0o777, 0o600);
        let directory = path.parent().unwrap().to_owned();
        let wrong = own().judge_directory(&directory).unwrap_err();
        assert_eq!(
            wrong,
            Wrong::Parent {
                directory,
                mode: 0o777,
                unchangeable: None,
            }
        );
    }

    #[test]
    fn what_is_not_a_regular_file_is_named() {
        let (outer, _) = made(0o755, 0o600);
        let socket = outer.path().join("socket");
        let _bound = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let pipe = outer.path().join("pipe");
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, 0o600.into(), 0).unwrap();
        for (path, found) in [
            (outer.path(), "a directory"),
            (&pipe, "a pipe"),
            (Path::new("/dev/null"), "a device"),
            (&socket, "a socket"),
        ] {
            let wrong = regular(&path.metadata().unwrap());
            assert_eq!(
                wrong,
                Err(Wrong::NotRegular { found }),
                "{}",
                path.display()
            );
        }
    }

    #[test]
    fn a_file_that_its_own_owner_may_not_read_says_so() {
        let (_outer, path) = made(0o755, 0o200);
        let closed = own().closed(&path);
        assert_eq!(closed, Some(Wrong::Closed { mode: 0o200 }));
        let other = Reader {
            user: own().user + 1,
            ..ROOT
        };
        assert_eq!(other.closed(&path), None);
        assert_eq!(own().closed(&path.with_file_name("nothing")), None);
        let (_outer, path) = made(0o300, 0o400);
        assert_eq!(own().closed(&path), None);
        assert_eq!(own().closed(path.parent().unwrap()), None);
    }

    const STRANGER: u32 = 12345;

    #[test]
    fn whose_a_file_may_be() {
        // Only root can give one away.
        if own().user != 0 {
            return;
        }
        let user = Reader { user: ME, ..ROOT };
        let (_outer, path) = made(0o755, 0o600);
        let give = |path: &Path| chown(path, Some(STRANGER), None).unwrap();
        // Root's own is good for anybody.
        assert_eq!(judged(&user, &path, Content::Secret), Ok(()));
        give(&path);
        let owner = |closing: Option<PathBuf>, for_root| {
            Err(Wrong::Owner {
                owner: STRANGER,
                closing,
                for_root,
            })
        };
        assert_eq!(judged(&user, &path, Content::Secret), owner(None, false));
        assert_eq!(judged(&ROOT, &path, Content::Secret), owner(None, true));
        let invoked = Reader {
            invoker: Some(STRANGER),
            ..ROOT
        };
        assert_eq!(judged(&invoked, &path, Content::Secret), Ok(()));
        let theirs = |user| ROOT.on_behalf_of(Some(user));
        let not_theirs = Err(Wrong::NotTheirs {
            owner: STRANGER,
            user: ME,
        });
        assert_eq!(judged(&theirs(ME), &path, Content::Secret), not_theirs);
        // Root takes it where its owner keeps it from all others.
        let directory = path.parent().unwrap();
        give(directory);
        let closing = Some(directory.canonicalize().unwrap());
        assert_eq!(judged(&ROOT, &path, Content::Secret), owner(closing, true));
        fs::set_permissions(directory, Permissions::from_mode(0o700)).unwrap();
        assert_eq!(judged(&ROOT, &path, Content::Secret), Ok(()));
        assert_eq!(judged(&user, &path, Content::Secret), owner(None, false));
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        let mode = Wrong::Mode {
            mode: 0o666,
            unchangeable: None,
        };
        assert_eq!(judged(&ROOT, &path, Content::Secret), Err(mode));
    }

    #[test]
    fn what_a_machine_mounts_for_secrets_is_read_only() {
        let reader = |credentials: Option<&Path>| Reader {
            credentials: credentials.map(Path::to_owned),
            ..own()
        };
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().canonicalize().unwrap();
        for (path, kind, is_read_only, is_same, is_mounted) in [
            ("/any/file", IN_MEMORY[0], true, true, true),
            ("/any/file", IN_MEMORY[1], true, false, true),
            ("/any/file", IN_MEMORY[0], false, true, false),
            ("/any/file", 0xef53, true, true, false),
            ("/run/secrets/file", 0xef53, true, true, true),
            ("/var/run/secrets/a/file", 0xef53, true, true, true),
            ("/run/secrets/file", 0xef53, true, false, false),
            ("/run/secrets/file", 0xef53, false, true, false),
            ("/run/secretsfile", 0xef53, true, true, false),
        ] {
            let place = Place {
                path: path.into(),
                is_same,
                file_system: FileSystem { kind, is_read_only },
                ..place(&[("/", 0o755, 0)])
            };
            let found = place.is_mounted_for_secrets(&reader(None));
            assert_eq!(
                found, is_mounted,
                "{path}, {kind:x}, {is_read_only}, {is_same}"
            );
            // In the directory that systemd made for the service.
            let in_it = Place {
                path: real.join("file"),
                ..place
            };
            let found = in_it.is_mounted_for_secrets(&reader(Some(directory.path())));
            let in_memory = IN_MEMORY.contains(&kind);
            assert_eq!(found, is_read_only && (is_same || in_memory), "{path}");
        }
    }

    #[test]
    fn root_is_told_which_directory_to_close_where_that_would_do() {
        let top = ("/", 0o755, 0);
        let home = ("/home", 0o755, 0);
        let me = ("/home/me", 0o755, ME);
        let closing = |place: &Place, reader: &Reader| place.closing(ME, reader);
        let open = place(&[me, home, top]);
        assert_eq!(closing(&open, &ROOT), Some("/home/me".into()));
        let user = Reader { user: ME, ..ROOT };
        assert_eq!(closing(&open, &user), None);
        for directories in [
            [("/home/me", 0o700, ME), home, top],
            [("/home/me", 0o755, 7), home, top],
            [me, ("/home", 0o777, 0), top],
        ] {
            assert_eq!(
                closing(&place(&directories), &ROOT),
                None,
                "{directories:?}"
            );
        }
        let linked = Place {
            is_only_name: false,
            ..place(&[me, home, top])
        };
        assert_eq!(closing(&linked, &ROOT), None);
        let read_only = Place {
            file_system: FileSystem {
                kind: 0xef53,
                is_read_only: true,
            },
            ..place(&[me, home, top])
        };
        assert_eq!(closing(&read_only, &ROOT), None);
        let why = read_only.unchangeable(ME, &ROOT);
        assert_eq!(why, Some(Unchangeable::ReadOnly));
    }

    #[test]
    fn an_access_list_shows_as_the_bits_of_the_group() {
        let (outer, path) = made(0o755, 0o440);
        let of_service = Reader {
            credentials: Some(outer.path().join("inner")),
            ..own()
        };
        assert_eq!(judged(&of_service, &path, Content::Secret), Ok(()));
        assert!(judged(&own(), &path, Content::Secret).is_err());
        for mode in [0o444, 0o460] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert!(
                judged(&of_service, &path, Content::Secret).is_err(),
                "{mode:o}"
            );
        }
        let environment = Environment::from([("CREDENTIALS_DIRECTORY", "/run/credentials/a")]);
        let reader = Reader::of_process(&environment);
        assert_eq!(reader.credentials, Some("/run/credentials/a".into()));
        assert_eq!(reader.user, own().user);
        let file = File::open("/proc/version").unwrap();
        assert_eq!(made_up_modes(&file), None);
    }
}
