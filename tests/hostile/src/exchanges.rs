use crate::{Action, Body, Lie, Request, Scenario};

const HOST: &str = "api.tailscale.com";
const EXCHANGE: &str = "/api/v2/oauth/token-exchange";

/// What a hostile component tries around the exchange of an identity token.
pub fn exchanges() -> Vec<Scenario> {
    let mut table = Vec::new();
    forms(&mut table);
    places(&mut table);
    destinations(&mut table);
    results(&mut table);
    table
}

fn send(table: &mut Vec<Scenario>, name: &str, request: Request) {
    table.push(Scenario {
        name: format!("J-{name}"),
        action: Action::Send(request),
    });
}

fn exchange() -> Request {
    Request {
        path: Some(EXCHANGE.to_owned()),
        ..Request::default()
    }
}

fn forms(table: &mut Vec<Scenario>) {
    for (name, member, value) in [
        ("in-client-id", "client_id", "SECRET"),
        ("behind-client-id", "client_id", "J-behindclientidSECRET"),
        ("other-identity", "client_id", "Tother-kother"),
        ("no-client-id", "client_id", ""),
        ("twice", "jwt", "SECRETSECRET"),
        ("cut", "jwt", "xSECRET"),
        ("with-space", "jwt", " SECRET"),
        ("bare", "jwt", "eyJhbGciOiJub25lIn0.e30."),
        (
            "unknown",
            "jwt",
            "0123456789abcdef0123456789abcdef0123456789abcdef",
        ),
        ("nothing", "jwt", ""),
        ("scope", "scope", "auth_keys"),
        ("scope-all", "scope", "all"),
        ("in-scope", "scope", "SECRET"),
        ("tags", "tags", "tag:tazpod"),
        ("tailnet", "tailnet", "other.example"),
        ("grant-type", "grant_type", "authorization_code"),
        ("code", "code", "SECRET"),
        ("secret", "client_secret", "SECRET"),
        ("assertion", "client_assertion", "SECRET"),
        ("subject-token", "subject_token", "SECRET"),
        ("audience", "audience", "SECRET"),
        ("note", "note", "SECRET"),
    ] {
        send(
            table,
            name,
            Request {
                body: Body::Form(member.to_owned(), value.to_owned()),
                ..exchange()
            },
        );
    }
    for (name, body) in [
        ("jwt-twice", "client_id=J-jwttwice&jwt=SECRET&jwt=SECRET"),
        ("as-json", "{\"client_id\":\"a\",\"jwt\":\"SECRET\"}"),
        ("escaped", "client_id=J-escaped&jwt=%53ECRET"),
        ("other-order", "jwt=x&client_id=J-otherorder"),
        ("two-requests", "jwt=SECRET\r\n\r\nPOST / HTTP/1.1\r\n"),
    ] {
        send(
            table,
            name,
            Request {
                body: Body::Bytes(body.as_bytes().to_vec()),
                ..exchange()
            },
        );
    }
}

fn places(table: &mut Vec<Scenario>) {
    for (name, path) in [
        ("as-client", "/api/v2/oauth/token"),
        ("in-query", "/api/v2/oauth/token-exchange?jwt=SECRET"),
        ("in-path", "/api/v2/oauth/token-exchange/SECRET"),
        ("in-key-id", "/api/v2/tailnet/-/keys/SECRET"),
        ("in-tailnet", "/api/v2/tailnet/SECRET/keys"),
        ("dots", "/api/v2/oauth/../oauth/token-exchange"),
        ("slash", "/api/v2/oauth/token-exchange/"),
    ] {
        send(
            table,
            name,
            Request {
                path: Some(path.to_owned()),
                ..Request::default()
            },
        );
    }
    for (name, header, value) in [
        ("bearer", "authorization", "Bearer SECRET"),
        ("basic", "authorization", "Basic Og=="),
        ("cookie", "cookie", "jwt=SECRET"),
        ("agent", "user-agent", "SECRET"),
        ("metadata-header", "metadata-flavor", "Google"),
    ] {
        send(
            table,
            name,
            Request {
                headers: vec![(header.to_owned(), value.as_bytes().to_vec())],
                ..exchange()
            },
        );
    }
    for method in ["GET", "PUT", "DELETE"] {
        send(
            table,
            &format!("method-{}", method.to_lowercase()),
            Request {
                method: method.to_owned(),
                ..exchange()
            },
        );
    }
}

/// Where platforms give their tokens out, and where issuers are.
fn destinations(table: &mut Vec<Scenario>) {
    for (name, scheme, authority, path) in [
        ("metadata", "http", "169.254.169.254", "/latest/api/token"),
        (
            "metadata-google",
            "http",
            "metadata.google.internal",
            "/computeMetadata/v1/instance/service-accounts/default/identity?audience=a",
        ),
        (
            "metadata-azure",
            "http",
            "169.254.169.254",
            "/metadata/identity/oauth2/token",
        ),
        ("metadata-ecs", "http", "169.254.170.2", "/v2/credentials"),
        ("metadata-pods", "http", "169.254.170.23", "/v1/credentials"),
        (
            "metadata-ipv6",
            "http",
            "[fd00:ec2::254]",
            "/latest/api/token",
        ),
        ("metadata-tls", "https", "169.254.169.254", EXCHANGE),
        (
            "github",
            "https",
            "run-actions-1-azure-eastus.actions.githubusercontent.com",
            "/token?audience=a",
        ),
        ("issuer", "https", "issuer.example.com", "/jwks"),
        ("control", "https", "controlplane.tailscale.com", EXCHANGE),
        ("plain", "http", HOST, EXCHANGE),
    ] {
        send(
            table,
            name,
            Request {
                scheme: Some(scheme.to_owned()),
                authority: Some(authority.to_owned()),
                path: Some(path.to_owned()),
                ..Request::default()
            },
        );
    }
}

fn results(table: &mut Vec<Scenario>) {
    table.push(Scenario {
        name: "J-confess".to_owned(),
        action: Action::Confess,
    });
    for (name, lie) in [
        ("lie-token", Lie::Token),
        ("lie-secret", Lie::Secret),
        ("lie-nothing", Lie::Nothing),
        ("lie-tag", Lie::ExtraTag),
    ] {
        table.push(Scenario {
            name: format!("J-{name}"),
            action: Action::Lie(lie),
        });
    }
}
