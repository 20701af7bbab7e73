use tokio::sync::Mutex;

use jiff::Timestamp;

use super::{Failure, failure::TOO_MANY, path::Name, role::Role};
use crate::vault::Vault;

/// When keys of roles with a limit were minted, within the last hour. It is stored: a
/// restart gives nobody more.
#[derive(Default)]
pub(super) struct Hourly(Mutex<()>);

/// In milliseconds.
const HOUR: i64 = 3_600_000;

/// A key that was counted: when.
#[derive(Clone, Copy)]
pub(super) struct Taken(i64);

fn key(role: &str) -> String {
    format!("hour/{role}")
}

impl Hourly {
    /// Counts one more key, unless the role has minted as many as it may. What comes back is
    /// to be given back where none was minted.
    pub(super) async fn take(
        &self,
        vault: &Vault,
        name: &Name,
        role: &Role,
    ) -> Result<Option<Taken>, Failure> {
        if role.max_per_hour == 0 {
            return Ok(None);
        }
        let _alone = self.0.lock().await;
        let now = Timestamp::now();
        let now = now.as_millisecond();
        let mut minted = read(vault, name.as_str(), now).await?;
        if minted.len() >= role.max_per_hour as usize {
            let next = minted.iter().min().copied().unwrap_or(now);
            let wait = next + HOUR - now;
            return Err(Failure::Status(
                TOO_MANY,
                format!(
                    "the role {} has minted {} within the hour, as many as it may\nhint: the next can be minted in {} min",
                    name.as_str(),
                    minted.len(),
                    wait / 60_000 + 1
                ),
            ));
        }
        minted.push(now);
        vault.put(&key(name.as_str()), &minted).await?;
        Ok(Some(Taken(now)))
    }

    /// The key that was counted then was not minted.
    pub(super) async fn give_back(
        &self,
        vault: &Vault,
        name: &Name,
        taken: Taken,
    ) -> Result<(), Failure> {
        let _alone = self.0.lock().await;
        let mut minted = read(vault, name.as_str(), Timestamp::now().as_millisecond()).await?;
        if let Some(index) = minted.iter().position(|it| *it == taken.0) {
            minted.remove(index);
        }
        Ok(vault.put(&key(name.as_str()), &minted).await?)
    }
}

/// In milliseconds since 1970.
async fn read(vault: &Vault, role: &str, now: i64) -> Result<Vec<i64>, Failure> {
    let mut minted: Vec<i64> = vault.get(&key(role)).await?.unwrap_or_default();
    minted.retain(|at| now - *at < HOUR);
    Ok(minted)
}
