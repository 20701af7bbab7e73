use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaPublicKeyComponents,
    },
};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};

use super::Algorithm;

/// The keys of an issuer: one for each algorithm.
pub(super) struct Signers {
    generation: usize,
    ed25519: Ed25519KeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    rsa: RsaKeyPair,
}

const WORKS: &str = "keys of this kind can be had";

impl Signers {
    /// New ones, which have the number in their names. That of RS256 is always the same.
    pub(super) fn new(generation: usize) -> Self {
        let random = SystemRandom::new();
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).expect(WORKS);
        let ecdsa = |algorithm: &'static EcdsaSigningAlgorithm| {
            let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect(WORKS);
            EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).expect(WORKS)
        };
        let rsa = include_bytes!("../../keys/issuer-rs256.pem");
        let rsa = PrivatePkcs8KeyDer::from_pem_slice(rsa).expect(WORKS);
        Self {
            generation,
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).expect(WORKS),
            p256: ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            p384: ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            rsa: RsaKeyPair::from_pkcs8(rsa.secret_pkcs8_der()).expect(WORKS),
        }
    }

    pub(super) fn generation(&self) -> usize {
        self.generation
    }

    /// The header of a good token.
    pub(super) fn header(&self, algorithm: Algorithm) -> Value {
        json!({
            "alg": algorithm.name(),
            "kid": self.kid(algorithm),
            "typ": "JWT",
        })
    }

    fn kid(&self, algorithm: Algorithm) -> String {
        format!("{}-{}", algorithm.name(), self.generation)
    }

    /// The token with this header and these claims.
    pub(super) fn sign(&self, algorithm: Algorithm, header: &str, claims: &str) -> String {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let signed = format!(
            "{}.{}",
            encode(header.as_bytes()),
            encode(claims.as_bytes())
        );
        let message = signed.as_bytes();
        let random = SystemRandom::new();
        let ecdsa = |key: &EcdsaKeyPair| key.sign(&random, message).expect(WORKS);
        let signature = match algorithm {
            Algorithm::EdDsa => encode(self.ed25519.sign(message).as_ref()),
            Algorithm::Es256 => encode(ecdsa(&self.p256).as_ref()),
            Algorithm::Es384 => encode(ecdsa(&self.p384).as_ref()),
            Algorithm::Rs256 => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa
                    .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect(WORKS);
                encode(&signature)
            }
        };
        format!("{signed}.{signature}")
    }

    /// The public key of RS256, as its owner publishes it: what a reader that takes any
    /// algorithm takes for the secret of HS256.
    pub(super) fn public_rsa(&self) -> &[u8] {
        self.rsa.public().as_ref()
    }

    /// The public keys, as a set (RFC 7517, 5).
    pub(super) fn key_set(&self) -> Value {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let key = |algorithm: Algorithm, mut members: Value| {
            members["alg"] = algorithm.name().into();
            members["kid"] = self.kid(algorithm).into();
            members["use"] = "sig".into();
            members
        };
        let ecdsa = |crv: &str, pair: &EcdsaKeyPair| {
            // An uncompressed point: 4, x, y (SEC 1, 2.3.3).
            let point = &pair.public_key().as_ref()[1..];
            let (x, y) = point.split_at(point.len() / 2);
            json!({ "kty": "EC", "crv": crv, "x": encode(x), "y": encode(y) })
        };
        let rsa = RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        json!({ "keys": [
            key(Algorithm::EdDsa, json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "x": encode(self.ed25519.public_key().as_ref()),
            })),
            key(Algorithm::Es256, ecdsa("P-256", &self.p256)),
            key(Algorithm::Es384, ecdsa("P-384", &self.p384)),
            key(Algorithm::Rs256, json!({
                "kty": "RSA",
                "n": encode(&rsa.n),
                "e": encode(&rsa.e),
            })),
        ] })
    }
}
