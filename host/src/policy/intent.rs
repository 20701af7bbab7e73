use serde::Serialize;
use serde_json::{Value, json};
use tailmint_api::{AUTH_KEYS_SCOPE, NewClientBody, NewKeyBody, OAUTH_KEYS_SCOPE};

use super::{Operation, Rule};
use crate::{ClientProperties, KeyId, KeyProperties, Scope, Tag, Tailnet};

/// What the caller asked for, as the policy sees it: requests are held against
/// it word by word, so that a component cannot do something else instead.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub(crate) tailnet: Tailnet,
    pub(crate) errand: Errand,
}

/// What is to be done in the tailnet.
#[derive(Clone, Debug)]
pub(crate) enum Errand {
    /// Ask for a token of each of the scopes.
    Check { scopes: Vec<Scope> },
    /// Make an OAuth client with these properties.
    CreateClient { properties: ClientProperties },
    /// Delete the OAuth client.
    DeleteClient { id: KeyId },
    /// Read the auth key.
    Get { id: KeyId },
    /// Read all auth keys.
    List,
    /// Read all OAuth clients.
    ListClients,
    /// Make an auth key with these properties.
    Mint { properties: KeyProperties },
    /// Revoke the auth key.
    Revoke { id: KeyId },
}

/// The body of a request, typed.
#[derive(Serialize)]
#[serde(untagged)]
enum Written<'a> {
    Client(NewClientBody<'a>),
    Key(NewKeyBody<'a>),
}

impl Intent {
    pub(crate) fn operation(&self) -> Operation {
        match self.errand {
            Errand::Check { .. } => Operation::Check,
            Errand::CreateClient { .. } => Operation::CreateClient,
            Errand::DeleteClient { .. } => Operation::DeleteClient,
            Errand::Get { .. } => Operation::Get,
            Errand::List => Operation::List,
            Errand::ListClients => Operation::ListClients,
            Errand::Mint { .. } => Operation::Mint,
            Errand::Revoke { .. } => Operation::Revoke,
        }
    }

    /// The rule of the request that does it.
    pub(super) fn rule(&self) -> Rule {
        Rule::of_operation(self.operation())
    }

    /// The key or the client that it is about, where it is about one.
    pub(crate) fn id(&self) -> Option<&KeyId> {
        match &self.errand {
            Errand::DeleteClient { id } | Errand::Get { id } | Errand::Revoke { id } => Some(id),
            _ => None,
        }
    }

    /// How many requests of the kind it takes.
    pub(super) fn needs(&self, rule: Rule) -> usize {
        match (&self.errand, rule) {
            (Errand::Check { scopes }, Rule::CheckScope) => scopes.len(),
            _ => 1,
        }
    }

    /// The scope of the next token, after so many.
    pub(super) fn scope(&self, before: usize) -> Option<&str> {
        match &self.errand {
            Errand::Check { scopes } => scopes.get(before).map(Scope::as_str),
            Errand::Get { .. } | Errand::List | Errand::Mint { .. } | Errand::Revoke { .. } => {
                Some(AUTH_KEYS_SCOPE)
            }
            _ => Some(OAUTH_KEYS_SCOPE),
        }
    }

    /// The body of the request that does it, where it has one.
    pub(crate) fn body(&self) -> Option<Value> {
        self.written().map(|body| json!(body))
    }

    /// The same as it is sent.
    pub(crate) fn body_text(&self) -> Option<String> {
        let body = self.written()?;
        Some(serde_json::to_string(&body).expect("text and numbers only"))
    }

    fn written(&self) -> Option<Written<'_>> {
        match &self.errand {
            Errand::CreateClient { properties } => Some(Written::Client(properties.body())),
            Errand::Mint { properties } => Some(Written::Key(properties.body())),
            _ => None,
        }
    }

    /// The tags that it asks for.
    pub(crate) fn tags(&self) -> &[Tag] {
        match &self.errand {
            Errand::CreateClient { properties } => &properties.tags,
            Errand::Mint { properties } => &properties.tags,
            _ => &[],
        }
    }

    /// The scopes that it asks for, or asks about.
    pub(crate) fn scopes(&self) -> &[Scope] {
        match &self.errand {
            Errand::Check { scopes } => scopes,
            Errand::CreateClient { properties } => &properties.scopes,
            _ => &[],
        }
    }
}
