use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tailmint_api::KeyId;
use tailmint_core::Secret;

/// The access token that an identity token was exchanged for, for the calls that follow.
///
/// An identity token lives for minutes, and what was created with it may have to be revoked
/// later: then there is no other way left. It is wiped with the minter.
#[derive(Debug, Default)]
pub(super) struct Exchanged(Mutex<Option<Kept>>);

#[derive(Debug)]
struct Kept {
    client_id: KeyId,
    token: Secret,
    until: Instant,
}

/// A token is not begun with that ends on the way.
const MARGIN: Duration = Duration::from_mins(1);

/// No server is believed that one lives for longer: Tailscale's live for an hour.
const LONGEST: Duration = Duration::from_hours(1);

impl Exchanged {
    /// The token of this identity, if it still lives.
    pub(super) fn token(&self, client_id: &KeyId) -> Option<Secret> {
        let kept = self.kept();
        let kept = kept.as_ref()?;
        let is_alive = kept.until > Instant::now();
        (is_alive && kept.client_id == *client_id).then(|| kept.token.clone())
    }

    /// Keeps the token that lives for this long.
    pub(super) fn keep(&self, client_id: &KeyId, token: Secret, lives: Duration) {
        let lives = lives.min(LONGEST).saturating_sub(MARGIN);
        *self.kept() = Some(Kept {
            client_id: client_id.clone(),
            token,
            until: Instant::now() + lives,
        });
    }

    /// Drops the token, which the API rejected.
    pub(super) fn forget(&self) {
        *self.kept() = None;
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_for_its_identity_and_as_long_as_it_lives() {
        let (one, other) = ("T1-k1".parse().unwrap(), "T1-k2".parse().unwrap());
        let exchanged = Exchanged::default();
        assert!(exchanged.token(&one).is_none());
        let token = || Secret::new("token".to_owned());
        exchanged.keep(&one, token(), Duration::from_hours(1));
        assert_eq!(exchanged.token(&one).unwrap().expose_secret(), "token");
        assert!(exchanged.token(&other).is_none());
        exchanged.forget();
        assert!(exchanged.token(&one).is_none());
        exchanged.keep(&one, token(), MARGIN);
        assert!(exchanged.token(&one).is_none());
        exchanged.keep(&one, token(), Duration::MAX);
        assert!(exchanged.kept().as_ref().unwrap().until <= Instant::now() + LONGEST);
    }
}
