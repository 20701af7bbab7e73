use bytes::Bytes;
use serde::Serialize;
use zeroize::Zeroizing;

use tailmint::Secret;

/// The body of a write: both members, and the version that it has to follow.
#[derive(Serialize)]
struct Write<'a> {
    options: Options,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Options {
    cas: u64,
}

#[derive(Serialize)]
struct Data<'a> {
    client_id: &'a str,
    client_secret: &'a str,
}

/// Everything in a body but its values.
const FRAME_BYTES: usize = 128;

/// What a character of JSON has at most, as `\u0000`.
const ESCAPED_BYTES: usize = 6;

/// The body, in memory that is wiped when it is dropped.
pub(super) fn write(id: &str, secret: &Secret, cas: u64) -> Bytes {
    let client_secret = secret.expose_secret();
    let most = FRAME_BYTES + ESCAPED_BYTES * (id.len() + client_secret.len());
    // Of its last size at once, so that no copy is left behind by growing.
    let mut body = Zeroizing::new(Vec::with_capacity(most));
    let written = Write {
        options: Options { cas },
        data: Data {
            client_id: id,
            client_secret,
        },
    };
    serde_json::to_writer(&mut *body, &written).expect("memory takes all that is written");
    Bytes::from_owner(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::VaultTarget;

    #[test]
    fn it_has_the_two_members_and_does_not_grow() {
        let secret = Secret::new("\u{1}".repeat(4096));
        let body = write("an\"id", &secret, u64::MAX);
        assert!(body.len() < FRAME_BYTES + ESCAPED_BYTES * (5 + 4096));
        let value: serde_json::Value = tailmint_api::from_json(&body).unwrap();
        assert_eq!(value["options"]["cas"], u64::MAX);
        assert_eq!(value["data"][VaultTarget::ID], "an\"id");
        assert_eq!(value["data"][VaultTarget::SECRET], secret.expose_secret());
        assert_eq!(value["data"].as_object().unwrap().len(), 2);
    }
}
