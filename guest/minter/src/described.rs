//! Reads what the API describes, and hands it on as the contract has it.

use tailmint_api::{
    Described, DescribedClient, DescribedIdentity, DescribedKey, DescribedList, Kind, from_json,
    is_key_id,
};

use crate::{
    AuthKey, ClaimRule, ClientDetails, ClientProperties, Error, IdentityDetails,
    IdentityProperties, Response, rejection::malformed, step::Step,
};

/// A key string that was seen is under 100 bytes, and its length varies; with
/// tailnet lock more follows. What it may hold is the host's to judge.
const MAX_SECRET_BYTES: usize = 4096;

/// The one that the response describes.
pub(crate) fn one(step: Step, response: &Response) -> Result<Described, Error> {
    let described = from_json(&response.body).map_err(|error| malformed(step, 200, &error))?;
    check(step, described)
}

/// All of the kind that the response describes.
pub(crate) fn all(step: Step, response: &Response, kind: Kind) -> Result<Vec<Described>, Error> {
    let all: DescribedList =
        from_json(&response.body).map_err(|error| malformed(step, 200, &error))?;
    let checked: Result<Vec<_>, _> = all.keys.into_iter().map(|key| check(step, key)).collect();
    let mut keys = checked?;
    keys.retain(|key| key.is(kind));
    Ok(keys)
}

/// The id goes into paths and onto terminals.
fn check(step: Step, described: Described) -> Result<Described, Error> {
    if is_key_id(&described.id()) {
        Ok(described)
    } else {
        Err(malformed(step, 200, "invalid key id"))
    }
}

/// The secret that something new comes with.
pub(crate) fn take_secret(described: &mut Described) -> Option<String> {
    described.take_secret().filter(|key| {
        !key.is_empty()
            && key.len() <= MAX_SECRET_BYTES
            && key.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

pub(crate) fn auth_key(described: Described) -> AuthKey {
    let DescribedKey {
        id,
        created,
        expires,
        invalid,
        properties,
    } = described.into_key();
    AuthKey {
        id,
        created,
        expires,
        invalid,
        properties: properties.into(),
    }
}

pub(crate) fn client(described: Described) -> ClientDetails {
    let DescribedClient {
        id,
        created,
        invalid,
        description,
        scopes,
        tags,
    } = described.into_client();
    ClientDetails {
        id,
        created,
        invalid,
        properties: ClientProperties {
            description,
            scopes,
            tags,
        },
    }
}

pub(crate) fn identity(described: Described) -> IdentityDetails {
    let DescribedIdentity {
        id,
        created,
        invalid,
        description,
        scopes,
        tags,
        issuer,
        subject,
        audience,
        claim_rules,
    } = described.into_identity();
    let rules = claim_rules.into_iter();
    IdentityDetails {
        id,
        created,
        invalid,
        properties: IdentityProperties {
            description,
            scopes,
            tags,
            issuer,
            subject,
            audience: (!audience.is_empty()).then_some(audience),
            claim_rules: rules
                .map(|(claim, pattern)| ClaimRule { claim, pattern })
                .collect(),
        },
    }
}
