use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use http::Uri;
use jiff::Timestamp;
use tailmint_api::{OutsideText, is_public_name};

use super::IdToken;

/// Why Tailscale would reject an identity token, as far as that can be seen here: by its
/// claims and this machine's clock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It does not say until when it is valid.
    #[error("has no exp: it does not say when it expires")]
    NoExpiry,
    /// It has expired.
    #[error("expired at {at}, {} ago", span(*ago))]
    Expired {
        /// When.
        at: Timestamp,
        /// How long ago.
        ago: Duration,
    },
    /// It expires before it can be used.
    #[error("expires at {at}, in {}: that is too soon", span(*left))]
    ExpiresSoon {
        /// When.
        at: Timestamp,
        /// How long from now.
        left: Duration,
    },
    /// It is valid only later.
    #[error("is valid from {at} ({claim}), which is {} ahead of this machine's clock", span(*ahead))]
    NotYetValid {
        /// The claim that says so: `nbf` or `iat`.
        claim: &'static str,
        /// From when.
        at: Timestamp,
        /// How long from now.
        ahead: Duration,
    },
    /// It is for nobody in particular.
    #[error("has no aud: it needs the audience {expected}")]
    NoAudience {
        /// Whom it has to be for.
        expected: OutsideText,
    },
    /// It is for somebody else.
    #[error("has the audience {}, and needs {expected}", list(has))]
    OtherAudience {
        /// Whom it is for.
        has: Vec<OutsideText>,
        /// Whom it has to be for.
        expected: OutsideText,
    },
    /// It does not say who vouches for it.
    #[error("has no iss: it does not say who issued it")]
    NoIssuer,
    /// Its issuer has no `https://` address.
    #[error("has the issuer {issuer}, which is not an https:// address")]
    IssuerNotHttps {
        /// The issuer.
        issuer: OutsideText,
    },
    /// Its issuer is where Tailscale cannot get to.
    #[error("has the issuer {issuer}, which Tailscale cannot reach: {reason}")]
    IssuerNotPublic {
        /// The issuer.
        issuer: OutsideText,
        /// Why not.
        reason: &'static str,
    },
    /// It does not say whom it is about.
    #[error("has no sub: it does not say whom it is about")]
    NoSubject,
}

/// The exchange takes a few requests, and a name lookup before them.
const LEAST_LEFT: Duration = Duration::from_secs(30);

/// How far clocks may differ.
const MAX_AHEAD: Duration = Duration::from_mins(1);

/// All that is unfit about the token for this audience at this time. A token with none of
/// these may still be rejected: its signature is not looked at, and the subject that
/// Tailscale takes is not known here.
pub fn judge(token: &IdToken, audience: &str, now: Timestamp) -> Vec<Unfit> {
    let mut unfit = Vec::new();
    match token.expires {
        None => unfit.push(Unfit::NoExpiry),
        Some(at) if at <= now => unfit.push(Unfit::Expired {
            at,
            ago: now.duration_since(at).unsigned_abs(),
        }),
        Some(at) => {
            let left = at.duration_since(now).unsigned_abs();
            if left < LEAST_LEFT {
                unfit.push(Unfit::ExpiresSoon { at, left });
            }
        }
    }
    let starts = [("nbf", token.not_before), ("iat", token.issued)];
    let late = starts.into_iter().find_map(|(claim, at)| {
        let at = at.filter(|at| *at > now)?;
        let ahead = at.duration_since(now).unsigned_abs();
        (ahead > MAX_AHEAD).then_some(Unfit::NotYetValid { claim, at, ahead })
    });
    unfit.extend(late);
    if token.audiences.is_empty() {
        unfit.push(Unfit::NoAudience {
            expected: OutsideText::new(audience),
        });
    } else if !token.audiences.iter().any(|it| it == audience) {
        unfit.push(Unfit::OtherAudience {
            has: token.audiences(),
            expected: OutsideText::new(audience),
        });
    }
    unfit.extend(judge_issuer(token.issuer.as_deref().unwrap_or_default()));
    if token.subject.as_deref().unwrap_or_default().is_empty() {
        unfit.push(Unfit::NoSubject);
    }
    unfit
}

