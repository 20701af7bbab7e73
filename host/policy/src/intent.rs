use serde::Serialize;
use serde_json::{Value, json};
use tailmint_api::{
    ClientProperties, IdentityProperties, KeyId, KeyProperties, NewClientBody, NewIdentityBody,
    NewKeyBody, Operation, Rule, Scope, Tag, Tailnet,
};

/// What the caller asked for: requests are compared with it member by member, so that a
/// component cannot do something else instead.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The tailnet that it is about.
    pub tailnet: Tailnet,
    /// What is to be done there.
    pub task: Task,
}

/// An operation with what it is about.
#[derive(Clone, Debug)]
pub enum Task {
    /// Ask for a token of each of the scopes.
    Check {
        /// The scopes, in their order.
        scopes: Vec<Scope>,
    },
    /// Exchange an identity token, and see what is granted.
    CheckIdentity,
    /// Create an OAuth client with these properties.
    CreateClient {
        /// The properties.
        properties: ClientProperties,
    },
    /// Create a federated identity with these properties.
    CreateIdentity {
        /// The properties.
        properties: Box<IdentityProperties>,
    },
    /// Delete the OAuth client.
    DeleteClient {
        /// Its id.
        id: KeyId,
    },
    /// Delete the federated identity.
    DeleteIdentity {
        /// Its id.
        id: KeyId,
    },
    /// Read the auth key.
    Get {
        /// Its id.
        id: KeyId,
    },
    /// Read all auth keys.
    List,
    /// Read all OAuth clients.
    ListClients,
    /// Read all federated identities.
    ListIdentities,
    /// Create an auth key with these properties.
    Mint {
        /// The properties.
        properties: KeyProperties,
    },
    /// Revoke the auth key.
    Revoke {
        /// Its id.
        id: KeyId,
    },
    /// Replace what the federated identity says with these properties.
    UpdateIdentity {
        /// Its id.
        id: KeyId,
        /// The properties.
        properties: Box<IdentityProperties>,
    },
}

/// The body of a request, typed.
#[derive(Serialize)]
#[serde(untagged)]
enum Written<'a> {
    Client(NewClientBody<'a>),
    Identity(NewIdentityBody<'a>),
    Key(NewKeyBody),
}

/// What a task says about its request.
#[derive(Default)]
struct Said<'a> {
    id: Option<&'a KeyId>,
    key: Option<&'a KeyProperties>,
    client: Option<&'a ClientProperties>,
    identity: Option<&'a IdentityProperties>,
    checked: &'a [Scope],
}

impl Task {
    /// The operation.
    pub fn operation(&self) -> Operation {
        match self {
            Self::Check { .. } => Operation::Check,
            Self::CheckIdentity => Operation::CheckIdentity,
            Self::CreateClient { .. } => Operation::CreateClient,
            Self::CreateIdentity { .. } => Operation::CreateIdentity,
            Self::DeleteClient { .. } => Operation::DeleteClient,
            Self::DeleteIdentity { .. } => Operation::DeleteIdentity,
            Self::Get { .. } => Operation::Get,
            Self::List => Operation::List,
            Self::ListClients => Operation::ListClients,
            Self::ListIdentities => Operation::ListIdentities,
            Self::Mint { .. } => Operation::Mint,
            Self::Revoke { .. } => Operation::Revoke,
            Self::UpdateIdentity { .. } => Operation::UpdateIdentity,
        }
    }

    /// Every task says here what it is about: one that is forgotten does not compile.
    fn said(&self) -> Said<'_> {
        let nothing = Said::default();
        match self {
            Self::Check { scopes } => Said {
                checked: scopes,
                ..nothing
            },
            Self::CreateClient { properties } => Said {
                client: Some(properties),
                ..nothing
            },
            Self::Mint { properties } => Said {
                key: Some(properties),
                ..nothing
            },
            Self::CreateIdentity { properties } => Said {
                identity: Some(properties),
                ..nothing
            },
            Self::UpdateIdentity { id, properties } => Said {
                id: Some(id),
                identity: Some(properties),
                ..nothing
            },
            Self::DeleteClient { id }
            | Self::DeleteIdentity { id }
            | Self::Get { id }
            | Self::Revoke { id } => Said {
                id: Some(id),
                ..nothing
            },
            Self::CheckIdentity | Self::List | Self::ListClients | Self::ListIdentities => nothing,
        }
    }
}

impl Intent {
    /// What is to be done in this tailnet.
    pub fn new(tailnet: Tailnet, task: Task) -> Self {
        Self { tailnet, task }
    }

    /// The operation.
    pub fn operation(&self) -> Operation {
        self.task.operation()
    }

    /// The rule of the request that the operation is about.
    pub fn rule(&self) -> Rule {
        self.operation().rule()
    }

    /// The key or the client that it is about, where it is about one.
    pub fn id(&self) -> Option<&KeyId> {
        self.task.said().id
    }

    /// How many requests of the rule it takes.
    pub(crate) fn needs(&self, rule: Rule) -> usize {
        if rule == Rule::CheckScope {
            self.task.said().checked.len()
        } else {
            1
        }
    }

    /// The scope of the next token, after `before` others.
    pub(crate) fn scope(&self, before: usize) -> Option<&str> {
        match self.operation().scope() {
            Some(scope) => Some(scope),
            None => self.task.said().checked.get(before).map(Scope::as_str),
        }
    }

    /// The body of the request that does it, where it has one.
    pub fn body(&self) -> Option<Value> {
        self.written().map(|body| json!(body))
    }

    /// The same as it is sent.
    pub fn body_text(&self) -> Option<String> {
        let body = self.written()?;
        serde_json::to_string(&body).ok()
    }

    fn written(&self) -> Option<Written<'_>> {
        let Said {
            key,
            client,
            identity,
            ..
        } = self.task.said();
        let key = key.map(|key| Written::Key(key.body()));
        let client = client.map(|client| Written::Client(client.body()));
        let identity = identity.map(|identity| Written::Identity(identity.body()));
        key.or(client).or(identity)
    }

    /// The tags that it asks for.
    pub fn tags(&self) -> &[Tag] {
        match self.task.said() {
            Said { key: Some(key), .. } => &key.capabilities.tags,
            Said {
                client: Some(client),
                ..
            } => &client.tags,
            Said { identity, .. } => identity.map_or(&[], |identity| &identity.tags),
        }
    }

    /// The scopes that it asks for, or asks about.
    pub fn scopes(&self) -> &[Scope] {
        match self.task.said() {
            Said {
                client: Some(client),
                ..
            } => &client.scopes,
            Said {
                identity: Some(identity),
                ..
            } => &identity.scopes,
            Said { checked, .. } => checked,
        }
    }

    /// How long the key is to live that it asks for, in seconds.
    pub fn expiry_seconds(&self) -> Option<u32> {
        self.task.said().key.map(|key| key.expiry.as_secs())
    }
}
