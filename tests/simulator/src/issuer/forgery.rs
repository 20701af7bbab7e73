use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use super::{Algorithm, signers::Signers};

/// A token that nobody may accept, whatever its claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forgery {
    /// `alg: none`, and no signature.
    AlgNone,
    /// One bit of the signature is another.
    BadSignature,
    /// It has an extension that its reader has to know, and does not (`crit`).
    Crit,
    /// It has the claim `sub` twice: another one first.
    DuplicateClaim,
    /// It has `alg` twice in its header.
    DuplicateHeader,
    /// It has five parts, as an encrypted token has.
    FiveParts,
    /// `alg: HS256` with the public key of RS256 as the secret.
    Hs256WithPublicKey,
    /// It does not say which key signed it.
    NoKid,
    /// It says that RS256 signed it, and names the key of another algorithm.
    OtherAlgorithm,
    /// Another key signed it than the one that it names.
    OtherKey,
    /// It names a key that the issuer does not have.
    UnknownKid,
}

impl Forgery {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::AlgNone,
        Self::BadSignature,
        Self::Crit,
        Self::DuplicateClaim,
        Self::DuplicateHeader,
        Self::FiveParts,
        Self::Hs256WithPublicKey,
        Self::NoKid,
        Self::OtherAlgorithm,
        Self::OtherKey,
        Self::UnknownKid,
    ];

    pub(super) fn forge(self, signers: &Signers, claims: &str) -> String {
        let encoded = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let mut header = signers.header(Algorithm::Rs256);
        let by_rs256 = |header: &str, claims: &str| signers.sign(Algorithm::Rs256, header, claims);
        match self {
            Self::AlgNone => {
                header["alg"] = "none".into();
                let header = encoded(header.to_string().as_bytes());
                format!("{header}.{}.", encoded(claims.as_bytes()))
            }
            Self::BadSignature => {
                let token = by_rs256(&header.to_string(), claims);
                let (signed, signature) = token.rsplit_once('.').unwrap_or_default();
                let mut signature = BASE64_URL_SAFE_NO_PAD
                    .decode(signature)
                    .expect("it was just encoded");
                signature[0] ^= 1;
                format!("{signed}.{}", encoded(&signature))
            }
            Self::Crit => {
                header["crit"] = json!(["b64"]);
                header["b64"] = true.into();
                by_rs256(&header.to_string(), claims)
            }
            Self::DuplicateClaim => {
                let claims = claims.replacen('{', r#"{"sub":"other","#, 1);
                by_rs256(&header.to_string(), &claims)
            }
            Self::DuplicateHeader => {
                let header = header.to_string().replacen('{', r#"{"alg":"none","#, 1);
                by_rs256(&header, claims)
            }
            Self::FiveParts => format!("{}.e30.e30", by_rs256(&header.to_string(), claims)),
            Self::Hs256WithPublicKey => {
                header["alg"] = "HS256".into();
                let header = encoded(header.to_string().as_bytes());
                let signed = format!("{header}.{}", encoded(claims.as_bytes()));
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, signers.public_rsa());
                let signature = ring::hmac::sign(&key, signed.as_bytes());
                format!("{signed}.{}", encoded(signature.as_ref()))
            }
            Self::NoKid => {
                header.as_object_mut().map(|members| members.remove("kid"));
                by_rs256(&header.to_string(), claims)
            }
            Self::OtherAlgorithm => {
                header["kid"] = signers.header(Algorithm::Es256)["kid"].clone();
                by_rs256(&header.to_string(), claims)
            }
            Self::OtherKey => {
                let header = signers.header(Algorithm::Es256).to_string();
                Signers::new(signers.generation()).sign(Algorithm::Es256, &header, claims)
            }
            Self::UnknownKid => {
                header["kid"] = "unknown".into();
                by_rs256(&header.to_string(), claims)
            }
        }
    }
}
