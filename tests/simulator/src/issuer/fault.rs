use serde_json::{Value, json};

use crate::side_server::Reply;

/// A document of an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Document {
    /// All there are.
    Both,
    /// `/.well-known/openid-configuration`.
    Discovery,
    /// `/jwks`.
    Keys,
}

/// How an issuer misbehaves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuerFault {
    /// Its server closes every connection, whichever document the fault is for.
    Down,
    /// The document is that without its members.
    Empty,
    /// It responds when it is forgiven, as always.
    Hold,
    /// The document has so many more bytes, and is good otherwise.
    Huge(usize),
    /// The document is elsewhere.
    Moved,
    /// The document is HTML, with status 200.
    NotJson,
    /// The keys say that they are for other algorithms.
    OtherAlgorithms,
    /// The keys say that they are for encryption.
    OtherUse,
    /// The keys are at an `http` URL.
    PlainKeys,
    /// It does not respond.
    Silence,
    /// It responds with this status and with the good document.
    Status(u16),
    /// Its certificate is for another host, whichever document the fault is for.
    WrongCertificate,
    /// The member `issuer` names another.
    WrongIssuer,
}

impl IssuerFault {
    pub(super) fn reply(&self, document: Document, url: &str, mut good: Value) -> Reply {
        let json = |value: &Value| Reply::new(200, "application/json", value.to_string());
        match self {
            Self::Down => Reply::Hangup,
            Self::Silence => Reply::Silence,
            Self::Empty => json(&json!({})),
            Self::Huge(bytes) => {
                good["padding"] = "x".repeat(*bytes).into();
                json(&good)
            }
            Self::Moved => {
                Reply::new(302, "text/plain", "").with("location", &format!("{url}/moved"))
            }
            Self::NotJson => Reply::new(200, "text/html", "<html>Sign in</html>"),
            Self::Status(status) => Reply::new(*status, "application/json", good.to_string()),
            Self::PlainKeys if document == Document::Discovery => {
                let plain = url.replacen("https:", "http:", 1);
                good["jwks_uri"] = format!("{plain}/jwks").into();
                json(&good)
            }
            Self::WrongIssuer if document == Document::Discovery => {
                good["issuer"] = "https://other.example.com".into();
                json(&good)
            }
            Self::OtherAlgorithms | Self::OtherUse if document == Document::Keys => {
                let (member, value) = match self {
                    Self::OtherUse => ("use", "enc"),
                    _ => ("alg", "PS256"),
                };
                for key in good["keys"].as_array_mut().into_iter().flatten() {
                    key[member] = value.into();
                }
                json(&good)
            }
            Self::Hold
            | Self::OtherAlgorithms
            | Self::OtherUse
            | Self::PlainKeys
            | Self::WrongCertificate
            | Self::WrongIssuer => json(&good),
        }
    }
}
