//! The policy file, member by member: this is the one place that says what a policy can
//! say.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;
use tailmint_api::{Expiry, Issuer, Kind, Operation, Route, Rule, Scope, Tag};
use tailmint_core::Denial;
use toml::Spanned;

use crate::{
    Body, MAX_BODY_BYTES,
    choice::Choice as _,
    member::{
        Addresses, At, Confining, Fixed, Form, Header, Hosts, KeyType, Member, Misfit, Mode, Most,
        Names, Patterns, Permission, Pins, Property, QueryName, Source, VERSION, Version,
    },
    section::{join, section},
    seen::{RequestFacts, Seen, characters, flag, items, text},
};

section! {
    /// A whole policy.
    Document, DocumentGiven, Nothing(()) {
        /// The version of the format. Every file has it.
        version: Version = "version" => Seen::Nothing(()),
        /// `"enforce"` denies what the policy does not allow. `"report"` only logs it as
        /// denied, and sends it. A request that nobody asked for is denied even so.
        mode: Mode = "mode" => Seen::Nothing(()),
        /// `"required"` is an error, before anything is sent, where the kernel does not limit
        /// the files, the TCP ports and the system calls of what speaks to the network
        /// (Linux 6.7 with Landlock and seccomp does). `"best-effort"` goes on without.
        confinement: Confining = "confinement" => Seen::Nothing(()),
        /// What may move the trust away from the API's own address and the bundled
        /// certificate authorities.
        trust: TrustSection = "trust" => Seen::Nothing(()),
        /// Which component may run.
        component: ComponentSection = "component" => Seen::Nothing(()),
        /// Where OAuth clients may be delivered to.
        vault: VaultSection = "vault" => Seen::Nothing(()),
        /// Which programs may be run to print a credential.
        credentials: CredentialsSection = "credentials" => Seen::Nothing(()),
        /// Which machines keys may be handed to by ssh.
        ssh: SshSection = "ssh" => Seen::Nothing(()),
        /// Where the identity tokens of federated identities may come from.
        identity: IdentitySection = "identity" => Seen::Nothing(()),
        /// The rules: one for each request that the component can make.
        rule: Rules = "rule" => Seen::Nothing(()),
    }
}

section! {
    /// What may move the trust away from the API's own address and the bundled
    /// certificate authorities.
    TrustSection, TrustGiven, Trust(facts) {
        /// Whether `--connect-to` may lead the connection to another address.
        connect_to: Permission = "another address for the connection" => Seen::Flag(facts.connect_to),
        /// Whether `--ca-file` may name other certificate authorities.
        ca_file: Permission = "other certificate authorities" => Seen::Flag(facts.ca_file),
        /// Whether `--system-certs` may have the certificate authorities of the system
        /// trusted.
        system_certs: Permission = "the system's certificate authorities" => Seen::Flag(facts.system_certs),
        /// Whether the configuration file may name other certificate authorities in place
        /// of these flags: `ca-file` and `system-certs` in it.
        configured: Permission = "certificate authorities from the configuration file" => Seen::Flag(facts.configured),
        /// Whether the API's name may lead to a fake address (198.18.0.0/15), as local
        /// proxies give out. The certificate still proves that the API is behind it.
        fake_addresses: Permission = "a fake address of the API" => Seen::Flag(facts.fake_addresses),
        /// Whether `$HTTPS_PROXY` may make the connection.
        proxy: Permission = "a proxy" => Seen::Flag(facts.proxy),
    }
}

section! {
    /// Which component may run.
    ComponentSection, ComponentGiven, Component(facts) {
        /// The SHA-256 digests of the components that may run. An empty list stands for
        /// the built-in one.
        sha256: Pins = "component.sha256" => Seen::Component(facts),
        /// The interfaces that a component may import.
        imports: Names<String> = "component.imports" => Seen::Names(
            facts.imports.iter().map(|import| (*import).into()).collect(),
        ); remedy if false,
    }
}

section! {
    /// Where OAuth clients may be delivered to.
    VaultSection, VaultGiven, Vault(address) {
        /// The addresses of Vaults. An empty list allows no delivery.
        addresses: Addresses = "address" => Seen::Vault(address),
    }
}