/// Tailscale reads the keys of the issuer from where the issuer says that it is.
fn judge_issuer(issuer: &str) -> Option<Unfit> {
    if issuer.is_empty() {
        return Some(Unfit::NoIssuer);
    }
    let shown = OutsideText::new(issuer);
    let uri = issuer.parse::<Uri>().ok();
    let uri = uri.filter(|_| issuer.starts_with("https://"));
    let host = uri.as_ref().and_then(Uri::host);
    let Some(host) = host.filter(|host| !host.is_empty()) else {
        return Some(Unfit::IssuerNotHttps { issuer: shown });
    };
    not_public(host).map(|reason| Unfit::IssuerNotPublic {
        issuer: shown,
        reason,
    })
}

/// Last labels of names that only a network of its own knows, and why: special names
/// (RFC 6761, RFC 6762), the one that is set aside for private use, and the services of
/// Kubernetes.
const PRIVATE_ENDS: [(&str, &str); 5] = [
    ("localhost", "its name is that of the machine itself"),
    (
        "local",
        "its name ends in .local, which only one network knows",
    ),
    (
        "internal",
        "its name ends in .internal, which only one network knows",
    ),
    ("svc", "its name ends in .svc, which only one cluster knows"),
    (
        "arpa",
        "its name ends in .arpa, which has no servers like that",
    ),
];

/// Why a host is not one that everybody can reach.
fn not_public(host: &str) -> Option<&'static str> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(IpAddr::V4(address)) => return not_public_v4(address),
        Ok(IpAddr::V6(address)) => return not_public_v6(address),
        Err(_) => {}
    }
    let name = bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase();
    let end = name.rsplit('.').next().unwrap_or_default();
    if let Some((_, reason)) = PRIVATE_ENDS.iter().find(|(it, _)| *it == end) {
        return Some(reason);
    }
    if !name.contains('.') {
        return Some("its name has no dot, and only one network knows it");
    }
    (!is_public_name(&name)).then_some("its name ends in one that no public network has")
}

const LOOPBACK: &str = "its address is that of the machine itself";
const PRIVATE: &str = "its address is a private one";
const LINK_LOCAL: &str = "its address is for one link only";

fn not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [first, second, ..] = address.octets();
    if address.is_loopback() || address.is_unspecified() {
        Some(LOOPBACK)
    } else if address.is_link_local() {
        Some(LINK_LOCAL)
    } else if address.is_private() || (first == 100 && second & 0xc0 == 64) {
        // 100.64.0.0/10 is for carriers, and for tailnets.
        Some(PRIVATE)
    } else {
        None
    }
}

fn not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(address) = address.to_ipv4_mapped() {
        not_public_v4(address)
    } else if address.is_loopback() || address.is_unspecified() {
        Some(LOOPBACK)
    } else if address.is_unicast_link_local() {
        Some(LINK_LOCAL)
    } else if address.is_unique_local() {
        Some(PRIVATE)
    } else {
        None
    }
}

/// A span of time in its two largest units.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let units = [
        (days, "d"),
        (hours, "h"),
        (minutes, "min"),
        (seconds % 60, "s"),
    ];
    let units = units
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2);
    let units: Vec<_> = units
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if units.is_empty() {
        "0 s".to_owned()
    } else {
        units.join(" ")
    }
}

/// Tokens that were seen are for one or two.
const MAX_SHOWN: usize = 3;

