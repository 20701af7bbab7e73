use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};
use zeroize::Zeroizing;

use super::ClientsError;
use crate::{Profile, credentials::ClientFiles};
use tailmint::{KeyId, Secret};
use tailmint_api::OutsideText;
use tailmint_core::Environment;

/// A chip for keys takes some seconds.
const LIMIT: Duration = Duration::from_secs(30);

/// An encrypted credential of a client is some hundred bytes long.
const MAX_BYTES: u64 = 64 * 1024;

/// What is encrypted to see whether it can be done. It is no secret, and nobody decrypts it.
const TRIAL: &str = "trial";

/// Where systemd looks for the encrypted credentials of units, with the program that
/// encrypts them for this machine alone (systemd-creds(1), since systemd 250).
#[derive(Clone, Debug)]
pub struct CredentialStore {
    directory: PathBuf,
    program: PathBuf,
}

impl CredentialStore {
    /// Where units find a credential that they name without a path (systemd.exec(5)).
    pub const USUAL: &str = "/etc/credstore.encrypted";

    /// The store in this directory. `systemd-creds` is looked for in the absolute parts of
    /// `$PATH`.
    ///
    /// # Errors
    /// There is no `systemd-creds`.
    pub fn find(directory: &Path, environment: &Environment) -> Result<Self, ClientsError> {
        let path = environment.get("PATH").unwrap_or_default();
        let absolute = std::env::split_paths(path).filter(|part| part.is_absolute());
        let absolute = std::env::join_paths(absolute).unwrap_or_default();
        let program = which::which_in("systemd-creds", Some(absolute), "/");
        Ok(Self {
            directory: directory.to_owned(),
            program: program.map_err(|_| ClientsError::NoEncryption)?,
        })
    }

    /// An encrypted credential of the profile where units find it, if there is one and this
    /// user may see it. Which client is in it is not known without decrypting it.
    pub fn usual_of(profile: &Profile) -> Option<PathBuf> {
        let names = ClientFiles::names(profile).ok()?;
        let paths = names.map(|name| Path::new(Self::USUAL).join(name));
        paths
            .into_iter()
            .find(|path| path.symlink_metadata().is_ok())
    }

    /// The two credentials of the profile in the store.
    pub(super) fn of<'a>(&'a self, profile: &Profile) -> Result<Encrypted<'a>, ClientsError> {
        let [id, secret] = ClientFiles::names(profile)?;
        Ok(Encrypted {
            store: self,
            id: id.to_owned(),
            secret: secret.to_owned(),
        })
    }

    /// Has the value encrypted under this name. The program reads it from a pipe: it is on
    /// no command line, in no environment and in no file.
    async fn encrypt(&self, name: &str, value: &str) -> Result<Vec<u8>, ClientsError> {
        let words = ["encrypt".into(), format!("--name={name}").into()];
        self.run(&[&words[..], &["-".into(), "-".into()]].concat(), value)
            .await
    }

    /// What is encrypted under this name in the file, which is no secret.
    async fn decrypt(&self, name: &str, path: &Path) -> Result<Vec<u8>, ClientsError> {
        let words = ["decrypt".into(), format!("--name={name}").into()];
        self.run(&[&words[..], &[path.into(), "-".into()]].concat(), "")
            .await
    }

    async fn run(&self, words: &[OsString], value: &str) -> Result<Vec<u8>, ClientsError> {
        let failed = |words: OutsideText| ClientsError::Encryption { words };
        let said = |error: io::Error| failed(OutsideText::of(error));
        let mut child = Command::new(&self.program)
            .args(words)
            .env_clear()
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(said)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(failed(OutsideText::new("it has no pipes")));
        };
        let value = Zeroizing::new(value.as_bytes().to_vec());
        let written = async move {
            // One that does not read says why.
            stdin.write_all(&value).await.ok();
            drop(stdin);
            Ok(())
        };
        let mut printed = Vec::new();
        let mut words = Vec::new();
        let (mut stdout, mut stderr) = (stdout.take(MAX_BYTES), stderr.take(MAX_BYTES));
        let whole = async {
            tokio::try_join!(
                written,
                stdout.read_to_end(&mut printed),
                stderr.read_to_end(&mut words)
            )?;
            child.wait().await
        };
        let status = match timeout(LIMIT, whole).await {
            Ok(ended) => ended.map_err(said)?,
            Err(_) => return Err(failed(OutsideText::new("it takes too long"))),
        };
        if !status.success() {
            let words = String::from_utf8_lossy(&words);
            return Err(failed(match words.trim() {
                "" => OutsideText::of(status),
                words => OutsideText::new(words),
            }));
        }
        if printed.is_empty() {
            return Err(failed(OutsideText::new("it printed nothing")));
        }
        Ok(printed)
    }

    /// A file beside the others that has it all, on the disk.
    fn new_file(&self, content: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new()
            .prefix(".tailmint-")
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(&self.directory)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        Ok(file)
    }
}

