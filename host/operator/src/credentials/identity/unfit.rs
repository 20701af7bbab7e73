use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use http::Uri;
use jiff::Timestamp;
use tailmint_api::OutsideText;

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
    (!name.contains('.')).then_some("its name has no dot, and only one network knows it")
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
        .map(|it| it.to_string())
        .collect();
    if texts.len() > MAX_SHOWN {
        shown.push(format!("{} more", texts.len() - MAX_SHOWN));
    }
    shown.join(", ")
}
