//! Secrets that the component holds only as placeholders.

mod placeholder;

use std::time::Duration;

use tailmint_api::{KeyId, Route, Rule};
use tailmint_core::{Denial, Parts, Secret, redact};

pub(crate) use placeholder::Placeholder;

/// The secrets of one run with their placeholders.
#[derive(Debug, Default)]
pub(crate) struct Seals {
    sealed: Vec<Seal>,
    /// What the API created in this run without a secret that can be a result.
    unusable: Vec<KeyId>,
    /// What an identity token was exchanged for, and how long that lives.
    exchanged: Option<(Secret, Duration)>,
}

#[derive(Debug)]
struct Seal {
    placeholder: Placeholder,
    secret: Secret,
    parts: Parts,
    slot: Slot,
}

/// The one slot that a secret belongs in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Slot {
    /// The bearer of a request.
    Bearer,
    /// The secret member of the form of this route.
    Form(Route),
    /// The result of the run: no request at all. Known with the id of its key.
    Result(KeyId),
}

/// An auth key, or the secret of an OAuth client, that the API gave out in this
/// run.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) id: KeyId,
    pub(crate) key: Secret,
}

impl Seals {
    /// Seals a secret that goes out as bearer: an API key or an access token.
    pub(crate) fn bearer(&mut self, secret: Secret) -> Result<Placeholder, getrandom::Error> {
        self.seal(secret, Slot::Bearer)
    }

    /// Seals the secret of an OAuth client.
    pub(crate) fn client_secret(
        &mut self,
        secret: Secret,
    ) -> Result<Placeholder, getrandom::Error> {
        self.seal(secret, Slot::Form(Route::Token))
    }

    /// Seals the token of a federated identity.
    pub(crate) fn id_token(&mut self, secret: Secret) -> Result<Placeholder, getrandom::Error> {
        self.seal(secret, Slot::Form(Route::TokenExchange))
    }

    /// Seals what came in a response to be the result: an auth key, or the secret of
    /// an OAuth client.
    pub(crate) fn issued(
        &mut self,
        id: KeyId,
        key: Secret,
    ) -> Result<Placeholder, getrandom::Error> {
        self.seal(key, Slot::Result(id))
    }

    /// Keeps what an identity token was exchanged for, for later calls.
    pub(crate) fn keep_exchanged(&mut self, token: Secret, lives: Duration) {
        self.exchanged = Some((token, lives));
    }

    /// What an identity token was exchanged for, and how long that lives.
    pub(crate) fn exchanged(&self) -> Option<(Secret, Duration)> {
        self.exchanged.clone()
    }

    /// Keeps the id of what was created with a secret that cannot be the result.
    pub(crate) fn issued_unusable(&mut self, id: KeyId) {
        self.unusable.push(id);
    }

    fn seal(&mut self, secret: Secret, slot: Slot) -> Result<Placeholder, getrandom::Error> {
        let placeholder = Placeholder::random()?;
        self.sealed.push(Seal {
            placeholder: placeholder.clone(),
            parts: Parts::of(secret.expose_secret()),
            secret,
            slot,
        });
        Ok(placeholder)
    }

    /// The secret to send as bearer in place of `text`.
    pub(crate) fn open_bearer(&self, text: &str) -> Result<&Secret, Denial> {
        self.open(text, &Slot::Bearer, "header \"authorization\"")
    }

    /// The secret to send as this member of the route's form in place of `text`.
    pub(crate) fn open_form(
        &self,
        route: Route,
        member: &str,
        text: &str,
    ) -> Result<&Secret, Denial> {
        self.open(text, &Slot::Form(route), &format!("body.{member}"))
    }

    fn open(&self, text: &str, slot: &Slot, member: &str) -> Result<&Secret, Denial> {
        match self.find(text) {
            Some(seal) if seal.slot == *slot => Ok(&seal.secret),
            Some(_) => Err(Denial::new(member, "this secret does not belong here")),
            None => Err(Denial::new(member, "it is not a placeholder of this run")),
        }
    }

    /// The key behind the placeholder that the component returned.
    pub(crate) fn open_result(&self, text: &str) -> Option<Issued> {
        match self.find(text)? {
            Seal {
                secret,
                slot: Slot::Result(id),
                ..
            } => Some(Issued {
                id: id.clone(),
                key: secret.clone(),
            }),
            _ => None,
        }
    }

    /// The keys or clients that the API gave out in this run, returned or not.
    pub(crate) fn issued_ids(&self) -> Vec<KeyId> {
        let sealed = self.sealed.iter().filter_map(|seal| match &seal.slot {
            Slot::Result(id) => Some(id),
            _ => None,
        });
        sealed.chain(&self.unusable).cloned().collect()
    }

    fn find(&self, text: &str) -> Option<&Seal> {
        self.sealed
            .iter()
            .find(|seal| seal.placeholder.as_str() == text)
    }

    /// The secrets that a request under the rule carries, as an audit names them.
    pub(crate) fn carried(&self, rule: Rule) -> Vec<(&'static str, &Secret)> {
        let carried = self
            .sealed
            .iter()
            .filter_map(|seal| match (&seal.slot, rule) {
                (Slot::Form(route), rule) if rule.route() == *route => match route {
                    Route::TokenExchange => Some(("id-token", &seal.secret)),
                    _ => Some(("client-secret", &seal.secret)),
                },
                (Slot::Bearer, rule) if !rule.is_for_token() => Some(("bearer", &seal.secret)),
                _ => None,
            });
        carried.collect()
    }

    /// Whether a placeholder stands anywhere in the text.
    pub(crate) fn occurs_in(&self, text: &str) -> bool {
        self.sealed
            .iter()
            .any(|seal| text.contains(seal.placeholder.as_str()))
    }

