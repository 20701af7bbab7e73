use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tailmint_api::KeyId;
use tailmint_core::Secret;

/// The access token that an identity token was exchanged for, for the calls that follow.
///
/// An identity token lives for minutes, and what was created with it may have to be revoked
/// later: then there is no other way left. Nobody gets it but for the same identity token:
/// a minter may serve several. It is wiped with the minter.
#[derive(Debug, Default)]
pub(super) struct Exchanged(Mutex<Option<Kept>>);

#[derive(Debug)]
struct Kept {
    client_id: KeyId,
    id_token: Secret,
    token: Secret,
    until: Instant,
}

/// A token is not begun with that ends on the way.
const MARGIN: Duration = Duration::from_mins(1);

/// No server is believed that one lives for longer: Tailscale's live for an hour.
const LONGEST: Duration = Duration::from_hours(1);

impl Exchanged {
    /// The token that this identity token of the identity was exchanged for, if it still lives.
    pub(super) fn token(&self, client_id: &KeyId, id_token: &Secret) -> Option<Secret> {
        let kept = self.kept();
        let kept = kept.as_ref()?;
        let is_alive = kept.until > Instant::now();
        let is_same = kept.client_id == *client_id
            && kept.id_token.expose_secret() == id_token.expose_secret();
        (is_alive && is_same).then(|| kept.token.clone())
    }

    /// Keeps the token that lives for this long.
    pub(super) fn keep(
        &self,
        (client_id, id_token): (&KeyId, &Secret),
        token: Secret,
        lives: Duration,
    ) {
        let lives = lives.min(LONGEST).saturating_sub(MARGIN);
        *self.kept() = Some(Kept {
            client_id: client_id.clone(),
            id_token: id_token.clone(),
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
        let [own, another] = ["own", "another"].map(|it| Secret::new(it.to_owned()));
        assert!(exchanged.token(&one, &own).is_none());
        let token = || Secret::new("token".to_owned());
        exchanged.keep((&one, &own), token(), Duration::from_hours(1));
        let kept = exchanged.token(&one, &own).unwrap();
        assert_eq!(kept.expose_secret(), "token");
        assert!(exchanged.token(&other, &own).is_none());
        assert!(exchanged.token(&one, &another).is_none());
        exchanged.forget();
        assert!(exchanged.token(&one, &own).is_none());
        exchanged.keep((&one, &own), token(), MARGIN);
        assert!(exchanged.token(&one, &own).is_none());
        exchanged.keep((&one, &own), token(), Duration::MAX);
        assert!(exchanged.kept().as_ref().unwrap().until <= Instant::now() + LONGEST);
    }
}
