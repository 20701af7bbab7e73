//! What the scenarios do.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fmt::Write,
    sync::atomic::{AtomicBool, Ordering},
};

mod claimed;

use claimed::{Called, claim_of};

use tailmint_api::Route;

use crate::{Action, Body, Claim, Lie, Request, Waste, all, exchanges};

#[expect(clippy::pedantic, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "minter",
        generate_all,
    });
}

use bindings::exports::tailmint::api::{
    auth_keys::Guest, federated_identities::Guest as Identities, oauth_clients::Guest as Clients,
    types,
};
use bindings::wasi::{
    http::{
        outgoing_handler,
        types::{
            Fields, FutureIncomingResponse, IncomingBody, Method, OutgoingBody, OutgoingRequest,
            Scheme,
        },
    },
    io::streams::StreamError,
};

struct Component;

#[expect(unsafe_code, reason = "generated: the component's exported symbols")]
mod export {
    use super::{Component, bindings};

    bindings::export!(Component with_types_in bindings);
}

/// An allocator that can be told to loop.
struct Looping;

static IN_FREE: AtomicBool = AtomicBool::new(false);

/// The length of the name of the scenario that loops when the host asks for
/// memory for it.
const LOOPING_SIZE: usize = 779;

#[expect(unsafe_code, reason = "an allocator")]
// SAFETY: it hands on to the system's, or never returns.
unsafe impl GlobalAlloc for Looping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() == LOOPING_SIZE {
            forever();
        }
        // SAFETY: the caller's duties are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if IN_FREE.load(Ordering::Relaxed) {
            forever();
        }
        // SAFETY: the caller's duties are the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Looping = Looping;

fn forever() -> ! {
    let mut count = 0_u64;
    loop {
        count = std::hint::black_box(count.wrapping_add(1));
    }
}

impl Guest for Component {
    fn mint(
        credential: types::Credential,
        tailnet: String,
        properties: types::KeyProperties,
    ) -> Result<types::MintedKey, types::Error> {
        if let Some((claim, client)) = claim_of(&credential) {
            let tags = tags_of(&properties);
            let called = Called {
                client,
                tailnet: &tailnet,
                id: "",
                body: key_body(&properties, &tags, properties.expiry_seconds),
                scopes: &[],
            };
            return called.say(claim, |seen| types::MintedKey {
                key: member(seen, "key").unwrap_or_default(),
                details: lied_key(member(seen, "id").unwrap_or_default()),
            });
        }
        let Some(client) = Asker::of(credential) else {
            return Err(told("nobody asks"));
        };
        if let Some(request) = Request::of_vector(&client.id) {
            return Err(send(&request, &client));
        }
        // Each table where it is needed alone: fuel is short.
        let table = match client.route {
            Route::TokenExchange => exchanges(),
            _ => all(),
        };
        let mut table = table.into_iter();
        let Some(scenario) = table.find(|it| it.is_of(&client.id)) else {
            return Err(told("no such scenario"));
        };
        match scenario.action {
            Action::Send(request) => Err(send(&request, &client)),
            Action::Lie(lie) => mint(&client, &properties, lie),
            Action::Confess => {
                let mut seen = format!("{} {}", client.id, client.secret);
                let minted = honest(&client, &properties, &mut seen);
                write!(seen, "{minted:?}").ok();
                Err(told(&seen))
            }
            Action::Waste(waste) => {
                spend(waste, &client);
                Err(told("it let me"))
            }
        }
    }

    fn list(
        credential: types::Credential,
        tailnet: String,
    ) -> Result<Vec<types::AuthKey>, types::Error> {
        claim(&credential, &tailnet, "", |_| Vec::new())
    }

    fn get(
        credential: types::Credential,
        tailnet: String,
        id: String,
    ) -> Result<types::AuthKey, types::Error> {
        claim(&credential, &tailnet, &id, |_| lied_key(id.clone()))
    }

    fn revoke(
        credential: types::Credential,
        tailnet: String,
        id: String,
    ) -> Result<(), types::Error> {
        claim(&credential, &tailnet, &id, |_| ())
    }
}