fn list(texts: &[OutsideText]) -> String {
    let mut shown: Vec<_> = texts
        .iter()
        .take(MAX_SHOWN)
        .map(ToString::to_string)
        .collect();
    if texts.len() > MAX_SHOWN {
        shown.push(format!("{} more", texts.len() - MAX_SHOWN));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};
    use tailmint_core::Diagnose;

    use super::*;
    use crate::{
        CredentialCommand, Platform, TokenSource,
        credentials::identity::{IdentityError, fakes::token_of},
    };

    const AUDIENCE: &str = "api.tailscale.com/T1CNTRL-k1CNTRL";
    const NOW: i64 = 1_700_000_000;

    /// A token that is fit, with these claims instead.
    fn unfit(claims: &Value) -> Vec<Unfit> {
        let mut payload = json!({
            "iss": "https://issuer.example.com",
            "sub": "repo:example/app",
            "aud": AUDIENCE,
            "iat": NOW,
            "nbf": NOW - 600,
            "exp": NOW + 300,
        });
        for (name, value) in claims.as_object().unwrap() {
            if value.is_null() {
                payload.as_object_mut().unwrap().remove(name);
            } else {
                payload[name] = value.clone();
            }
        }
        let token = IdToken::read(token_of(&payload).as_bytes()).unwrap();
        judge(&token, AUDIENCE, Timestamp::from_second(NOW).unwrap())
    }

    fn words(claims: &Value) -> String {
        let words = unfit(claims);
        let words: Vec<_> = words.iter().map(ToString::to_string).collect();
        words.join("; ")
    }

    #[test]
    fn what_tailscale_takes_is_fit() {
        for claims in [
            json!({}),
            json!({ "exp": NOW + 30 }),
            json!({ "iat": NOW + 60, "nbf": NOW + 60 }),
            json!({ "iat": null, "nbf": null }),
            json!({ "aud": ["other", AUDIENCE] }),
            json!({ "iss": "https://sts.windows.net/0/" }),
            json!({ "iss": "https://1.2.3.4:8443/x" }),
            json!({ "iss": "https://[2606:4700::1]/" }),
            json!({ "iss": "https://localhost.example.com" }),
        ] {
            assert_eq!(unfit(&claims), [], "{claims}");
        }
    }

    #[test]
    fn what_tailscale_would_reject_is_told_with_the_difference() {
        let shown = [
            json!({ "exp": null }),
            json!({ "exp": NOW }),
            json!({ "exp": NOW - 90_061 }),
            json!({ "exp": NOW + 29 }),
            json!({ "nbf": NOW + 61 }),
            json!({ "iat": NOW + 3_600 }),
            json!({ "aud": null }),
            json!({ "aud": [] }),
            json!({ "aud": "sts.amazonaws.com" }),
            json!({ "aud": ["a", "b", "c", "d\u{1b}[2J", "e"] }),
            json!({ "iss": null }),
            json!({ "iss": "" }),
            json!({ "iss": "kubernetes/serviceaccount" }),
            json!({ "iss": "http://issuer.example.com" }),
            json!({ "iss": "https://" }),
            json!({ "sub": null }),
            json!({ "sub": "", "exp": NOW - 1, "aud": "x" }),
        ]
        .map(|claims| words(&claims));
        assert_snapshot!(shown.join("\n"), @"
        has no exp: it does not say when it expires
        expired at 2023-11-14T22:13:20Z, 0 s ago
        expired at 2023-11-13T21:12:19Z, 1 d 1 h ago
        expires at 2023-11-14T22:13:49Z, in 29 s: that is too soon
        is valid from 2023-11-14T22:14:21Z (nbf), which is 1 min 1 s ahead of this machine's clock
        is valid from 2023-11-14T23:13:20Z (iat), which is 1 h ahead of this machine's clock
        has no aud: it needs the audience api.tailscale.com/T1CNTRL-k1CNTRL
        has no aud: it needs the audience api.tailscale.com/T1CNTRL-k1CNTRL
        has the audience sts.amazonaws.com, and needs api.tailscale.com/T1CNTRL-k1CNTRL
        has the audience a, b, c, 2 more, and needs api.tailscale.com/T1CNTRL-k1CNTRL
        has no iss: it does not say who issued it
        has no iss: it does not say who issued it
        has the issuer kubernetes/serviceaccount, which is not an https:// address
        has the issuer http://issuer.example.com, which is not an https:// address
        has the issuer https://, which is not an https:// address
        has no sub: it does not say whom it is about
        expired at 2023-11-14T22:13:19Z, 1 s ago; has the audience x, and needs api.tailscale.com/T1CNTRL-k1CNTRL; has no sub: it does not say whom it is about
        ");
    }

    #[test]
    fn an_issuer_that_only_one_network_knows_is_not_public() {
        let shown = [
            "localhost",
            "LOCALHOST:8443",
            "vault.localhost.",
            "127.0.0.1",
            "127.9.9.9:8443",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fd7a::1]",
            "[::ffff:10.0.0.1]",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "vault.internal",
            "host.home.arpa",
            "issuer",
        ]
        .map(|host| format!("{host}: {}", not_public(host_of(host)).unwrap_or("public")));
        assert_snapshot!(shown.join("\n"), @"
        localhost: its name is that of the machine itself
        LOCALHOST:8443: its name is that of the machine itself
        vault.localhost.: its name is that of the machine itself
        127.0.0.1: its address is that of the machine itself
        127.9.9.9:8443: its address is that of the machine itself
        0.0.0.0: its address is that of the machine itself
        10.0.0.1: its address is a private one
        172.16.0.1: its address is a private one
        192.168.1.1: its address is a private one
        100.64.0.1: its address is a private one
        100.127.255.255: its address is a private one
        169.254.169.254: its address is for one link only
        [::1]: its address is that of the machine itself
        [::]: its address is that of the machine itself
        [fe80::1]: its address is for one link only
        [fd7a::1]: its address is a private one
        [::ffff:10.0.0.1]: its address is a private one
        kubernetes.default.svc: its name ends in .svc, which only one cluster knows
        kubernetes.default.svc.cluster.local: its name ends in .local, which only one network knows
        vault.internal: its name ends in .internal, which only one network knows
        host.home.arpa: its name ends in .arpa, which has no servers like that
        issuer: its name has no dot, and only one network knows it
        ");
        for host in ["100.128.0.1", "172.32.0.1", "[2000::1]", "a.example"] {
            assert_eq!(not_public(host), None, "{host}");
        }
    }

    fn host_of(authority: &str) -> &str {
        match authority.rsplit_once(':') {
            Some((host, _)) if !authority.ends_with(']') => host,
            _ => authority,
        }
    }

    #[test]
    fn each_source_has_its_own_remedy() {
        let command = CredentialCommand::new(vec!["aws".to_owned()]).unwrap();
        let azure = Platform::Azure {
            resource: "api://tailscale".to_owned(),
            client_id: None,
        };
        let sources = [
            TokenSource::File("/run/token".into()),
            TokenSource::Variable("TS_ID".to_owned()),
            TokenSource::Command(command),
            TokenSource::Platform(Platform::Github),
            TokenSource::Platform(azure),
        ];
        let late =
            json!({ "exp": NOW - 60, "aud": "x", "iss": "http://x", "sub": null, "iat": NOW + 90 });
        let mut shown = Vec::new();
        for source in &sources {
            for unfit in unfit(&late) {
                let error = IdentityError::unfit(source, unfit);
                let hint = error.hint().unwrap();
                shown.push(format!("{}: {error}\nhint: {hint}", error.class().name()));
            }
        }
        assert_snapshot!(shown.join("\n"), @"
        credential: /run/token: the identity token expired at 2023-11-14T22:12:20Z, 1 min ago
        hint: have the file written anew; a credential of systemd is as old as its service
        credential: /run/token: the identity token is valid from 2023-11-14T22:14:50Z (iat), which is 1 min 30 s ahead of this machine's clock
        hint: see whether this machine's clock is right: date
        credential: /run/token: the identity token has the audience x, and needs api.tailscale.com/T1CNTRL-k1CNTRL
        hint: have the file written for that audience: audience in a projected volume, jwt_audience of spiffe-helper
        credential: /run/token: the identity token has the issuer http://x, which is not an https:// address
        hint: Tailscale reads the issuer's keys from there: give the issuer a public https:// address, with its discovery document and its keys
        credential: /run/token: the identity token has no sub: it does not say whom it is about
        hint: see whether this is an identity token of OpenID Connect
        credential: $TS_ID: the identity token expired at 2023-11-14T22:12:20Z, 1 min ago
        hint: the token is as old as the job: run this earlier in it, or give the token more time
        credential: $TS_ID: the identity token is valid from 2023-11-14T22:14:50Z (iat), which is 1 min 30 s ahead of this machine's clock
        hint: see whether this machine's clock is right: date
        credential: $TS_ID: the identity token has the audience x, and needs api.tailscale.com/T1CNTRL-k1CNTRL
        hint: have the variable set for that audience: id_tokens with aud in GitLab
        credential: $TS_ID: the identity token has the issuer http://x, which is not an https:// address
        hint: Tailscale reads the issuer's keys from there: give the issuer a public https:// address, with its discovery document and its keys
        credential: $TS_ID: the identity token has no sub: it does not say whom it is about
        hint: see whether this is an identity token of OpenID Connect
        credential: the command aws: the identity token expired at 2023-11-14T22:12:20Z, 1 min ago
        hint: have the command fetch a new token each time
        credential: the command aws: the identity token is valid from 2023-11-14T22:14:50Z (iat), which is 1 min 30 s ahead of this machine's clock
        hint: see whether this machine's clock is right: date
        credential: the command aws: the identity token has the audience x, and needs api.tailscale.com/T1CNTRL-k1CNTRL
        hint: give the command {audience}, which stands for the audience
        credential: the command aws: the identity token has the issuer http://x, which is not an https:// address
        hint: Tailscale reads the issuer's keys from there: give the issuer a public https:// address, with its discovery document and its keys
        credential: the command aws: the identity token has no sub: it does not say whom it is about
        hint: see whether this is an identity token of OpenID Connect
        credential: GitHub's token service: the identity token expired at 2023-11-14T22:12:20Z, 1 min ago
        hint: see whether this machine's clock is right: date
        credential: GitHub's token service: the identity token is valid from 2023-11-14T22:14:50Z (iat), which is 1 min 30 s ahead of this machine's clock
        hint: see whether this machine's clock is right: date
        credential: GitHub's token service: the identity token has the audience x, and needs api.tailscale.com/T1CNTRL-k1CNTRL
        hint: the service was asked for that audience: see whether something stands between
        credential: GitHub's token service: the identity token has the issuer http://x, which is not an https:// address
        hint: Tailscale reads the issuer's keys from there: give the issuer a public https:// address, with its discovery document and its keys
        credential: GitHub's token service: the identity token has no sub: it does not say whom it is about
        hint: see whether this is an identity token of OpenID Connect
        credential: Azure's identity endpoint: the identity token expired at 2023-11-14T22:12:20Z, 1 min ago
        hint: see whether this machine's clock is right: date
        credential: Azure's identity endpoint: the identity token is valid from 2023-11-14T22:14:50Z (iat), which is 1 min 30 s ahead of this machine's clock
        hint: see whether this machine's clock is right: date
        credential: Azure's identity endpoint: the identity token has the audience x, and needs api.tailscale.com/T1CNTRL-k1CNTRL
        hint: the audience of an Azure token is its resource: register it as App ID URI, and give the identity the same audience
        credential: Azure's identity endpoint: the identity token has the issuer http://x, which is not an https:// address
        hint: Tailscale reads the issuer's keys from there: give the issuer a public https:// address, with its discovery document and its keys
        credential: Azure's identity endpoint: the identity token has no sub: it does not say whom it is about
        hint: see whether this is an identity token of OpenID Connect
        ");
    }
}