section! {
    /// Which programs may be run to print a credential.
    CredentialsSection, CredentialsGiven, Command(program) {
        /// The programs, by their names in `$PATH` or by their absolute paths. An empty list
        /// allows none.
        commands: Names<String> = "command" => Seen::Names(vec![program.into()]),
    }
}

section! {
    /// Which machines keys may be handed to by ssh.
    SshSection, SshGiven, SshHost(host) {
        /// The machines, as they are given on the command line, or without their users.
        /// `*` stands for all. An empty list allows none.
        hosts: Names<String> = "host" => Seen::Names(vec![host.into()]),
    }
}

section! {
    /// Where the identity tokens of federated identities may come from. The built-in
    /// policy lets them come from nowhere.
    IdentitySection, IdentityGiven, Identity(facts) {
        /// The federated identities whose tokens may be taken from these sources, by their
        /// client ids.
        client_ids: Names<String> = "identity.client-id" => Seen::Names(
            vec![facts.client_id.into()],
        ),
        /// The audiences that tokens may be for, beside `api.tailscale.com/CLIENT-ID`.
        audiences: Names<String> = "identity.audience" => Seen::Names(facts.audiences()),
        /// The platforms that may be asked for a token.
        sources: Names<Source> = "identity.source" => Seen::Names(facts.sources()),
        /// The files that may be read, by their absolute paths.
        files: Names<String> = "identity.file" => Seen::Names(facts.files()),
        /// The variables that may be read, by their names. `file:PATH` in one is read
        /// where `files` has the path too.
        environment: Names<String> = "identity.variable" => Seen::Names(facts.variables()),
        /// The programs that may be run to print a token, by their names in `$PATH` or by
        /// their absolute paths.
        commands: Names<String> = "identity.command" => Seen::Names(facts.commands()),
        /// The hosts that GitHub's token service may be at. `*.` stands for one label or
        /// more.
        github_hosts: Hosts = "identity.host" => Seen::Names(facts.hosts()),
        /// The hosts that `check --probe-issuer` may fetch the documents of issuers from:
        /// the discovery document, and the keys. `*.` stands for one label or more.
        issuer_hosts: Hosts = "identity.issuer-host" => Seen::Names(facts.issuer_hosts()),
    }
}

section! {
    /// What a request may look like.
    RequestRule, RequestGiven, Request(facts) {
        /// The request. It cannot be changed.
        route: Fixed = "route" => Seen::Nothing(()),
        /// The operations that may send the request.
        operations: Names<Operation> = "operation" => Seen::Names(
            vec![facts.operation.name().into()],
        ),
        /// How many of them one call may send.
        count: Most<usize> = "count" => Seen::Number(
            Some(facts.before as u64 + 1),
            "such requests",
            // Only checks of scopes need a request more than once.
        ); remedy if facts.before == 0 || facts.rule == Rule::CheckScope,
        /// The members that its query may have.
        query: Names<QueryName> = "query" => Seen::Names(facts.request.query_names()),
        /// The headers that it may have.
        headers: Names<Header> = "header" => Seen::Names(
            facts.request.headers.keys().map(|name| name.as_str().into()).collect(),
        ),
        /// The most bytes that its body may have.
        max_body_bytes: Most<usize> = "body" => Seen::Number(
            Some(facts.request.body_bytes as u64),
            "bytes",
        ),
        /// The content type of its body. It cannot be changed.
        content_type: Option<Fixed> = "header \"content-type\"" => Seen::Text(
            facts.request.content_type(),
        ),
        /// The scopes that it may ask for.
        scopes: Option<Names<Scope>> = "body.scope" => Seen::Names(
            match &facts.request.body {
                Body::Form(members) => members
                    .iter()
                    .filter(|(name, _)| name == "scope")
                    .flat_map(|(_, scopes)| scopes.split(' '))
                    .map(Into::into)
                    .collect(),
                Body::Empty | Body::Json(_) => Vec::new(),
            },
        ),
        /// What the auth key may be that it creates.
        key: Option<KeySection> = "body" => Seen::Body(facts.request.json()),
        /// What the OAuth client may be that it creates.
        client: Option<ClientSection> = "body" => Seen::Body(facts.request.json()),
        /// What the federated identity may be that it creates or changes.
        identity: Option<IdentityPropertiesSection> = "body" => Seen::Body(facts.request.json()),
    }
}

