use std::path::Path;

use tailmint_core::fail_point;

use crate::{
    Actor, AuditError, AuditFile, Checkpoint, PublicKey, Verification,
    key_change::KeyChange,
    signing_key::{self, SigningKey},
    verify,
};

/// Signs checkpoints of a log, with the key beside it: created when it is first used, and
/// named in the log from then on.
pub struct Checkpoints<'a> {
    log: &'a AuditFile,
    actor: &'a Actor,
}

impl<'a> Checkpoints<'a> {
    /// Of this log, on behalf of this user.
    pub fn of(log: &'a AuditFile, actor: &'a Actor) -> Self {
        Self { log, actor }
    }

    /// What the checkpoints of the log with this path are verified with: the keys that it
    /// names, and the one beside it, which it names no more where its end was cut off.
    pub fn keys(log: &Path, found: &Verification) -> Vec<PublicKey> {
        let mut keys = found.keys.clone();
        keys.extend(signing_key::public_beside(log));
        keys
    }

    /// The log up to its last line, as a [`Checkpoint`] in a signed note: text of some lines.
    ///
    /// # Errors
    /// The log was changed, or has no entry; or the key cannot be used.
    pub fn sign(&self) -> Result<String, AuditError> {
        let (key, found) = self.key()?;
        let checkpoint = Checkpoint::of(key.signer.public().name(), &found.tree);
        Ok(key.signer.sign(&checkpoint.text()))
    }

    /// What checkpoints are verified with from now on.
    ///
    /// # Errors
    /// As with [`Checkpoints::sign`].
    pub fn public_key(&self) -> Result<PublicKey, AuditError> {
        Ok(self.key()?.0.signer.public().clone())
    }

    /// Has a new key sign from now on. The log says so, signed by the one before; that one is
    /// removed.
    ///
    /// # Errors
    /// As with [`Checkpoints::sign`].
    pub fn rotate_key(&self) -> Result<PublicKey, AuditError> {
        let (key, _) = self.key()?;
        let path = self.log.path();
        let next = signing_key::create_next(path, key.signer.public().name())?;
        fail_point("audit-signing-key-before-recording");
        let change = KeyChange::to(next.public(), Some(&key.signer), self.actor);
        self.log.record(&change)?;
        fail_point("audit-signing-key-recorded");
        signing_key::put_in_place(path)?;
        Ok(next.public().clone())
    }

    /// The key that the log says signs now, and the log with that line.
    fn key(&self) -> Result<(SigningKey, Verification), AuditError> {
        let path = self.log.path();
        // What was changed is not signed, and gets no key.
        self.verified()?;
        let mut key = signing_key::beside(path)?;
        let found = self.verified()?;
        let is_named = |key: &SigningKey| found.keys.last() == Some(key.signer.public());
        if is_named(&key) {
            return Ok((key, found));
        }
        // A process was killed after the log named the next key.
        if let Some(last) = found.keys.last()
            && signing_key::is_next(path, last)?
        {
            signing_key::put_in_place(path)?;
            drop(key);
            key = signing_key::beside(path)?;
            if is_named(&key) {
                return Ok((key, found));
            }
        }
        // Two logs whose names begin alike have one name for their keys.
        if !key.is_new && !found.keys.is_empty() {
            return Err(signing_key::of_another(path));
        }
        let change = KeyChange::to(key.signer.public(), None, self.actor);
        self.log.record(&change)?;
        Ok((key, self.verified()?))
    }

