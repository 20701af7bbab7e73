use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    Greeting, Key, OauthClient, Recorded, Setup,
    clock::{Clock, rfc3339},
    dialect::{Dialect, random},
    fault::Planned,
};

/// Everything that the service remembers.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) dialect: Dialect,
    pub(crate) clock: Clock,
    pub(crate) clients: Vec<OauthClient>,
    pub(crate) keys: Vec<Key>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) api_key: String,
    pub(crate) tags: Vec<String>,
    pub(crate) tag_owners: Vec<(String, String)>,
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
    /// The OAuth client that it was given to; `None` for an API key.
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
        tags.extend(setup.tag_owners.iter().map(|(_, owned)| owned.clone()));
        Self {
            dialect,
            clock,
            clients,
            keys: Vec::new(),
            tokens,
            api_key,
            tags,
            tag_owners: setup.tag_owners.clone(),
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
            !self
                .clients
                .iter()
                .any(|client| client.id == *id && !client.revoked)
        });
        (!revoked && self.clock.now() < token.expires).then_some(token)
    }

    /// The client whose secret this is.
    pub(crate) fn client_of_secret(&self, secret: &str) -> Option<&OauthClient> {
        self.clients
            .iter()
            .find(|client| client.secret == secret && !client.revoked)
    }
}
