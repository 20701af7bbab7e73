//! The table of operations: what the component can be called for, which request each
//! takes, and what that request does. Everything else that lists operations or rules
//! derives from here, so that a line that is missing does not compile and a word that
//! is missing cannot default to the unsafe side.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{AUTH_KEYS_SCOPE, FEDERATED_KEYS_SCOPE, OAUTH_KEYS_SCOPE, Route};

/// What a request does to what the API keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only asks.
    Reads,
    /// It creates one of these.
    Creates(Kind),
    /// It changes one.
    Changes,
    /// It revokes or deletes one.
    Deletes,
}

impl Effect {
    /// Whether the API keeps something else afterwards. What does not only read does.
    pub const fn is_change(self) -> bool {
        !matches!(self, Self::Reads)
    }

    /// What it creates, if it creates something.
    pub const fn creates(self) -> Option<Kind> {
        match self {
            Self::Creates(kind) => Some(kind),
            Self::Reads | Self::Changes | Self::Deletes => None,
        }
    }
}

/// What the API keeps under the path `keys`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An auth key.
    AuthKey,
    /// An OAuth client.
    OauthClient,
    /// A federated identity: it has no secret.
    FederatedIdentity,
}

impl Kind {
    /// The API's word for it, as the member `keyType` has it.
    pub const fn key_type(self) -> &'static str {
        match self {
            Self::AuthKey => "auth",
            Self::OauthClient => "client",
            Self::FederatedIdentity => "federated",
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthKey => "key",
            Self::OauthClient => "OAuth client",
            Self::FederatedIdentity => "federated identity",
        }
    }

    /// What people call many.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::AuthKey => "keys",
            Self::OauthClient => "OAuth clients",
            Self::FederatedIdentity => "federated identities",
        }
    }

    /// Its name after an article.
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::AuthKey => "a key",
            Self::OauthClient => "an OAuth client",
            Self::FederatedIdentity => "a federated identity",
        }
    }

    /// Whether something new of the kind comes with a secret.
    pub const fn has_secret(self) -> bool {
        match self {
            Self::AuthKey | Self::OauthClient => true,
            Self::FederatedIdentity => false,
        }
    }

    /// What to do where one may exist whose secret nobody has.
    pub const fn look_for_it(self) -> &'static str {
        match self {
            Self::AuthKey => {
                "look for a new key in the admin console and revoke it; otherwise it works until it expires"
            }
            Self::OauthClient => {
                "look for a new OAuth client in the admin console and delete it: it does not expire"
            }
            Self::FederatedIdentity => {
                "look for a new federated identity in the admin console and delete it: it does not expire"
            }
        }
    }
}

/// A text that is not one of a list of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give one of {}", known.join(", "))]
pub struct UnknownName {
    known: Vec<&'static str>,
}

macro_rules! names {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                let found = Self::ALL.iter().find(|it| it.name() == text);
                found.copied().ok_or_else(|| UnknownName {
                    known: Self::ALL.iter().map(|it| it.name()).collect(),
                })
            }
        }
    };
}