impl Clients for Component {
    fn create(
        credential: types::Credential,
        tailnet: String,
        properties: types::ClientProperties,
    ) -> Result<types::NewClient, types::Error> {
        let Some((claim, client)) = claim_of(&credential) else {
            return Err(told("no"));
        };
        let called = Called {
            client,
            tailnet: &tailnet,
            id: "",
            body: format!(
                r#"{{"keyType":"client","description":"{}","scopes":[{}],"tags":[{}]}}"#,
                properties.description,
                list(&properties.scopes),
                list(&properties.tags)
            ),
            scopes: &[],
        };
        called.say(claim, |seen| types::NewClient {
            secret: member(seen, "key").unwrap_or_default(),
            details: types::ClientDetails {
                id: member(seen, "id").unwrap_or_default(),
                created: String::new(),
                invalid: true,
                properties: properties.clone(),
            },
        })
    }

    fn list(
        credential: types::Credential,
        tailnet: String,
    ) -> Result<Vec<types::ClientDetails>, types::Error> {
        claim(&credential, &tailnet, "", |_| Vec::new())
    }

    fn remove(
        credential: types::Credential,
        tailnet: String,
        id: String,
    ) -> Result<(), types::Error> {
        claim(&credential, &tailnet, &id, |_| ())
    }

    fn check(
        client: types::OauthClient,
        scopes: Vec<String>,
    ) -> Result<Vec<types::ScopeCheck>, types::Error> {
        let Ok(claim) = client.id.parse() else {
            return Err(told("no"));
        };
        let called = Called {
            client: &client,
            tailnet: "",
            id: "",
            body: String::new(),
            scopes: &scopes,
        };
        called.say(claim, |_| {
            let checked = scopes.iter().map(|scope| types::ScopeCheck {
                scope: scope.clone(),
                granted: true,
                tags: vec!["tag:any".to_owned()],
            });
            checked.collect()
        })
    }
}

impl Identities for Component {
    fn create(
        credential: types::Credential,
        tailnet: String,
        properties: types::IdentityProperties,
    ) -> Result<types::IdentityDetails, types::Error> {
        identity(&credential, &tailnet, "", &properties)
    }

    fn list(
        credential: types::Credential,
        tailnet: String,
    ) -> Result<Vec<types::IdentityDetails>, types::Error> {
        claim(&credential, &tailnet, "", |_| Vec::new())
    }

    fn update(
        credential: types::Credential,
        tailnet: String,
        id: String,
        properties: types::IdentityProperties,
    ) -> Result<types::IdentityDetails, types::Error> {
        identity(&credential, &tailnet, &id, &properties)
    }

    fn remove(
        credential: types::Credential,
        tailnet: String,
        id: String,
    ) -> Result<(), types::Error> {
        claim(&credential, &tailnet, &id, |_| ())
    }

    fn check(identity: types::FederatedIdentity) -> Result<types::IdentityGrant, types::Error> {
        let Some(claim) = Claim::of_client_id(&identity.client_id) else {
            return Err(told("no"));
        };
        claimed::exchanged(claim, &identity, || types::IdentityGrant {
            scopes: vec!["all".to_owned()],
            tags: vec!["tag:any".to_owned()],
        })
    }
}

/// Says what the credential names of an identity that is created or changed.
fn identity(
    credential: &types::Credential,
    tailnet: &str,
    id: &str,
    properties: &types::IdentityProperties,
) -> Result<types::IdentityDetails, types::Error> {
    let Some((claim, client)) = claim_of(credential) else {
        return Err(told("no"));
    };
    let called = Called {
        client,
        tailnet,
        id,
        body: format!(
            r#"{{"keyType":"federated","description":"{}","scopes":[{}],"tags":[{}],"issuer":"{}","subject":"{}"}}"#,
            properties.description,
            list(&properties.scopes),
            list(&properties.tags),
            properties.issuer,
            properties.subject
        ),
        scopes: &[],
    };
    called.say(claim, |seen| types::IdentityDetails {
        id: member(seen, "id").unwrap_or_default(),
        created: String::new(),
        invalid: true,
        properties: properties.clone(),
    })
}

