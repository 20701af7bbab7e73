use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use tailmint::Interrupt;
use tokio::time::{Instant, sleep};

use super::{CredentialError, system};

/// Holds the directory of the files, so that two writers come one after the other.
#[derive(Debug)]
pub(crate) struct Held {
    _directory: File,
}

/// A writer asks the API a few times while it holds the directory, which takes a second or
/// two. All who may open the directory may hold it for ever.
const LIMIT: Duration = Duration::from_secs(30);

const STEP: Duration = Duration::from_millis(20);

impl Held {
    /// Holds the directory once nobody else does, or gives up: after the limit, or when the
    /// interrupt is raised.
    pub(super) async fn once_free(
        path: &Path,
        interrupt: &Interrupt,
    ) -> Result<Self, CredentialError> {
        let failed = |error: std::io::Error| CredentialError::Unwritable {
            path: path.to_owned(),
            detail: error.to_string(),
        };
        let directory = system::open_directory(path).map_err(failed)?;
        let begun = Instant::now();
        loop {
            match system::lock(&directory) {
                Ok(()) => {
                    return Ok(Self {
                        _directory: directory,
                    });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= LIMIT => {
                    return Err(CredentialError::Held {
                        path: path.to_owned(),
                        seconds: LIMIT.as_secs(),
                    });
                }
                Err(TryLockError::WouldBlock) => {}
            }
            tokio::select! {
                () = sleep(STEP) => {}
                () = interrupt.raised() => return Err(CredentialError::Interrupted),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_another_holds_is_waited_for_and_not_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let interrupt = Interrupt::default();
        let other = Held::once_free(path, &interrupt).await.unwrap();
        let held = CredentialError::Held {
            path: path.to_owned(),
            seconds: 30,
        };
        assert_eq!(Held::once_free(path, &interrupt).await.unwrap_err(), held);
        let later = async {
            sleep(Duration::from_secs(20)).await;
            drop(other);
        };
        let (mine, ()) = tokio::join!(Held::once_free(path, &interrupt), later);
        assert!(mine.is_ok());
        interrupt.raise();
        let stopped = Held::once_free(path, &interrupt).await.unwrap_err();
        assert_eq!(stopped, CredentialError::Interrupted);
    }
}
