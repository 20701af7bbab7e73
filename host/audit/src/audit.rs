use tailmint_core::Secret;

use crate::{AuditError, Entry};

/// Where decisions are written down.
pub trait Audit: Send + Sync {
    /// Writes the entry down so that it stays. Where that fails, the request that it is
    /// about is not sent.
    ///
    /// # Errors
    /// It could not be written.
    fn append(&self, entry: &Entry<'_>) -> Result<(), AuditError>;

    /// What stands for the secret in entries: the same for the same secret, and of no
    /// use to find it out. `None` where entries have only its name.
    fn fingerprint(&self, secret: &Secret) -> Option<String> {
        let _ = secret;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    impl Audit for Nowhere {
        fn append(&self, _entry: &Entry<'_>) -> Result<(), AuditError> {
            Ok(())
        }
    }

    #[test]
    fn secrets_have_no_fingerprint_unless_an_audit_gives_them_one() {
        let secret = Secret::new("a secret".to_owned());
        assert_eq!(Nowhere.fingerprint(&secret), None);
    }
}
