use p521::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

/// ECDSA on the curve P-521 with SHA-512: what Vault signs its handshakes with (go-plugin,
/// `mtls.go`), and what ring does not verify. Nothing secret goes through it.
#[derive(Debug)]
pub(crate) struct P521Signatures;

impl SignatureVerificationAlgorithm for P521Signatures {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &signature)
            .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA512
    }
}

#[cfg(test)]
mod tests {
    use p521::ecdsa::{SigningKey, signature::Signer};

    use super::*;

    #[test]
    fn a_signature_is_good_for_its_key_and_its_message_alone() {
        let pair = |byte: u8| {
            let mut scalar = [0; 66];
            scalar[65] = byte;
            let key = SigningKey::from_slice(&scalar).unwrap();
            let public = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
            (key, public)
        };
        let ((key, public), (_, other)) = (pair(7), pair(8));
        let signature: Signature = key.sign(b"a message");
        let signature = signature.to_der().as_bytes().to_vec();
        let verify = |public: &[u8], message: &[u8], signature: &[u8]| {
            P521Signatures.verify_signature(public, message, signature)
        };
        assert!(verify(&public, b"a message", &signature).is_ok());
        let mut bad = signature.clone();
        *bad.last_mut().unwrap() ^= 1;
        for denied in [
            verify(&other, b"a message", &signature),
            verify(&public, b"another", &signature),
            verify(&public, b"a message", &bad),
            verify(&public, b"a message", b""),
            verify(b"", b"a message", &signature),
        ] {
            assert!(denied.is_err());
        }
    }
}
