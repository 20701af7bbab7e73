//! What the issuer of a profile's identity token publishes.

use super::Finding;
use crate::Profile;
use crate::credentials::Lookup;
use tailmint::Account;

/// Asks the issuer. What is wrong there is a warning: Tailscale asks from elsewhere.
pub(super) async fn look(
    profile: &Profile,
    credentials: &Lookup<'_>,
    account: &Account,
    tell: &mut dyn FnMut(&Finding),
) {
    let subject = format!("{} issuer", profile.name);
    tell(&match credentials.published(account).await {
        Ok(None) => return,
        Ok(Some(Ok(published))) => Finding::passed(
            subject,
            format!(
                "{} publishes {}, the token's among them",
                published.issuer,
                if published.keys == 1 {
                    "1 key".to_owned()
                } else {
                    format!("{} keys", published.keys)
                }
            ),
        ),
        Ok(Some(Err(problem))) => Finding::warned(
            subject,
            problem.to_string(),
            "Tailscale verifies tokens with these documents: have the issuer publish both; it was asked from this machine, and Tailscale may be sent something else",
        ),
        Err(error) => Finding::from_error(subject, &error),
    });
}