section! {
    /// What a new auth key may be.
    KeySection, KeyGiven, Body(Some(body)) {
        /// The kinds of keys.
        types: Names<KeyType> = "body.keyType" => Seen::Names(vec![
            // The API creates an auth key where the member is absent.
            body["keyType"].as_str().unwrap_or(match body.get("keyType") {
                None => "auth",
                Some(_) => "?",
            }).into(),
        ]),
        /// The tags of the devices that join with the key.
        tags: Names<Tag> = "body.capabilities.devices.create.tags" => Seen::SomeNames(
            items(&created(body)["tags"]),
        ),
        /// Whether the key may join more than one device.
        reusable: Property = "body.capabilities.devices.create.reusable" => Seen::Flag(
            flag(&created(body)["reusable"]),
        ),
        /// Whether its devices are removed when they go offline.
        ephemeral: Property = "body.capabilities.devices.create.ephemeral" => Seen::Flag(
            flag(&created(body)["ephemeral"]),
        ),
        /// Whether its devices need no approval.
        preauthorized: Property = "body.capabilities.devices.create.preauthorized" => Seen::Flag(
            flag(&created(body)["preauthorized"]),
        ),
        /// How long the key may join devices, at most. Without an expiry the API takes
        /// the longest, so that a request without one is denied.
        max_expiry: Most<Expiry> = "body.expirySeconds" => Seen::Number(
            body["expirySeconds"].as_u64(),
            "seconds",
        ),
        /// How long its description may be, at most.
        max_description_characters: Most<usize> = "body.description" => Seen::Number(
            Some(characters(&body["description"])),
            "characters",
        ),
    }
}

section! {
    /// What a new OAuth client may be.
    ClientSection, ClientGiven, Body(Some(body)) {
        /// The scopes that it may have.
        scopes: Names<Scope> = "body.scopes" => Seen::SomeNames(items(&body["scopes"])),
        /// The tags that it may give to devices.
        tags: Names<Tag> = "body.tags" => Seen::Names(items(&body["tags"])),
        /// How long its description may be, at most.
        max_description_characters: Most<usize> = "body.description" => Seen::Number(
            Some(characters(&body["description"])),
            "characters",
        ),
    }
}

section! {
    /// What a federated identity may be.
    IdentityPropertiesSection, IdentityPropertiesGiven, Body(Some(body)) {
        /// The issuers whose tokens it may take. An empty list allows none.
        issuers: Names<Issuer> = "body.issuer" => Seen::SomeNames(text(&body["issuer"])),
        /// The subjects whose tokens it may take: `repo:acme/*` allows `repo:acme/web:*`.
        /// An empty list allows none.
        subjects: Patterns = "body.subject" => Seen::SomeNames(text(&body["subject"])),
        /// The audiences that its tokens may be for, beside the one that the API makes. Who
        /// else gets tokens for such an audience can use them too.
        audiences: Names<String> = "body.audience" => Seen::Names(text(&body["audience"])),
        /// The scopes that it may have.
        scopes: Names<Scope> = "body.scopes" => Seen::SomeNames(items(&body["scopes"])),
        /// The tags that it may give to devices.
        tags: Names<Tag> = "body.tags" => Seen::Names(items(&body["tags"])),
        /// How long its description may be, at most.
        max_description_characters: Most<usize> = "body.description" => Seen::Number(
            Some(characters(&body["description"])),
            "characters",
        ),
    }
}

/// What a new key gives to devices.
fn created(body: &Value) -> &Value {
    &body["capabilities"]["devices"]["create"]
}

/// The rule of each request, in the order of [`Rule::ALL`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rules(Vec<RequestRule>);

impl Rules {
    pub(crate) fn of(&self, rule: Rule) -> &RequestRule {
        let index = Rule::ALL.iter().position(|it| *it == rule);
        &self.0[index.expect("every rule is one of all")]
    }

    fn iter(&self) -> impl Iterator<Item = (Rule, &RequestRule)> {
        Rule::ALL.iter().copied().zip(&self.0)
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(rule, request)| (rule.name(), request)))
    }
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rules = BTreeMap::<Rule, RequestRule>::deserialize(deserializer)?;
        let all = Rule::ALL.iter().map(|rule| {
            let found = rules.remove(rule);
            found.ok_or_else(|| D::Error::custom(format!("there is no rule {rule}")))
        });
        Ok(Self(all.collect::<Result<_, _>>()?))
    }
}