/// The texts as they stand in a list of JSON.
fn list(texts: &[String]) -> String {
    let texts: Vec<_> = texts.iter().map(|it| format!("\"{it}\"")).collect();
    texts.join(",")
}

/// Says what the credential names of a request without a body.
fn claim<T>(
    credential: &types::Credential,
    tailnet: &str,
    id: &str,
    success: impl FnOnce(&str) -> T,
) -> Result<T, types::Error> {
    let Some((claim, client)) = claim_of(credential) else {
        return Err(told("no"));
    };
    let called = Called {
        client,
        tailnet,
        id,
        body: String::new(),
        scopes: &[],
    };
    called.say(claim, success)
}

/// A key that is said to be used up, and to have been for anything.
fn lied_key(id: String) -> types::AuthKey {
    types::AuthKey {
        id,
        created: String::new(),
        expires: String::new(),
        invalid: true,
        properties: types::KeyProperties {
            reusable: true,
            ephemeral: true,
            preauthorized: true,
            tags: Vec::new(),
            expiry_seconds: 1,
            description: None,
        },
    }
}

fn told(what: &str) -> types::Error {
    types::Error::MalformedResponse(problem(what))
}

/// Of a request that could not even be put together.
fn not_taken(what: &str) -> types::Error {
    types::Error::InvalidRequest(problem(what))
}

fn problem(what: &str) -> types::Problem {
    types::Problem {
        message: what.to_owned(),
        hint: String::new(),
        status: None,
    }
}

/// Who asks: the id that a scenario is known by, and the secret as the component sees it.
struct Asker {
    id: String,
    secret: String,
    /// Where the secret belongs.
    route: Route,
}

impl Asker {
    fn of(credential: types::Credential) -> Option<Self> {
        match credential {
            types::Credential::ApiKey(_) => None,
            types::Credential::OauthClient(client) => Some(Self {
                id: client.id,
                secret: client.secret,
                route: Route::Token,
            }),
            types::Credential::FederatedIdentity(identity) => Some(Self {
                id: identity.client_id,
                secret: identity.id_token,
                route: Route::TokenExchange,
            }),
        }
    }

    fn form(&self) -> String {
        let (id, secret) = (&self.id, &self.secret);
        match self.route {
            Route::TokenExchange => format!("client_id={id}&jwt={secret}"),
            _ => format!(
                "client_id={id}&client_secret={secret}&grant_type=client_credentials&scope=auth_keys"
            ),
        }
    }

    /// The text with the secret in it, where it says so.
    fn fill(&self, text: &str) -> String {
        text.replace("SECRET", &self.secret)
    }
}

fn body_of(body: &Body, client: &Asker) -> Vec<u8> {
    match body {
        Body::Token | Body::Announced(_) | Body::Trailers => client.form().into_bytes(),
        Body::Bytes(bytes) => match str::from_utf8(bytes) {
            Ok(text) => client.fill(text).into_bytes(),
            Err(_) => bytes.clone(),
        },
        Body::Long(length) => vec![b'a'; *length],
        Body::Form(name, value) => {
            let value = client.fill(value).replace(' ', "+");
            let mut form = Vec::new();
            let mut placed = false;
            for member in client.form().split('&') {
                if member.split('=').next() == Some(name) {
                    form.push(format!("{name}={value}"));
                    placed = true;
                } else {
                    form.push(member.to_owned());
                }
            }
            if !placed {
                form.push(format!("{name}={value}"));
            }
            form.join("&").into_bytes()
        }
    }
}

