use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tailmint::KeyId;
use tailmint_api::from_json;

use super::Failure;

/// What Vault keeps with a lease, and hands back with every renewal and revocation. It says
/// all that these need, whatever became of the role since.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Lease {
    pub(super) key: KeyId,
    pub(super) role: String,
    #[serde(with = "super::stamp")]
    pub(super) expires: Timestamp,
    /// The account that minted the key.
    pub(super) lineage: String,
    /// In seconds.
    pub(super) ttl: u32,
    /// Likewise.
    pub(super) max_ttl: u32,
    /// Whether its end revokes the key.
    pub(super) revoke: bool,
}

/// By how much clocks may differ: after this a key has expired whatever the clocks say.
const SLACK: SignedDuration = SignedDuration::from_mins(5);

/// Whether what expires then has expired for certain.
pub(super) fn is_over(expires: Timestamp) -> bool {
    let latest = expires.checked_add(SLACK).unwrap_or(Timestamp::MAX);
    latest < Timestamp::now()
}

/// For how many seconds a lease lasts from now that is to last for so many, and no longer
/// than its key. Never 0, which would be Vault's own default.
pub(super) fn lasting(seconds: u32, expires: Timestamp, now: Timestamp) -> u32 {
    let left = expires.as_second().saturating_sub(now.as_second());
    seconds.min(u32::try_from(left.max(1)).unwrap_or(u32::MAX))
}

impl Lease {
    pub(super) fn parse(internal_data: &str) -> Result<Self, Failure> {
        from_json(internal_data.as_bytes())
            .map_err(|_| Failure::Internal("the lease is not one of this engine".to_owned()))
    }

    /// For how many seconds a renewal makes the lease last that was issued then, where this
    /// many are asked for; 0 for none in particular.
    pub(super) fn renewed(&self, issued: i64, asked: i64, now: Timestamp) -> Result<i64, Failure> {
        let now = now.as_second();
        let left_of_key = self.expires.as_second() - now;
        let left_of_lease = issued + i64::from(self.max_ttl) - now;
        let wanted = if asked > 0 {
            asked
        } else {
            i64::from(self.ttl)
        };
        let left = left_of_key.min(left_of_lease);
        if left <= 0 {
            return Err(Failure::Internal(
                "the key of the lease has expired: read a new one".to_owned(),
            ));
        }
        Ok(wanted.min(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewed_lease_outlives_neither_its_key_nor_its_limit() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let lease = Lease {
            key: "k1CNTRL".parse().unwrap(),
            role: "a".to_owned(),
            expires: at(1000),
            lineage: String::new(),
            ttl: 100,
            max_ttl: 600,
            revoke: true,
        };
        for (asked, now, left) in [
            (0, 10, Some(100)),
            (200, 10, Some(200)),
            (900, 10, Some(590)),
            (0, 550, Some(50)),
            (0, 600, None),
        ] {
            let renewed = lease.renewed(0, asked, at(now)).ok();
            assert_eq!(renewed, left, "{asked} {now}");
        }
        let late = lease.renewed(900, 0, at(950)).ok();
        assert_eq!(late, Some(50));
        assert!(lease.renewed(900, 0, at(1000)).is_err());
        assert!(!is_over(Timestamp::now()) && is_over(at(1000)));
    }

    #[test]
    fn a_lease_ends_no_later_than_its_key() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (seconds, now, left) in [
            (100, 10, 100),
            (1000, 10, 990),
            (1000, 999, 1),
            // The clocks differ.
            (1000, 1001, 1),
            (1000, -10, 1000),
        ] {
            assert_eq!(lasting(seconds, at(1000), at(now)), left, "{seconds} {now}");
        }
        assert_eq!(lasting(5, Timestamp::MAX, at(0)), 5);
    }
}
