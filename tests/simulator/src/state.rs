use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use jiff::Timestamp;

use crate::{
    FederatedIdentity, Greeting, Key, OauthClient, Recorded, Setup,
    clock::{Clock, rfc3339},
    dialect::{Dialect, random},
    exchange::KeySet,
    fault::Planned,
};

/// Everything that the service remembers.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) dialect: Dialect,
    pub(crate) clock: Clock,
    pub(crate) clients: Vec<OauthClient>,
    pub(crate) identities: Vec<FederatedIdentity>,
    pub(crate) keys: Vec<Key>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) api_key: String,
    pub(crate) tags: Vec<String>,
    pub(crate) tag_owners: Vec<(String, String)>,
    /// Where the hosts of issuers are, by name and port. There are no others.
    pub(crate) hosts: BTreeMap<String, SocketAddr>,
    /// The keys of issuers that were fetched, and when.
    pub(crate) key_sets: BTreeMap<String, (Timestamp, KeySet)>,
    /// Why the last exchange for an identity was rejected, by the identity's id.
    pub(crate) causes: BTreeMap<String, String>,
    /// The identity tokens that the simulator's issuers signed.
    pub(crate) identity_tokens: Vec<String>,
    /// How long each document of an issuer may take.
    pub(crate) issuer_limit: Duration,
    /// How far the clocks of issuers may be off.
    pub(crate) leeway: Duration,
    /// Whether the response of the exchange has the tags.
    pub(crate) exchange_has_tags: bool,
    pub(crate) faults: Vec<Planned>,
    /// Whether requests that were held go on.
    pub(crate) goes_on: bool,
    /// What connections meet, and after how many.
    pub(crate) greeting: Option<(usize, Greeting)>,
    pub(crate) recorded: Vec<Recorded>,
    pub(crate) connections: usize,
    pub(crate) handshakes: usize,
}

/// An access token, or an API key: both are sent as bearer.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) scopes: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) expires: Timestamp,
    /// The OAuth client or the federated identity that it was given to; `None` for an API key.
    pub(crate) client: Option<String>,
}

impl State {
    pub(crate) fn new(setup: &Setup) -> Self {
        let dialect = if setup.headscale {
            Dialect::Headscale
        } else {
            Dialect::Tailscale
        };
        let clock = Clock::default();
        let now = clock.now();
        let clients: Vec<_> = setup
            .clients
            .iter()
            .map(|client| {
                let mut client = match dialect {
                    Dialect::Tailscale => client.clone(),
                    Dialect::Headscale => OauthClient::of(
                        dialect,
                        &client.description,
                        client.scopes.clone(),
                        client.tags.clone(),
                    ),
                };
                client.created = rfc3339(now);
                client
            })
            .collect();
        let mut identities = setup.identities.clone();
        for identity in &mut identities {
            identity.created = rfc3339(now);
            identity.updated = rfc3339(now);
        }
        let api_key = format!("{}-api-{}-{}", dialect.prefix(), dialect.id(), random(32));
        let mut tokens = BTreeMap::new();
        tokens.insert(
            api_key.clone(),
            Token {
                scopes: vec!["all".to_owned()],
                tags: Vec::new(),
                expires: Timestamp::MAX,
                client: None,
            },
        );
        let mut tags = setup.tags.clone();
        tags.extend(clients.iter().flat_map(|client| client.tags.clone()));
        tags.extend(identities.iter().flat_map(|it| it.tags.clone()));
        tags.extend(setup.tag_owners.iter().map(|(_, owned)| owned.clone()));
        Self {
            dialect,
            clock,
            clients,
            identities,
            keys: Vec::new(),
            tokens,
            api_key,
            tags,
            tag_owners: setup.tag_owners.clone(),
            hosts: BTreeMap::new(),
            key_sets: BTreeMap::new(),
            causes: BTreeMap::new(),
            identity_tokens: Vec::new(),
            issuer_limit: setup.issuer_limit,
            leeway: setup.leeway,
            exchange_has_tags: setup.exchange_has_tags,
            faults: Vec::new(),
            goes_on: false,
            greeting: None,
            recorded: Vec::new(),
            connections: 0,
            handshakes: 0,
        }
    }

    /// Counts a new connection, and says what to do with it.
    pub(crate) fn greet(&mut self) -> (usize, Greeting) {
        self.connections += 1;
        let greeting = match self.greeting {
            Some((after, greeting)) if self.connections > after => greeting,
            _ => Greeting::Handshake,
        };
        (self.connections, greeting)
    }

    /// The token, if it is known and has not ended.
    pub(crate) fn token(&self, text: &str) -> Option<&Token> {
        let token = self.tokens.get(text)?;
        let revoked = token.client.as_ref().is_some_and(|id| {
            let mut clients = self.clients.iter();
            !clients.any(|client| client.id == *id && !client.revoked)
                && self.live_identity(id).is_none()
        });
        (!revoked && self.clock.now() < token.expires).then_some(token)
    }

    /// The client whose secret this is.
    pub(crate) fn client_of_secret(&self, secret: &str) -> Option<&OauthClient> {
        self.clients
            .iter()
            .find(|client| client.secret == secret && !client.revoked)
    }

    /// Adds a federated identity, and its tags to those that exist.
    pub(crate) fn add(&mut self, mut identity: FederatedIdentity) {
        let now = rfc3339(self.clock.now());
        identity.created.clone_from(&now);
        identity.updated = now;
        self.tags.extend(identity.tags.clone());
        self.identities.push(identity);
    }

    /// The index of the federated identity, if there is one that was not deleted.
    pub(crate) fn live_identity(&self, id: &str) -> Option<usize> {
        let mut identities = self.identities.iter();
        identities.position(|identity| identity.id == id && identity.is_live())
    }

    /// Whether there ever was such a federated identity.
    pub(crate) fn is_identity(&self, id: &str) -> bool {
        self.identities.iter().any(|identity| identity.id == id)
    }
}