impl Member for Rules {
    type Given = BTreeMap<Rule, Spanned<RequestGiven>>;

    fn over(mut given: Self::Given, base: &Self, _name: &str) -> Result<Self, Misfit> {
        let all = base.iter().map(|(rule, base)| match given.remove(&rule) {
            None => Ok(base.clone()),
            Some(given) => {
                let span = given.span();
                RequestRule::over(given.into_inner(), base, rule.name())
                    .map_err(|misfit| misfit.within(span))
            }
        });
        Ok(Self(all.collect::<Result<_, _>>()?))
    }

    fn wider_than(&self, ceiling: &Self, path: &str) -> Option<String> {
        self.iter()
            .find_map(|(rule, own)| own.wider_than(ceiling.of(rule), &join(path, rule.name())))
    }

    fn judge(&self, at: &At<'_>, seen: Seen<'_>) -> Result<(), Denial> {
        let Seen::Request(facts) = &seen else {
            return Err(crate::member::mismatch(at));
        };
        let name = facts.rule.name();
        self.of(facts.rule)
            .judge(&At::section(Some(at), name), seen)
    }

    fn schema() -> Value {
        let rules = Rule::ALL.iter().map(|rule| crate::member::MemberDoc {
            name: rule.name().to_owned(),
            docs: rule.description(),
            form: RequestRule::form(),
            schema: RequestRule::schema(),
        });
        crate::member::object("The rules.", rules.collect())
    }

    fn form() -> Form {
        RequestRule::form()
    }
}

/// The API takes descriptions of as many.
const MAX_DESCRIPTION_CHARACTERS: usize = tailmint_api::MAX_DESCRIPTION_BYTES;

/// The scopes that the built-in policy lets somebody ask about.
const CHECKED_SCOPES: [&str; 5] = [
    "auth_keys",
    "devices",
    "devices:core",
    "oauth_keys",
    "services",
];

/// The scopes that new clients may have: those of the built-in profiles, under their
/// present names too.
const CLIENT_SCOPES: [&str; 4] = ["auth_keys", "devices", "devices:core", "services"];

/// The tags of the built-in profiles.
const TAGS: [&str; 2] = ["tag:k8s-operator", "tag:tazpod"];

/// A profile has under ten scopes, each of which takes a request to check.
const CHECKS: usize = 16;

fn named<T: std::str::FromStr>(names: &[&str]) -> Names<T> {
    let names = names.iter().filter_map(|name| name.parse().ok());
    Names(names.collect())
}

impl RequestRule {
    /// What the built-in profiles need of the request, and no more.
    fn built_in(rule: Rule) -> Self {
        let route = rule.route();
        let is_for_token = rule.is_for_token();
        let content_type = match (is_for_token, rule.has_json()) {
            (true, _) => Some("application/x-www-form-urlencoded"),
            (false, true) => Some("application/json"),
            (false, false) => None,
        };
        let headers = Header::ALL
            .iter()
            .copied()
            .filter(|header| match header.word() {
                "authorization" => !is_for_token,
                "content-type" => content_type.is_some(),
                _ => true,
            });
        let query = route.query().and_then(|query| query.split_once('='));
        let mut scopes: Vec<_> = rule.operations().filter_map(Operation::scope).collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self {
            route: Fixed(format!("{} {}", route.method().as_str(), route.template())),
            operations: Names(rule.operations().collect()),
            count: Most(if rule == Rule::CheckScope { CHECKS } else { 1 }),
            query: query.map_or(Names(Vec::new()), |(name, _)| named(&[name])),
            headers: Names(headers.collect()),
            max_body_bytes: Most(content_type.map_or(0, |_| MAX_BODY_BYTES)),
            content_type: content_type.map(|text| Fixed(text.to_owned())),
            scopes: match rule {
                Rule::CheckScope => Some(named(&CHECKED_SCOPES)),
                // An exchange asks for none.
                _ if route == Route::Token => Some(named(&scopes)),
                _ => None,
            },
            key: (rule.effect().creates() == Some(Kind::AuthKey)).then(KeySection::built_in),
            client: (rule.effect().creates() == Some(Kind::OauthClient))
                .then(ClientSection::built_in),
            identity: matches!(rule, Rule::CreateIdentity | Rule::UpdateIdentity)
                .then(IdentityPropertiesSection::built_in),
        }
    }
}