/// The credentials of one profile in a store.
pub(super) struct Encrypted<'a> {
    store: &'a CredentialStore,
    id: String,
    secret: String,
}

impl Encrypted<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.store.directory.join(name)
    }

    /// Whether a client could be encrypted and written: what is found out by doing both with
    /// a value that is no secret. Nothing is left of it, and nothing is overwritten. With
    /// `replace`, credentials may be there.
    pub(super) async fn try_out(&self, replace: bool) -> Result<(), ClientsError> {
        for name in [&self.secret, &self.id] {
            let path = self.path(name);
            if !replace && path.symlink_metadata().is_ok() {
                return Err(ClientsError::EncryptedAlready { path });
            }
        }
        let directory = &self.store.directory;
        let unwritable = |error: io::Error| unwritable(directory, &error);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(unwritable)?;
        let encrypted = self.store.encrypt(&self.secret, TRIAL).await?;
        self.store.new_file(&encrypted).map_err(unwritable)?;
        Ok(())
    }

    /// The id of the client that is there, where it can be decrypted.
    pub(super) async fn named_id(&self) -> Option<KeyId> {
        let path = self.path(&self.id);
        if !path.is_file() {
            return None;
        }
        let id = self.store.decrypt(&self.id, &path).await.ok()?;
        String::from_utf8(id).ok()?.trim().parse().ok()
    }

    /// Writes the client: both credentials, or neither. With `replace`, over those that are
    /// there, which are put back where it fails.
    pub(super) async fn write(
        &self,
        id: &KeyId,
        secret: &Secret,
        replace: bool,
    ) -> Result<(), ClientsError> {
        let mut files = Vec::new();
        for (name, value) in [
            (&self.secret, secret.expose_secret()),
            (&self.id, id.as_str()),
        ] {
            let path = self.path(name);
            let encrypted = self.store.encrypt(name, value).await?;
            let file = self.store.new_file(&encrypted);
            files.push((file.map_err(|error| unwritable(&path, &error))?, path));
        }
        let mut before = Vec::new();
        for (file, path) in files {
            let old = fs::read(&path).ok();
            let written = if replace {
                file.persist(&path)
            } else {
                file.persist_noclobber(&path)
            };
            if let Err(error) = written {
                self.put_back(before);
                return Err(unwritable(&path, &error.error));
            }
            before.push((path, old));
        }
        // Whether the names are on the disk: where that cannot be known, they are there.
        fs::File::open(&self.store.directory)
            .and_then(|directory| directory.sync_all())
            .ok();
        Ok(())
    }

    /// As well as it can be done: why it has to be is what is told.
    fn put_back(&self, before: Vec<(PathBuf, Option<Vec<u8>>)>) {
        for (path, old) in before {
            match old {
                Some(old) => self
                    .store
                    .new_file(&old)
                    .ok()
                    .and_then(|file| file.persist(path).ok())
                    .map(drop),
                None => fs::remove_file(path).ok(),
            };
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> ClientsError {
    ClientsError::Store {
        path: path.to_owned(),
        detail: error.to_string(),
    }
}
