use std::borrow::Cow;

use serde_json::Value;
use tailmint_api::{Operation, Rule};
use tailmint_core::VaultAddress;

use crate::Request;

/// What a member of the policy judges: a part of what somebody wants to do.
pub(crate) enum Seen<'a> {
    /// Names, each of which has to be allowed.
    Names(Vec<Cow<'a, str>>),
    /// Names, each of which has to be allowed, and one at least.
    SomeNames(Vec<Cow<'a, str>>),
    /// A number with its unit; `None` where there is none though one is required.
    Number(Option<u64>, &'static str),
    /// A property that is there or not, or a means that is used or not.
    Flag(bool),
    /// A text that has to be the one of the policy.
    Text(Option<&'a str>),
    /// A component.
    Component(&'a ComponentFacts<'a>),
    /// How the API is reached.
    Trust(&'a TrustFacts),
    /// Where OAuth clients are to be delivered to.
    Vault(&'a VaultAddress),
    /// A program that is to be run.
    Command(&'a str),
    /// A machine that a key is to be handed to by ssh.
    SshHost(&'a str),
    /// Where an identity token is to come from.
    Identity(&'a IdentityFacts<'a>),
    /// A request.
    Request(&'a RequestFacts<'a>),
    /// The JSON body of a request; `None` where it has another body, or none.
    Body(Option<&'a Value>),
    /// Nothing: the member is judged elsewhere.
    Nothing(()),
}

/// The items of a list in a body.
pub(crate) fn items(list: &Value) -> Vec<Cow<'_, str>> {
    let items = list.as_array().into_iter().flatten();
    items
        .map(|item| item.as_str().unwrap_or("?").into())
        .collect()
}

/// A text in a body, if there is one.
pub(crate) fn text(text: &Value) -> Vec<Cow<'_, str>> {
    match text {
        Value::Null => Vec::new(),
        text => vec![text.as_str().unwrap_or("?").into()],
    }
}

/// The number of characters of a text in a body.
pub(crate) fn characters(text: &Value) -> u64 {
    text.as_str().unwrap_or_default().chars().count() as u64
}

/// A property in a body, which the API takes as false where it is absent.
pub(crate) fn flag(property: &Value) -> bool {
    property.as_bool().unwrap_or(false)
}

/// A request, with what is known of the call that it belongs to.
pub(crate) struct RequestFacts<'a> {
    pub(crate) rule: Rule,
    pub(crate) operation: Operation,
    pub(crate) request: &'a Request,
    /// How many of its kind were sent before in this call.
    pub(crate) before: usize,
}

/// Which component is to run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ComponentFacts<'a> {
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub digest: &'a str,
    /// Whether it is the one that is built in.
    pub is_built_in: bool,
    /// The interfaces that it imports, with their versions.
    pub imports: Vec<&'a str>,
}

impl<'a> ComponentFacts<'a> {
    /// The component with this digest, which imports these interfaces.
    pub fn new(digest: &'a str, is_built_in: bool, imports: Vec<&'a str>) -> Self {
        Self {
            digest,
            is_built_in,
            imports,
        }
    }
}

/// What moves the trust away from the API's own address and the bundled authorities.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrustFacts {
    /// The connection is made to another address.
    pub connect_to: bool,
    /// The certificate authorities in a file are trusted.
    pub ca_file: bool,
    /// The certificate authorities of the system are trusted.
    pub system_certs: bool,
    /// It is a configuration file that says so.
    pub configured: bool,
    /// The API's name leads to a fake address.
    pub fake_addresses: bool,
    /// A proxy makes the connection.
    pub proxy: bool,
}

/// Where an identity token is to come from, and what it is for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct IdentityFacts<'a> {
    /// The federated identity, by its client id.
    pub client_id: &'a str,
    /// The audience that the token is for.
    pub audience: &'a str,
    /// Where the token comes from, or what is asked about it.
    pub source: IdentitySource<'a>,
}

/// Where an identity token is to come from, as the policy sees it.
#[derive(Clone, Copy, Debug)]
pub enum IdentitySource<'a> {
    /// The file at this path.
    File(&'a str),
    /// The variable of this name.
    Variable(&'a str),
    /// This program.
    Command {
        /// As it was named.
        name: &'a str,
        /// Where it was found.
        path: &'a str,
    },
    /// GitHub's token service at this host.
    Github {
        /// The host.
        host: &'a str,
    },
    /// What the issuer of a token publishes, at this host.
    Issuer {
        /// The host.
        host: &'a str,
    },
    /// The service of another platform, by the name that policies have for it.
    Platform(&'a str),
}

impl<'a> IdentityFacts<'a> {
    /// A token from this source for the identity of this client id.
    pub fn new(client_id: &'a str, audience: &'a str, source: IdentitySource<'a>) -> Self {
        Self {
            client_id,
            audience,
            source,
        }
    }

    /// The audience that an identity has where nobody gives it another one, and that
    /// every policy takes.
    pub fn usual_audience(client_id: &str) -> String {
        format!("api.tailscale.com/{client_id}")
    }

    /// Those that the policy has to name.
    pub(crate) fn audiences(&self) -> Vec<Cow<'a, str>> {
        if self.audience == Self::usual_audience(self.client_id) {
            Vec::new()
        } else {
            vec![self.audience.into()]
        }
    }

    pub(crate) fn sources(&self) -> Vec<Cow<'a, str>> {
        match self.source {
            IdentitySource::Github { .. } => vec!["github".into()],
            IdentitySource::Platform(name) => vec![name.into()],
            _ => Vec::new(),
        }
    }

    pub(crate) fn files(&self) -> Vec<Cow<'a, str>> {
        match self.source {
            IdentitySource::File(path) => vec![path.into()],
            _ => Vec::new(),
        }
    }

    pub(crate) fn variables(&self) -> Vec<Cow<'a, str>> {
        match self.source {
            IdentitySource::Variable(name) => vec![name.into()],
            _ => Vec::new(),
        }
    }

    pub(crate) fn commands(&self) -> Vec<Cow<'a, str>> {
        match self.source {
            IdentitySource::Command { name, .. } => vec![name.into()],
            _ => Vec::new(),
        }
    }

    pub(crate) fn issuer_hosts(&self) -> Vec<Cow<'a, str>> {
        match self.source {
            IdentitySource::Issuer { host } => vec![host.into()],
            _ => Vec::new(),
        }
    }

    pub(crate) fn hosts(&self) -> Vec<Cow<'a, str>> {
        match self.source {
            IdentitySource::Github { host } => vec![host.into()],
            _ => Vec::new(),
        }
    }
}
