/// The form of a request for an access token: its members, and which of them is the
/// secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenForm {
    /// The names of the members, in their order. Each comes once.
    pub members: &'static [&'static str],
    /// The member whose value is the secret.
    pub secret: &'static str,
}

impl TokenForm {
    /// An OAuth client's credentials (RFC 6749, 4.4.2).
    pub(crate) const CLIENT: Self = Self {
        members: &["client_id", "client_secret", "grant_type", "scope"],
        secret: "client_secret",
    };

    /// A federated identity's token (Tailscale's page "Workload identity federation").
    /// No scope can be asked for: the access token has all scopes of the identity.
    pub(crate) const IDENTITY: Self = Self {
        members: &["client_id", "jwt"],
        secret: "jwt",
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_one_of_the_members() {
        for form in [TokenForm::CLIENT, TokenForm::IDENTITY] {
            let secrets = form.members.iter().filter(|it| **it == form.secret);
            assert_eq!(secrets.count(), 1, "{form:?}");
        }
    }
}
