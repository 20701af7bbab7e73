use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;

/// The public keys of an issuer (RFC 7517, 5).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct KeySet {
    keys: Vec<Jwk>,
}

/// A public key. Members that are of no concern here are not read.
#[derive(Clone, Debug, Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Whether there is a key of this name.
    pub(super) fn has(&self, kid: &str) -> bool {
        self.find(kid).is_some()
    }

    fn find(&self, kid: &str) -> Option<&Jwk> {
        self.keys.iter().find(|key| key.kid.as_deref() == Some(kid))
    }

    /// Whether the key of this name signed it by this algorithm; why not.
    pub(super) fn verify(
        &self,
        kid: &str,
        algorithm: &str,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), &'static str> {
        let key = self.find(kid).ok_or("key is of invalid type")?;
        let is_for_it = key.alg.as_deref().is_none_or(|alg| alg == algorithm)
            && key.usage.as_deref().is_none_or(|usage| usage == "sig");
        let crv = key.crv.as_deref().unwrap_or_default();
        let point: &dyn VerificationAlgorithm = match (algorithm, key.kty.as_str(), crv) {
            ("RS256", "RSA", _) if is_for_it => {
                let (n, e) = (decoded(key.n.as_ref())?, decoded(key.e.as_ref())?);
                return RsaPublicKeyComponents { n, e }
                    .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
                    .map_err(|_| "crypto/rsa: verification error");
            }
            ("ES256", "EC", "P-256") if is_for_it => &ECDSA_P256_SHA256_FIXED,
            ("ES384", "EC", "P-384") if is_for_it => &ECDSA_P384_SHA384_FIXED,
            ("EdDSA", "OKP", "Ed25519") if is_for_it => &ED25519,
            _ => return Err("key is of invalid type"),
        };
        let mut public = decoded(key.x.as_ref())?;
        if key.kty == "EC" {
            // An uncompressed point (SEC 1, 2.3.3).
            public.insert(0, 4);
            public.extend(decoded(key.y.as_ref())?);
        }
        UnparsedPublicKey::new(point, public)
            .verify(signed, signature)
            .map_err(|_| match key.kty.as_str() {
                "EC" => "crypto/ecdsa: verification error",
                _ => "ed25519: verification error",
            })
    }
}

fn decoded(member: Option<&String>) -> Result<Vec<u8>, &'static str> {
    let text = member.ok_or("key is of invalid type")?;
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(text);
    decoded.map_err(|_| "key is of invalid type")
}