macro_rules! table {
    (
        rules {$(
            $(#[doc = $rule_docs:literal])+
            $rule:ident $rule_name:literal is $route:ident and $effect:expr;
        )+}
        operations {$(
            $(#[doc = $docs:literal])+
            $operation:ident $name:literal takes $of:ident with $scope:expr;
        )+}
    ) => {
        /// The requests that there are rules for: a route of the API, and what for.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize,
        )]
        pub enum Rule {$(
            $(#[doc = $rule_docs])+
            #[serde(rename = $rule_name)]
            $rule,
        )+}

        impl Rule {
            /// All rules, in the order of a policy file.
            pub const ALL: &[Self] = &[$(Self::$rule),+];

            /// Its name in the policy, the audit log and messages.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$rule => $rule_name,)+
                }
            }

            /// What the request is for, as one sentence.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$rule => concat!($($rule_docs),+).trim(),)+
                }
            }

            /// The request's method, path and query.
            pub const fn route(self) -> Route {
                match self {
                    $(Self::$rule => Route::$route,)+
                }
            }

            /// What the request does.
            pub const fn effect(self) -> Effect {
                match self {
                    $(Self::$rule => $effect,)+
                }
            }
        }

        /// What the component is called for. Rules are per operation: a request that
        /// one of them needs is denied during the others.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize,
        )]
        #[non_exhaustive]
        pub enum Operation {$(
            $(#[doc = $docs])+
            #[serde(rename = $name)]
            $operation,
        )+}

        impl Operation {
            /// All operations.
            pub const ALL: &[Self] = &[$(Self::$operation),+];

            /// Its name in the policy, the audit log and messages.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$operation => $name,)+
                }
            }

            /// What it is for, as one sentence.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$operation => concat!($($docs),+).trim(),)+
                }
            }

            /// The rule of the request that the operation is about.
            pub const fn rule(self) -> Rule {
                match self {
                    $(Self::$operation => Rule::$of,)+
                }
            }

            /// The scope of the access token that it takes; `None` where the caller
            /// says for which scopes to ask.
            pub const fn scope(self) -> Option<&'static str> {
                match self {
                    $(Self::$operation => $scope,)+
                }
            }
        }
    };
}

const AUTH_KEYS: Option<&str> = Some(AUTH_KEYS_SCOPE);
const OAUTH_KEYS: Option<&str> = Some(OAUTH_KEYS_SCOPE);
const FEDERATED_KEYS: Option<&str> = Some(FEDERATED_KEYS_SCOPE);
const AS_ASKED: Option<&str> = None;

table! {
    rules {
        /// Exchanges the OAuth client's credentials for an access token.
        Token "token" is Token and Effect::Reads;
        /// Asks whether an OAuth client can grant a scope.
        CheckScope "check-scope" is Token and Effect::Reads;
        /// Exchanges an identity token for an access token.
        TokenExchange "token-exchange" is TokenExchange and Effect::Reads;
        /// Creates an auth key.
        CreateAuthKey "create-auth-key" is CreateKey and Effect::Creates(Kind::AuthKey);
        /// Creates an OAuth client.
        CreateClient "create-client" is CreateKey and Effect::Creates(Kind::OauthClient);
        /// Creates a federated identity.
        CreateIdentity "create-identity" is CreateKey
            and Effect::Creates(Kind::FederatedIdentity);
        /// Changes what a federated identity says.
        UpdateIdentity "update-identity" is ReplaceKey and Effect::Changes;
        /// Reads an auth key.
        GetKey "get-key" is GetKey and Effect::Reads;
        /// Reads all auth keys, OAuth clients and federated identities that the credential
        /// may see.
        ListKeys "list-keys" is ListKeys and Effect::Reads;
        /// Revokes an auth key, or deletes an OAuth client or a federated identity.
        DeleteKey "delete-key" is DeleteKey and Effect::Deletes;
    }
    operations {
        /// Asks which scopes an OAuth client can grant.
        Check "check" takes CheckScope with AS_ASKED;
        /// Asks whether a federated identity takes an identity token, and what it grants.
        CheckIdentity "check-identity" takes TokenExchange with AS_ASKED;
        /// Creates one OAuth client.
        CreateClient "create-client" takes CreateClient with OAUTH_KEYS;
        /// Creates one federated identity.
        CreateIdentity "create-identity" takes CreateIdentity with FEDERATED_KEYS;
        /// Deletes one OAuth client.
        DeleteClient "delete-client" takes DeleteKey with OAUTH_KEYS;
        /// Deletes one federated identity.
        DeleteIdentity "delete-identity" takes DeleteKey with FEDERATED_KEYS;
        /// Reads one auth key.
        Get "get" takes GetKey with AUTH_KEYS;
        /// Reads all auth keys.
        List "list" takes ListKeys with AUTH_KEYS;
        /// Reads all OAuth clients.
        ListClients "list-clients" takes ListKeys with OAUTH_KEYS;
        /// Reads all federated identities.
        ListIdentities "list-identities" takes ListKeys with FEDERATED_KEYS;
        /// Creates one auth key.
        Mint "mint" takes CreateAuthKey with AUTH_KEYS;
        /// Revokes one auth key.
        Revoke "revoke" takes DeleteKey with AUTH_KEYS;
        /// Changes one federated identity.
        UpdateIdentity "update-identity" takes UpdateIdentity with FEDERATED_KEYS;
    }
}