/// Sends it as it is. What comes of it is told, word by word; what the host's types
/// do not take is told as that.
fn send(request: &Request, client: &Asker) -> types::Error {
    let fields = Fields::new();
    let mut set = vec![
        ("accept".to_owned(), b"application/json".to_vec()),
        (
            "content-type".to_owned(),
            b"application/x-www-form-urlencoded".to_vec(),
        ),
    ];
    set.extend(request.headers.clone());
    if let Body::Announced(length) = &request.body {
        set.push(("content-length".to_owned(), length.clone().into_bytes()));
    }
    for (name, value) in &set {
        let filled = str::from_utf8(value).map(|text| client.fill(text).into_bytes());
        let value = filled.as_ref().unwrap_or(value);
        if let Err(error) = fields.append(name, value) {
            return not_taken(&format!("header: {error:?}"));
        }
    }
    let outgoing = OutgoingRequest::new(fields);
    let scheme = request.scheme.as_deref().map(|scheme| match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    });
    let method = match request.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "HEAD" => Method::Head,
        "OPTIONS" => Method::Options,
        "CONNECT" => Method::Connect,
        "TRACE" => Method::Trace,
        other => Method::Other(other.to_owned()),
    };
    if outgoing.set_method(&method).is_err() {
        return not_taken("method");
    }
    if outgoing.set_scheme(scheme.as_ref()).is_err() {
        return not_taken("scheme");
    }
    if outgoing
        .set_authority(request.authority.as_deref())
        .is_err()
    {
        return not_taken("authority");
    }
    let path = request.path.as_deref().map(|path| client.fill(path));
    if outgoing.set_path_with_query(path.as_deref()).is_err() {
        return not_taken("path");
    }
    let Ok(body) = outgoing.body() else {
        return not_taken("body");
    };
    let future = match outgoing_handler::handle(outgoing, None) {
        Ok(future) => future,
        Err(error) => return not_taken(&format!("handle: {error:?}")),
    };
    let content = body_of(&request.body, client);
    if let Ok(stream) = body.write() {
        for part in content.chunks(4096) {
            if stream.blocking_write_and_flush(part).is_err() {
                break;
            }
        }
    }
    let trailers = matches!(request.body, Body::Trailers).then(|| {
        let trailers = Fields::new();
        trailers.append("authorization", b"Bearer x").ok();
        trailers
    });
    let finished = OutgoingBody::finish(body, trailers);
    told(&format!("{finished:?} {}", outcome(&future)))
}

fn outcome(future: &FutureIncomingResponse) -> String {
    future.subscribe().block();
    match future.get() {
        Some(Ok(Ok(response))) => format!("answer: {}", response.status()),
        Some(Ok(Err(error))) => format!("error: {error:?}"),
        _ => "nothing".to_owned(),
    }
}

/// One exchange as the contract has it; all that is seen is noted.
fn exchange(
    path: &str,
    bearer: Option<&str>,
    kind: &str,
    body: &str,
    seen: &mut String,
) -> Option<String> {
    let fields = Fields::new();
    fields.append("accept", b"application/json").ok()?;
    fields.append("content-type", kind.as_bytes()).ok()?;
    fields
        .append(
            "user-agent",
            concat!("tailmint/", env!("CARGO_PKG_VERSION")).as_bytes(),
        )
        .ok()?;
    if let Some(bearer) = bearer {
        fields
            .append("authorization", format!("Bearer {bearer}").as_bytes())
            .ok()?;
    }
    let outgoing = OutgoingRequest::new(fields);
    outgoing.set_method(&Method::Post).ok()?;
    outgoing.set_scheme(Some(&Scheme::Https)).ok()?;
    outgoing.set_authority(Some("api.tailscale.com")).ok()?;
    outgoing.set_path_with_query(Some(path)).ok()?;
    let outgoing_body = outgoing.body().ok()?;
    let future = outgoing_handler::handle(outgoing, None).ok()?;
    outgoing_body
        .write()
        .ok()?
        .blocking_write_and_flush(body.as_bytes())
        .ok()?;
    OutgoingBody::finish(outgoing_body, None).ok()?;
    future.subscribe().block();
    let response = future.get()?.ok()?.ok()?;
    write!(
        seen,
        "{} {:?}",
        response.status(),
        response.headers().entries()
    )
    .ok()?;
    let incoming = response.consume().ok()?;
    let text = read(&incoming);
    write!(seen, "{text}").ok()?;
    (response.status() == 200).then_some(text)
}