    fn verified(&self) -> Result<Verification, AuditError> {
        let path = self.log.path();
        let found = verify(path)?;
        if let Some(first) = found.breaks.first() {
            let line = first.line;
            let file = first.file.as_deref().unwrap_or_default();
            return Err(AuditError::unfit(
                path,
                format!(
                    "it was changed, and is not signed: its chain breaks at line {line} of {file}"
                ),
                "move the log and its files away, and keep them; another is begun then",
            ));
        }
        if found.entries == 0
            || found.tree.size() != found.head.as_ref().and_then(|it| it.number).unwrap_or(0)
        {
            return Err(AuditError::unfit(
                path,
                "it has no lines that can be signed",
                "mint a key first",
            ));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;
    use crate::{AuditErrorKind, Compared, archive, follow_to};

    struct Log {
        _directory: tempfile::TempDir,
        file: AuditFile,
        actor: Actor,
    }

    impl Log {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("audit.jsonl");
            let log = Self {
                file: AuditFile::open(path).unwrap(),
                actor: Actor {
                    uid: 1000,
                    user: None,
                    pid: 1,
                },
                _directory: directory,
            };
            log.write();
            log
        }

        fn write(&self) {
            let said = serde_json::json!({ "event": "decision" });
            self.file.record(&said).unwrap();
        }

        fn checkpoints(&self) -> Checkpoints<'_> {
            Checkpoints::of(&self.file, &self.actor)
        }

        fn path(&self, extension: &str) -> PathBuf {
            self.file.path().with_extension(extension)
        }

        fn compared(&self, note: &str, pinned: Option<&PublicKey>) -> Compared {
            let path = self.file.path();
            let (found, root) = follow_to(path, Checkpoint::size_of(note), |_| {
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
            Compared::of(note, pinned, path, &found, root)
        }

        /// Whether the log has the lines that the note says.
        fn has(&self, note: &str) -> Result<bool, &'static str> {
            let (found, root) = follow_to(self.file.path(), Checkpoint::size_of(note), |_| {
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
            assert!(found.is_whole(), "{:?}", found.breaks);
            Ok(root == Some(Checkpoint::read(note, &found.keys)?.root))
        }
    }

    #[test]
    fn a_checkpoint_is_of_all_lines_up_to_the_last() {
        let log = Log::new();
        let first = log.checkpoints().sign().unwrap();
        // The line that names the key is one of them.
        assert_eq!(Checkpoint::size_of(&first), Some(2));
        log.write();
        let second = log.checkpoints().sign().unwrap();
        assert_eq!(Checkpoint::size_of(&second), Some(3));
        log.file.rotate(&log.actor).unwrap().unwrap();
        for note in [&first, &second] {
            assert_eq!(log.has(note), Ok(true), "{note}");
        }
        // With the oldest file go the lines of the first: nothing can be said of them, but of
        // those up to where the next begins.
        fs::remove_file(archive::path(log.file.path(), 1)).unwrap();
        assert_eq!(log.has(&first), Ok(false));
        assert_eq!(log.has(&second), Ok(true));
        // The hash is carried; of the lines there is none.
        for note in [&first, &second] {
            assert_eq!(log.compared(note, None).holds, None, "{note}");
        }
        log.write();
        let third = log.checkpoints().sign().unwrap();
        let compared = log.compared(&third, None);
        assert_eq!(compared.holds, Some(true));
        assert_eq!(
            compared.what,
            "lines 4 to 5 as they were signed, and the hash that is carried of those before fits"
        );
    }

    #[test]
    fn a_key_that_was_kept_speaks_for_those_that_it_signed() {
        let log = Log::new();
        let first = log.checkpoints().public_key().unwrap();
        let second = log.checkpoints().rotate_key().unwrap();
        let note = log.checkpoints().sign().unwrap();
        let compared = log.compared(&note, Some(&first));
        assert_eq!(compared.holds, Some(true));
        let said = format!("; the key {second} signed it, for which the one that was given speaks");
        assert!(compared.what.ends_with(&said), "{compared:?}");
        assert_eq!(compared.key, Some(second.to_string()));
        // Nothing speaks for the next, nor for the one after it.
        fs::remove_file(log.path("signing-key")).unwrap();
        let third = log.checkpoints().public_key().unwrap();
        log.checkpoints().rotate_key().unwrap();
        let note = log.checkpoints().sign().unwrap();
        assert_eq!(log.compared(&note, Some(&second)).holds, Some(false));
        assert_eq!(log.compared(&note, Some(&third)).holds, Some(true));
    }

    #[test]
    fn the_key_is_beside_the_log_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let log = Log::new();
        let public = log.checkpoints().public_key().unwrap();
        assert_eq!(log.checkpoints().public_key().unwrap(), public);
        let path = log.path("signing-key");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("PRIVATE+KEY+tailmint-audit/"), "{text}");
        assert_eq!(
            path.metadata().unwrap().permissions().mode() & 0o7777,
            0o600
        );
        assert_ne!(Log::new().checkpoints().public_key().unwrap(), public);
        // What is something else stays.
        for other in ["", "PRIVATE+KEY+a+b+c\n", &text[..text.len() - 1], "\u{e9}"] {
            fs::write(&path, other).unwrap();
            let found = log.checkpoints().sign();
            if other.is_empty() {
                // As a process leaves it that was killed.
                found.unwrap();
                continue;
            }
            let kind = found.unwrap_err().kind().clone();
            assert!(matches!(kind, AuditErrorKind::Unfit { .. }), "{other}");
            assert_eq!(fs::read_to_string(&path).unwrap(), other);
        }
    }

    #[test]
    fn a_key_that_is_rotated_signs_the_next_one() {
        let log = Log::new();
        let before = log.checkpoints().sign().unwrap();
        let old = log.checkpoints().public_key().unwrap();
        let new = log.checkpoints().rotate_key().unwrap();
        assert_ne!(new, old);
        assert_eq!(new.name(), old.name());
        assert_eq!(log.checkpoints().public_key().unwrap(), new);
        let found = verify(log.file.path()).unwrap();
        assert_eq!((found.keys, found.unsigned_keys), (vec![old, new], 0));
        let after = log.checkpoints().sign().unwrap();
        for note in [&before, &after] {
            assert_eq!(log.has(note), Ok(true), "{note}");
        }
        assert!(!log.path("signing-key-new").exists());
    }

    #[test]
    fn a_key_that_nothing_speaks_for_is_counted() {
        let log = Log::new();
        let before = log.checkpoints().sign().unwrap();
        fs::remove_file(log.path("signing-key")).unwrap();
        let after = log.checkpoints().sign().unwrap();
        let found = verify(log.file.path()).unwrap();
        assert_eq!((found.keys.len(), found.unsigned_keys), (2, 1));
        for note in [&before, &after] {
            assert_eq!(log.has(note), Ok(true), "{note}");
        }
        // One that is there, and that the log does not name.
        let other = Log::new();
        other.checkpoints().public_key().unwrap();
        fs::copy(other.path("signing-key"), log.path("signing-key")).unwrap();
        let lines = fs::read(log.file.path()).unwrap();
        let error = log.checkpoints().sign().unwrap_err().to_string();
        assert!(
            error.ends_with("it is not the key that the log names"),
            "{error}"
        );
        assert_eq!(fs::read(log.file.path()).unwrap(), lines);
        // One that another log's key signed.
        let other = Log::new().checkpoints().sign().unwrap();
        let what = "it is of another log, or of one whose key was exchanged";
        assert_eq!(log.has(&other), Err(what));
    }

    #[test]
    fn a_log_that_was_changed_or_is_empty_is_not_signed_and_gets_no_key() {
        let log = Log::new();
        let text = fs::read_to_string(log.file.path()).unwrap();
        for changed in [text.replace("decision", "response"), String::new()] {
            fs::write(log.file.path(), changed).unwrap();
            let kind = log.checkpoints().sign().unwrap_err().kind().clone();
            assert!(matches!(kind, AuditErrorKind::Unfit { .. }));
            assert!(!log.path("signing-key").exists());
        }
    }
}
