use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};
use tailmint::Secret;
use tailmint_api::{OutsideText, begins_like_key, from_json};
use zeroize::Zeroizing;

/// An identity token: a JWT of a platform that was read, and not verified.
///
/// Its signature is not looked at. Tailscale verifies it with the keys that the issuer
/// publishes; whoever reads it here only finds early what Tailscale would reject, and says
/// it in better words.
#[derive(Clone, Debug)]
pub struct IdToken {
    text: Secret,
    pub(super) issuer: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) audiences: Vec<String>,
    pub(super) expires: Option<Timestamp>,
    pub(super) not_before: Option<Timestamp>,
    pub(super) issued: Option<Timestamp>,
    algorithm: String,
    key_id: Option<String>,
}

/// Why a text is not an identity token. No message repeats it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdTokenError {
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// It has more bytes than any such token.
    #[error("it is longer than {} bytes", IdToken::MAX_BYTES)]
    TooLong,
    /// It is a key or a secret of Tailscale.
    #[error("it is a key of Tailscale or an OAuth client secret, not a token of a platform")]
    TailscaleKey,
    /// It is JSON.
    #[error("it is JSON where the bare token is wanted")]
    Json,
    /// It is encrypted (JWE): it has five parts.
    #[error("it is an encrypted token (JWE), which only its addressee can read")]
    Encrypted,
    /// It has another number of parts.
    #[error("it is not a JWT: it has {found} parts between dots, and a JWT has 3", found = parts(*found))]
    Parts {
        /// How many there are.
        found: usize,
    },
    /// One of the parts is empty.
    #[error("its {part} is empty")]
    EmptyPart {
        /// Which.
        part: &'static str,
    },
    /// One of the parts is not base64url.
    #[error("its {part} is not base64url")]
    Base64 {
        /// Which.
        part: &'static str,
    },
    /// One of the parts is not a JSON object.
    #[error("its {part} is not a JSON object")]
    NotObject {
        /// Which.
        part: &'static str,
    },
    /// A member is there twice, and readers differ in which of them counts.
    #[error("its {part} has the member {member} twice")]
    Duplicate {
        /// In which part.
        part: &'static str,
        /// The member.
        member: OutsideText,
    },
    /// The header does not say how the token is signed.
    #[error("its header has no alg, which says how it is signed")]
    NoAlgorithm,
    /// The token is not signed.
    #[error("it is not signed: its alg is none")]
    Unsigned,
    /// It is signed with a secret that both sides would have to know.
    #[error("it is signed with a shared secret ({algorithm}), which nobody else can verify")]
    SharedSecret {
        /// How.
        algorithm: OutsideText,
    },
    /// A claim, or a member of the header, has another type than it should.
    #[error("its {name} is not {expected}")]
    Claim {
        /// Its name.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// More than a person counts is noise.
fn parts(found: usize) -> String {
    if found > 9 {
        "more than 9".to_owned()
    } else {
        found.to_string()
    }
}

const HEADER: &str = "header";
const PAYLOAD: &str = "payload";
const SIGNATURE: &str = "signature";

const TEXT: &str = "a text";
const TIME: &str = "a time in seconds";
const AUDIENCE: &str = "a text or a list of texts";

impl IdToken {
    /// The most bytes that a token may have. Those that were seen have up to 4 KiB.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Reads a token. White space at the ends is left out.
    ///
    /// # Errors
    /// It is not a signed JWT, or one that no verifier would take.
    pub fn read(text: &[u8]) -> Result<Self, IdTokenError> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(IdTokenError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(IdTokenError::TooLong);
        }
        if matches!(text[0], b'{' | b'[' | b'"') {
            return Err(IdTokenError::Json);
        }
        let found = text.split(|&byte| byte == b'.').count();
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(IdTokenError::Parts { found });
        };
        if begins_like_key(text) {
            return Err(IdTokenError::TailscaleKey);
        }
        let mut split = text.splitn(4, '.');
        let (header, payload, signature) = match (found, split.next(), split.next(), split.next()) {
            (3, Some(header), Some(payload), Some(signature)) => (header, payload, signature),
            (5, ..) => return Err(IdTokenError::Encrypted),
            _ => return Err(IdTokenError::Parts { found }),
        };
        let header = object(HEADER, header)?;
        let payload = object(PAYLOAD, payload)?;
        decode(SIGNATURE, signature)?;
        let algorithm = match header.get("alg") {
            Some(Value::String(algorithm)) if !algorithm.is_empty() => algorithm.clone(),
            _ => return Err(IdTokenError::NoAlgorithm),
        };
        if algorithm.eq_ignore_ascii_case("none") {
            return Err(IdTokenError::Unsigned);
        }
        if algorithm.to_ascii_uppercase().starts_with("HS") {
            return Err(IdTokenError::SharedSecret {
                algorithm: OutsideText::new(&algorithm),
            });
        }
        Ok(Self {
            text: Secret::new(text.to_owned()),
            issuer: text_of(&payload, "iss")?,
            subject: text_of(&payload, "sub")?,
            audiences: audiences(&payload)?,
            expires: time_of(&payload, "exp")?,
            not_before: time_of(&payload, "nbf")?,
            issued: time_of(&payload, "iat")?,
            algorithm,
            key_id: text_of(&header, "kid")?,
        })
    }

    /// The token itself, for the exchange and nothing else.
    pub fn text(&self) -> &Secret {
        &self.text
    }

    /// The token itself, for the exchange and nothing else.
    pub fn into_text(self) -> Secret {
        self.text
    }

    /// Who vouches for it: the claim `iss`.
    pub fn issuer(&self) -> Option<OutsideText> {
        self.issuer.as_deref().map(OutsideText::new)
    }

    /// Whom it is about: the claim `sub`.
    pub fn subject(&self) -> Option<OutsideText> {
        self.subject.as_deref().map(OutsideText::new)
    }

    /// Whom it is for: the claim `aud`.
    pub fn audiences(&self) -> Vec<OutsideText> {
        self.audiences
            .iter()
            .map(|it| OutsideText::new(it))
            .collect()
    }

    /// Until when it is valid: the claim `exp`.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// From when it is valid: the claim `nbf`.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// When it was issued: the claim `iat`.
    pub fn issued(&self) -> Option<Timestamp> {
        self.issued
    }

    /// How it is signed: `alg` of its header.
    pub fn algorithm(&self) -> OutsideText {
        OutsideText::new(&self.algorithm)
    }

    /// The key that it is signed with: `kid` of its header.
    pub fn key_id(&self) -> Option<OutsideText> {
        self.key_id.as_deref().map(OutsideText::new)
    }
}