fn read(body: &IncomingBody) -> String {
    let mut text = Vec::new();
    if let Ok(stream) = body.stream() {
        loop {
            match stream.blocking_read(4096) {
                Ok(part) => text.extend(part),
                Err(StreamError::Closed | StreamError::LastOperationFailed(_)) => break,
            }
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The text of a member of an answer; enough for what this API answers.
fn member(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{name}\":\""))?;
    Some(rest.split('"').next()?.to_owned())
}

fn token(client: &Asker, seen: &mut String) -> Option<String> {
    let kind = "application/x-www-form-urlencoded";
    let path = client.route.path("", "");
    let text = exchange(&path, None, kind, &client.form(), seen)?;
    member(&text, "access_token")
}

fn key_body(properties: &types::KeyProperties, tags: &str, expiry: u32) -> String {
    format!(
        r#"{{"capabilities":{{"devices":{{"create":{{"reusable":{},"ephemeral":{},"preauthorized":{},"tags":[{tags}]}}}}}},"expirySeconds":{expiry}}}"#,
        properties.reusable, properties.ephemeral, properties.preauthorized
    )
}

fn tags_of(properties: &types::KeyProperties) -> String {
    let tags: Vec<_> = properties
        .tags
        .iter()
        .map(|tag| format!("\"{tag}\""))
        .collect();
    tags.join(",")
}

/// The id and the placeholder of a key that was asked for as it should be.
fn honest(
    client: &Asker,
    properties: &types::KeyProperties,
    seen: &mut String,
) -> Option<(String, String)> {
    let token = token(client, seen)?;
    let body = key_body(properties, &tags_of(properties), properties.expiry_seconds);
    let text = exchange(
        "/api/v2/tailnet/-/keys",
        Some(&token),
        "application/json",
        &body,
        seen,
    )?;
    Some((member(&text, "id")?, member(&text, "key")?))
}

fn mint(
    client: &Asker,
    properties: &types::KeyProperties,
    lie: Lie,
) -> Result<types::MintedKey, types::Error> {
    let mut seen = String::new();
    let missing = || told("no key to lie about");
    let result = |key: String, id: String| {
        Ok(types::MintedKey {
            key,
            details: types::AuthKey {
                id,
                created: String::new(),
                expires: String::new(),
                invalid: false,
                properties: properties.clone(),
            },
        })
    };
    match lie {
        Lie::Nothing => result(client.secret.clone(), "k1CNTRL".to_owned()),
        Lie::Token => {
            let token = token(client, &mut seen).ok_or_else(missing)?;
            result(token, "k1CNTRL".to_owned())
        }
        Lie::ExtraTag | Lie::LongerExpiry => {
            let token = token(client, &mut seen).ok_or_else(missing)?;
            let mut tags = tags_of(properties);
            let mut expiry = properties.expiry_seconds;
            if lie == Lie::ExtraTag {
                tags += ",\"tag:k8s-operator\"";
            } else {
                expiry -= 1;
                expiry += 3600;
            }
            let body = key_body(properties, &tags, expiry);
            let path = "/api/v2/tailnet/-/keys";
            let text = exchange(path, Some(&token), "application/json", &body, &mut seen);
            let text = text.ok_or_else(missing)?;
            result(
                member(&text, "key").unwrap_or_default(),
                member(&text, "id").unwrap_or_default(),
            )
        }
        lie => {
            let (id, key) = honest(client, properties, &mut seen).ok_or_else(missing)?;
            match lie {
                Lie::Key(text) => result(text.to_owned(), id),
                Lie::LongKey(length) => result("x".repeat(length), id),
                Lie::Secret => result(client.secret.clone(), id),
                Lie::Id => result(key, "kOTHERCNTRL".to_owned()),
                _ => Err(missing()),
            }
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one way to waste after the other")]
fn spend(waste: Waste, client: &Asker) {
    let request = || {
        let outgoing = OutgoingRequest::new(Fields::new());
        outgoing.set_method(&Method::Post).ok();
        outgoing.set_scheme(Some(&Scheme::Https)).ok();
        outgoing.set_authority(Some("api.tailscale.com")).ok();
        outgoing
            .set_path_with_query(Some("/api/v2/oauth/token"))
            .ok();
        outgoing
    };
    match waste {
        Waste::Loop | Waste::LoopInRealloc => forever(),
        Waste::LoopInPostReturn => IN_FREE.store(true, Ordering::Relaxed),
        Waste::Recursion => {
            std::hint::black_box(deeper(1));
        }
        Waste::Memory => {
            let mut held = Vec::new();
            loop {
                held.push(vec![1_u8; 64 * 1024]);
            }
        }
        Waste::MemoryAtOnce => {
            std::hint::black_box(core::arch::wasm32::memory_grow(0, 65_535));
            let mut held = Vec::new();
            loop {
                held.push(vec![1_u8; 16 * 1024 * 1024]);
            }
        }
        Waste::Fields => {
            let held: Vec<_> = (0..1_000_000).map(|_| Fields::new()).collect();
            std::hint::black_box(held);
        }
        Waste::Entries => {
            let fields = Fields::new();
            for number in 0..1_000_000 {
                if fields.append(&format!("x-{number}"), b"y").is_err() {
                    unreachable!("refused");
                }
            }
        }
        Waste::Value => {
            let fields = Fields::new();
            if fields.append("x", &vec![b'y'; 1024 * 1024]).is_err() {
                unreachable!("refused");
            }
        }
        Waste::Requests => {
            let held: Vec<_> = (0..1_000_000).map(|_| request()).collect();
            std::hint::black_box(held);
        }
        Waste::Polls => {
            let outgoing = request();
            let body = outgoing.body().ok();
            let future = outgoing_handler::handle(outgoing, None).ok();
            let held: Vec<_> = (0..1_000_000)
                .map(|_| future.as_ref().map(FutureIncomingResponse::subscribe))
                .collect();
            std::hint::black_box((held, body));
        }
        Waste::Text => {
            // More than its memory can hold, so that the host would copy what is
            // not there.
            let fields = Fields::new();
            let long = vec![b'y'; 16 * 1024 * 1024];
            for _ in 0..16 {
                fields.append("x", &long).ok();
            }
            unreachable!("refused");
        }
        Waste::List => {
            let fields = Fields::new();
            let values: Vec<Vec<u8>> = (0..500_000).map(|_| vec![b'y']).collect();
            fields.set("x", &values).ok();
            unreachable!("refused");
        }
        Waste::Concurrency => {
            let held: Vec<_> = (0..1000)
                .map(|_| {
                    let outgoing = request();
                    let body = outgoing.body().ok();
                    (outgoing_handler::handle(outgoing, None).ok(), body)
                })
                .collect();
            std::hint::black_box(held);
        }
        Waste::EndlessBody => {
            let outgoing = request();
            if let Ok(body) = outgoing.body() {
                let future = outgoing_handler::handle(outgoing, None).ok();
                if let Ok(stream) = body.write() {
                    while stream.blocking_write_and_flush(&[b'a'; 4096]).is_ok() {}
                }
                if let Some(future) = &future {
                    std::hint::black_box(outcome(future));
                }
            }
        }
        Waste::UnfinishedBody => {
            let outgoing = request();
            if let Ok(body) = outgoing.body()
                && let Ok(future) = outgoing_handler::handle(outgoing, None)
            {
                future.subscribe().block();
                std::hint::black_box(body);
            }
        }
        Waste::Unread => {
            let mut seen = String::new();
            let _token = token(client, &mut seen);
            // A second one, whose answer would be left unread.
            let outgoing = request();
            let body = outgoing.body().ok();
            if let Ok(future) = outgoing_handler::handle(outgoing, None) {
                drop(body);
                std::hint::black_box(outcome(&future));
            }
        }
        Waste::Hostcalls => loop {
            std::hint::black_box(Fields::new());
        },
    }
}

#[expect(unconditional_recursion, reason = "the stack is to end first")]
fn deeper(depth: u64) -> u64 {
    let frame = [depth; 64];
    std::hint::black_box(&frame);
    deeper(depth + 1) + std::hint::black_box(frame)[3]
}