    /// The text with every real secret of the run, and every part of one,
    /// replaced by its placeholder: servers and proxies repeat what they were
    /// sent, whole or cut short.
    pub(crate) fn redact(&self, text: &str) -> String {
        let secrets = self.sealed.iter().map(|seal| {
            let secret = seal.secret.expose_secret();
            (secret, &seal.parts, seal.placeholder.as_str())
        });
        redact(text, secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn each_secret_opens_in_its_own_place_only() {
        let mut seals = Seals::default();
        let bearer = seals.bearer(secret("token")).unwrap();
        let client = seals.client_secret(secret("client")).unwrap();
        let identity = seals.id_token(secret("e30.e30.c2ln")).unwrap();
        let key = seals.issued("k1".parse().unwrap(), secret("key")).unwrap();
        let opens = |place: &str, placeholder: &Placeholder| match place {
            "bearer" => seals.open_bearer(placeholder.as_str()).is_ok(),
            "client" => {
                let opened = seals.open_form(Route::Token, "client_secret", placeholder.as_str());
                opened.is_ok()
            }
            "identity" => {
                let opened = seals.open_form(Route::TokenExchange, "jwt", placeholder.as_str());
                opened.is_ok()
            }
            _ => seals.open_result(placeholder.as_str()).is_some(),
        };
        for (place, placeholder) in [
            ("bearer", &bearer),
            ("client", &client),
            ("identity", &identity),
            ("result", &key),
        ] {
            for other in ["bearer", "client", "identity", "result"] {
                assert_eq!(
                    opens(other, placeholder),
                    place == other,
                    "{place} in {other}"
                );
            }
        }
    }

    #[test]
    fn the_real_secret_is_no_placeholder() {
        let mut seals = Seals::default();
        seals.bearer(secret("token")).unwrap();
        assert!(seals.open_bearer("token").is_err());
        assert!(seals.open_result("token").is_none());
    }

    #[test]
    fn redacts_what_a_server_repeats() {
        let mut seals = Seals::default();
        let placeholder = seals.bearer(secret("tskey-api-1")).unwrap();
        let text = seals.redact("bad token tskey-api-1, yes tskey-api-1");
        let placeholder = placeholder.as_str();
        assert_eq!(text, format!("bad token {placeholder}, yes {placeholder}"));
        assert!(seals.occurs_in(&text));
    }

    #[test]
    fn no_part_of_an_identity_token_passes_by_itself() {
        let parts = [
            "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ",
            "eyJzdWIiOiJyZXBvOmFjbWUvd2ViOnJlZjpyZWZzL2hlYWRzL21haW4ifQ",
            "c2lnbmF0dXJlLXNpZ25hdHVyZS1zaWduYXR1cmU",
        ];
        let mut seals = Seals::default();
        seals.id_token(secret(&parts.join("."))).unwrap();
        for part in parts {
            let shown = seals.redact(&format!("unexpected claim in {part} of it"));
            assert!(!shown.contains(&part[..16]), "{shown}");
            assert!(shown.starts_with("unexpected claim in "), "{shown}");
        }
    }

    #[test]
    fn what_the_api_created_is_known_with_and_without_a_secret() {
        let mut seals = Seals::default();
        let id = |text: &str| text.parse::<KeyId>().unwrap();
        assert_eq!(seals.issued_ids(), []);
        seals.bearer(secret("token")).unwrap();
        let sealed = seals.issued(id("k1"), secret("key")).unwrap();
        seals.issued_unusable(id("k2"));
        assert_eq!(seals.issued_ids(), [id("k1"), id("k2")]);
        let issued = seals.open_result(sealed.as_str()).unwrap();
        assert_eq!((issued.id, issued.key.expose_secret()), (id("k1"), "key"));
    }

    #[test]
    fn a_request_carries_the_secrets_that_belong_in_it() {
        let mut seals = Seals::default();
        seals.client_secret(secret("client")).unwrap();
        seals.id_token(secret("identity")).unwrap();
        seals.bearer(secret("token")).unwrap();
        seals.issued("k1".parse().unwrap(), secret("key")).unwrap();
        for (rule, carried) in [
            (Rule::Token, ("client-secret", "client")),
            (Rule::CheckScope, ("client-secret", "client")),
            (Rule::TokenExchange, ("id-token", "identity")),
            (Rule::CreateAuthKey, ("bearer", "token")),
            (Rule::DeleteKey, ("bearer", "token")),
            (Rule::ListKeys, ("bearer", "token")),
        ] {
            let found = seals.carried(rule);
            let found: Vec<_> = found
                .iter()
                .map(|(it, secret)| (*it, secret.expose_secret()))
                .collect();
            assert_eq!(found, [carried], "{rule}");
        }
    }

    #[test]
    fn what_does_not_open_says_why() {
        let mut seals = Seals::default();
        let bearer = seals.bearer(secret("token")).unwrap();
        let opened = seals.open_bearer(bearer.as_str()).unwrap();
        assert_eq!(opened.expose_secret(), "token");
        let said = |denied: Result<&Secret, Denial>| denied.unwrap_err().to_string();
        assert_eq!(
            said(seals.open_bearer("token")),
            "header \"authorization\": it is not a placeholder of this run"
        );
        assert_eq!(
            said(seals.open_form(Route::Token, "client_secret", bearer.as_str())),
            "body.client_secret: this secret does not belong here"
        );
        assert!(!seals.occurs_in("a text"));
        assert!(seals.occurs_in(&format!("a{}b", bearer.as_str())));
    }
}