fn decode(part: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, IdTokenError> {
    if text.is_empty() {
        return Err(IdTokenError::EmptyPart { part });
    }
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(text);
    let decoded = decoded.map_err(|_| IdTokenError::Base64 { part })?;
    Ok(Zeroizing::new(decoded))
}

fn object(part: &'static str, text: &str) -> Result<Map<String, Value>, IdTokenError> {
    let json = decode(part, text)?;
    let object: Object = from_json(&json).map_err(|_| IdTokenError::NotObject { part })?;
    match object.twice {
        Some(member) => Err(IdTokenError::Duplicate {
            part,
            member: OutsideText::new(&member),
        }),
        None => Ok(object.members),
    }
}

/// An object of JSON, with the first member that it has twice.
struct Object {
    members: Map<String, Value>,
    twice: Option<String>,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut object = Object {
                    members: Map::new(),
                    twice: None,
                };
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if object.members.contains_key(&name) {
                        object.twice.get_or_insert(name);
                    } else {
                        object.members.insert(name, value);
                    }
                }
                Ok(object)
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

fn text_of(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, IdTokenError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(IdTokenError::Claim {
            name,
            expected: TEXT,
        }),
    }
}

fn audiences(claims: &Map<String, Value>) -> Result<Vec<String>, IdTokenError> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let found = match claims.get("aud") {
        None => Some(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(other) => text(other).map(|it| vec![it]),
    };
    found.ok_or(IdTokenError::Claim {
        name: "aud",
        expected: AUDIENCE,
    })
}

/// Seconds since 1970, of which some issuers write parts (RFC 7519, 2: `NumericDate`).
fn time_of(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Timestamp>, IdTokenError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is too large for the type is too large for a time too"
    )]
    let whole = |seconds: f64| seconds.floor() as i64;
    let seconds = value.as_i64().or_else(|| value.as_f64().map(whole));
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map(Some).ok_or(IdTokenError::Claim {
        name,
        expected: TIME,
    })
}