impl KeySection {
    fn built_in() -> Self {
        Self {
            types: named(&["auth"]),
            tags: named(&TAGS),
            reusable: Property::ALLOW,
            ephemeral: Property::ALLOW,
            preauthorized: Property::ALLOW,
            max_expiry: Most(Expiry::DEFAULT),
            max_description_characters: Most(MAX_DESCRIPTION_CHARACTERS),
        }
    }
}

impl ClientSection {
    fn built_in() -> Self {
        Self {
            scopes: named(&CLIENT_SCOPES),
            tags: named(&TAGS),
            max_description_characters: Most(MAX_DESCRIPTION_CHARACTERS),
        }
    }
}

impl IdentityPropertiesSection {
    /// No issuer and no subject: who may come in without a secret is said by a person.
    fn built_in() -> Self {
        Self {
            issuers: Names(Vec::new()),
            subjects: Patterns::default(),
            audiences: Names(Vec::new()),
            scopes: named(&CLIENT_SCOPES),
            tags: named(&TAGS),
            max_description_characters: Most(MAX_DESCRIPTION_CHARACTERS),
        }
    }
}

/// What a component imports that speaks HTTP, and nothing more.
const IMPORTS: [&str; 5] = [
    "wasi:http/outgoing-handler@0.2.0",
    "wasi:http/types@0.2.0",
    "wasi:io/error@0.2.0",
    "wasi:io/poll@0.2.0",
    "wasi:io/streams@0.2.0",
];

/// Where GitHub's own token service is. A GitHub Enterprise Server has its own host.
const GITHUB_HOSTS: &str = "*.actions.githubusercontent.com";

impl Document {
    /// What the two built-in profiles need, and no more.
    pub(crate) fn built_in() -> Self {
        Self {
            version: VERSION,
            mode: Mode::ENFORCE,
            confinement: Confining::BEST_EFFORT,
            trust: TrustSection {
                connect_to: Permission::ALLOW,
                ca_file: Permission::ALLOW,
                system_certs: Permission::ALLOW,
                configured: Permission::FORBID,
                fake_addresses: Permission::FORBID,
                proxy: Permission::ALLOW,
            },
            component: ComponentSection {
                sha256: Pins::default(),
                imports: named(&IMPORTS),
            },
            vault: VaultSection {
                addresses: Addresses::default(),
            },
            credentials: CredentialsSection {
                commands: Names(Vec::new()),
            },
            ssh: SshSection {
                hosts: Names(Vec::new()),
            },
            identity: IdentitySection {
                client_ids: Names(Vec::new()),
                audiences: Names(Vec::new()),
                sources: Names(Vec::new()),
                files: Names(Vec::new()),
                environment: Names(Vec::new()),
                commands: Names(Vec::new()),
                github_hosts: Hosts::of(GITHUB_HOSTS),
                issuer_hosts: Hosts::default(),
            },
            rule: Rules(
                Rule::ALL
                    .iter()
                    .copied()
                    .map(RequestRule::built_in)
                    .collect(),
            ),
        }
    }

    /// Whether the policy allows the request under its rule.
    pub(crate) fn check(&self, facts: &RequestFacts<'_>) -> Result<(), Denial> {
        self.rule
            .judge(&At::section(None, "rule"), Seen::Request(facts))
    }

    /// Whether the policy allows what a request with this body would create, before
    /// anything is sent for it.
    pub(crate) fn check_body(&self, rule: Rule, body: &Value) -> Result<(), Denial> {
        let rules = At::section(None, "rule");
        let at = At::section(Some(&rules), rule.name());
        let rule = self.rule.of(rule);
        let seen = || Seen::Body(Some(body));
        rule.key.judge(&At::section(Some(&at), "key"), seen())?;
        rule.client
            .judge(&At::section(Some(&at), "client"), seen())?;
        rule.identity
            .judge(&At::section(Some(&at), "identity"), seen())
    }
}