names!(Rule);
names!(Operation);

impl Rule {
    /// Whether the request is one for an access token.
    pub const fn is_for_token(self) -> bool {
        self.route().token_form().is_some()
    }

    /// Whether the request has a JSON body: it says what is created or changed.
    pub const fn has_json(self) -> bool {
        matches!(self.effect(), Effect::Creates(_) | Effect::Changes)
    }

    /// The operations that need the request: for an access token, all but those that
    /// are about the request for one itself.
    pub fn operations(self) -> impl Iterator<Item = Operation> {
        let before_all_others = matches!(self, Self::Token | Self::TokenExchange);
        Operation::ALL.iter().copied().filter(move |operation| {
            let own = operation.rule();
            own == self || (before_all_others && !own.is_for_token())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_read_as_what_it_names() {
        for operation in Operation::ALL {
            assert_eq!(operation.name().parse(), Ok(*operation));
        }
        for rule in Rule::ALL {
            assert_eq!(rule.name().parse(), Ok(*rule));
        }
        assert!("mints".parse::<Operation>().is_err());
    }

    #[test]
    fn every_rule_has_an_operation_that_needs_it() {
        for rule in Rule::ALL {
            assert!(rule.operations().next().is_some(), "{rule}");
        }
        assert!(!Rule::Token.operations().any(|it| it == Operation::Check));
    }

    #[test]
    fn what_creates_or_changes_something_is_not_sent_with_get() {
        for rule in Rule::ALL {
            let is_get = rule.route().method().as_str() == "GET";
            assert!(!(is_get && rule.effect().is_change()), "{rule}");
        }
    }

    #[test]
    fn what_a_request_does_is_said_of_it() {
        for (effect, is_change, creates) in [
            (Effect::Reads, false, None),
            (Effect::Changes, true, None),
            (Effect::Deletes, true, None),
            (Effect::Creates(Kind::AuthKey), true, Some(Kind::AuthKey)),
            (
                Effect::Creates(Kind::OauthClient),
                true,
                Some(Kind::OauthClient),
            ),
        ] {
            assert_eq!(effect.is_change(), is_change, "{effect:?}");
            assert_eq!(effect.creates(), creates, "{effect:?}");
        }
        for rule in Rule::ALL {
            let says_what = rule.effect().creates().is_some() || rule.effect() == Effect::Changes;
            assert_eq!(rule.has_json(), says_what, "{rule}");
            let is_for_token = matches!(rule.route(), Route::Token | Route::TokenExchange);
            assert_eq!(rule.is_for_token(), is_for_token, "{rule}");
        }
    }

    #[test]
    fn every_operation_but_those_about_tokens_needs_one() {
        let needs = |rule: Rule| rule.operations().collect::<Vec<_>>();
        assert_eq!(needs(Rule::CreateAuthKey), [Operation::Mint]);
        assert_eq!(needs(Rule::CheckScope), [Operation::Check]);
        let is_about_tokens = |it: &Operation| it.name().starts_with("check");
        let others = Operation::ALL.iter().copied();
        let others: Vec<_> = others.filter(|it| !is_about_tokens(it)).collect();
        assert!(others.len() > 6 && !others.contains(&Operation::Check));
        assert_eq!(needs(Rule::TokenExchange)[1..], others);
        assert_eq!(needs(Rule::Token), others);
    }

    #[test]
    fn each_kind_has_its_words() {
        for (kind, key_type, name, with_article, look) in [
            (Kind::AuthKey, "auth", "key", "a key", "revoke it"),
            (
                Kind::OauthClient,
                "client",
                "OAuth client",
                "an OAuth client",
                "delete it",
            ),
        ] {
            assert_eq!(kind.key_type(), key_type);
            assert_eq!((kind.name(), kind.with_article()), (name, with_article));
            assert!(kind.look_for_it().contains(look));
        }
    }
}
