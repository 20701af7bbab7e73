//! Which facts there are, by their names, with what each of them settles.

/// Each is observed once in a run, or it is said why not.
pub const FACTS: &[(&str, &str)] = &[
    // Who may ask, and where.
    (
        "request-without-authorization",
        "the rejection of a request that nobody signed",
    ),
    (
        "request-with-unknown-token",
        "the rejection of a token that was never issued",
    ),
    (
        "request-with-client-secret",
        "the rejection of a client's secret in the place of a token",
    ),
    (
        "request-with-basic",
        "whether a token is accepted as the user name of HTTP Basic",
    ),
    (
        "request-to-another-tailnet",
        "the rejection of the name of a tailnet that is another's",
    ),
    (
        "get-own-api-key",
        "whether an API key may read itself, and its members",
    ),
    (
        "services-without-scope",
        "the response where the scope `services` is missing",
    ),
    ("vip-services-without-scope", "the same by the older path"),
    // The token endpoint.
    (
        "token-without-credentials",
        "the rejection of an empty form",
    ),
    (
        "token-with-malformed-secret",
        "the rejection of a secret of another form",
    ),
    (
        "token-with-wrong-secret",
        "the rejection of a secret of the right form",
    ),
    (
        "token-with-unknown-grant-type",
        "whether `grant_type` is looked at",
    ),
    (
        "token-from-form",
        "the members of an access token's response, its tags among them",
    ),
    (
        "token-from-basic",
        "whether credentials are accepted as HTTP Basic",
    ),
    (
        "token-without-grant-type",
        "whether `grant_type` may be left out",
    ),
    (
        "token-with-another-client-id",
        "whether `client_id` is looked at",
    ),
    (
        "token-with-scope",
        "whether a token is narrowed to the scope that was asked for",
    ),
    (
        "token-with-other-scope",
        "the same for a scope that only reads",
    ),
    (
        "token-with-read-of-scope",
        "whether `x:read` is granted to a client that holds `x`",
    ),
    (
        "token-with-unknown-scope",
        "whether a scope that does not exist gives the whole grant",
    ),
    (
        "token-with-unknown-scope-among-others",
        "whether one such scope is dropped",
    ),
    (
        "token-with-scopes-and-comma",
        "whether scopes that a comma separates are dropped",
    ),
    (
        "token-with-scope-not-held",
        "the rejection of a scope that the client does not hold",
    ),
    (
        "token-with-tags",
        "whether `tags` are accepted beside a scope",
    ),
    (
        "token-with-tags-not-held",
        "the response where the client does not hold the tags",
    ),
    (
        "token-with-one-of-two-tags",
        "whether `tags` narrows a token",
    ),
    // Auth keys.
    (
        "create-key",
        "the members of a new key, and its expiry of minutes",
    ),
    (
        "create-key-without-expiry",
        "the default of `expirySeconds`",
    ),
    ("create-key-with-expiry-0", "whether 0 means the default"),
    (
        "create-key-with-expiry-1",
        "whether there is a minimum of `expirySeconds`",
    ),
    (
        "create-key-with-negative-expiry",
        "the rejection of a negative `expirySeconds`",
    ),
    (
        "create-key-with-expiry-too-long",
        "the rejection of more than 90 days",
    ),
    (
        "create-key-with-unknown-tag",
        "the rejection of a tag that does not exist",
    ),
    (
        "create-key-without-tags",
        "the rejection of a key without tags",
    ),
    (
        "create-key-with-one-of-two-tags",
        "whether a part of the token's tags is rejected",
    ),
    (
        "create-key-with-narrowed-token",
        "whether the narrowed token creates keys of its tag",
    ),
    (
        "create-key-without-tags-with-api-key",
        "whether an API key creates keys without tags",
    ),
    (
        "create-key-without-capabilities",
        "the rejection of a key without capabilities",
    ),
    (
        "create-key-with-unknown-member",
        "the rejection of an unknown member",
    ),
    (
        "create-key-with-unknown-capability",
        "the same, inside of another member",
    ),
    (
        "create-key-with-unknown-type",
        "the rejection of an unknown `keyType`",
    ),
    (
        "create-key-with-malformed-json",
        "the rejection of what is not JSON",
    ),
    (
        "create-key-with-issuer",
        "whether members of identities are rejected for auth keys",
    ),
    (
        "create-key-with-description-of-50",
        "whether 50 characters are accepted",
    ),
    (
        "create-key-with-description-of-51",
        "the rejection of 51 characters",
    ),
    (
        "create-key-with-underscore",
        "whether a description may have an underscore",
    ),
    (
        "create-key-with-period",
        "whether a description may have a period",
    ),
    (
        "create-key-with-accent",
        "whether a description may have a letter that is not ASCII",
    ),
    (
        "create-key-without-scope",
        "the rejection of a token without the scope",
    ),
    ("get-key", "the members of a key, without its secret"),
    (
        "get-key-without-scope",
        "the rejection of a token without the scope, on reading",
    ),
    ("put-key", "the rejection of a change of an auth key"),
    ("list-keys", "what a token of an OAuth client lists"),
    ("list-all-keys", "what it lists with `all=true`"),
    ("list-keys-with-the-credential", "what the credential lists"),
    (
        "list-all-keys-with-the-credential",
        "what it lists with `all=true`",
    ),
    ("delete-key", "the response to a revocation"),
    ("get-deleted-key", "whether a revoked key is described"),
    (
        "list-all-keys-after-deletion",
        "whether a revoked key is listed",
    ),
    ("delete-deleted-key", "the response to a second revocation"),
    ("get-unknown-key", "the response for an id that never was"),
    ("delete-unknown-key", "the same for a revocation"),
    (
        "get-expired-key",
        "whether a key that has expired is described",
    ),
    // OAuth clients.
    ("create-client", "the members of a new client"),
    ("create-client-with-two-tags", "the same, with two tags"),
    (
        "create-client-without-scopes",
        "the rejection of a client without scopes",
    ),
    (
        "create-client-with-unknown-scope",
        "the rejection of a scope that does not exist",
    ),
    (
        "create-client-without-tags",
        "the rejection of `auth_keys` without tags",
    ),
    (
        "create-client-with-unknown-tag",
        "the rejection of a tag that does not exist",
    ),
    (
        "create-client-with-issuer",
        "whether members of identities are rejected for clients",
    ),
    (
        "create-client-to-be-deleted",
        "a client with the scope `oauth_keys` alone",
    ),
    (
        "create-wider-client",
        "whether a client creates one with scopes that it does not hold",
    ),
    ("get-client", "the members of a client, without its secret"),
    (
        "get-own-client",
        "whether a token with `auth_keys` alone reads its own client",
    ),
    ("get-other-client", "the rejection where it reads another"),
    (
        "get-own-access-token",
        "whether the id in an access token is one of a key",
    ),
    ("put-client", "the response to a change"),
    (
        "put-client-without-description",
        "whether a member that is left out is gone",
    ),
    (
        "token-after-put",
        "whether the secret is the same after a change",
    ),
    (
        "token-of-client-to-be-deleted",
        "an access token of the client that is deleted next",
    ),
    ("delete-client", "the response to a deletion"),
    (
        "token-of-deleted-client-at-once",
        "whether access tokens end with their client",
    ),
    (
        "token-of-deleted-client-later",
        "the same after at most some seconds",
    ),
    (
        "token-from-deleted-client",
        "the rejection of the secret of a deleted client",
    ),
    (
        "get-deleted-client",
        "whether a deleted client is described",
    ),
    ("put-deleted-client", "the rejection of a change of it"),
    ("delete-deleted-client", "the response to a second deletion"),
    // Federated identities.
    (
        "create-identity",
        "the members of a new identity, and the audience it is given",
    ),
    (
        "create-identity-with-audience",
        "whether an audience is kept, and rules are",
    ),
    (
        "create-identity-with-empty-members",
        "whether an empty audience is none, and `null` is",
    ),
    (
        "create-identity-without-issuer",
        "the rejection of an identity without an issuer",
    ),
    (
        "create-identity-without-subject",
        "the rejection of an identity without a subject",
    ),
    (
        "create-identity-without-scopes",
        "the rejection of an identity without scopes",
    ),
    (
        "create-identity-without-tags",
        "the rejection of `auth_keys` without tags",
    ),
    (
        "create-identity-with-http-issuer",
        "the rejection of an issuer without TLS",
    ),
    (
        "create-identity-with-private-issuer",
        "whether an issuer on loopback is rejected",
    ),
    (
        "create-identity-with-reserved-rule",
        "the rejection of a rule for `sub`",
    ),
    (
        "create-identity-without-scope",
        "the rejection of a token without the scope",
    ),
    ("get-identity", "the members of an identity"),
    (
        "put-identity",
        "whether an audience and rules that are left out are gone",
    ),
    ("exchange-without-members", "the rejection of an empty form"),
    (
        "exchange-without-client-id",
        "the rejection of a form without `client_id`",
    ),
    (
        "exchange-without-jwt",
        "the rejection of a form without `jwt`",
    ),
    (
        "exchange-with-empty-members",
        "the rejection of members that are empty",
    ),
    (
        "exchange-with-garbage",
        "the rejection of what is not an identity token",
    ),
    ("exchange-without-signature", "the rejection of `alg: none`"),
    (
        "exchange-with-unknown-key",
        "the rejection of a signature by an unknown key",
    ),
    (
        "exchange-with-unknown-client-id",
        "the rejection of an identity that never was",
    ),
    (
        "exchange-with-malformed-client-id",
        "the rejection of what is not the id of an identity",
    ),
    (
        "create-identity-for-token",
        "an identity for the identity token that was given",
    ),
    (
        "exchange",
        "the members of the response, and whether it has tags",
    ),
    (
        "exchange-again",
        "whether an identity token is exchanged twice",
    ),
    (
        "exchange-with-scope",
        "whether a scope narrows the exchange",
    ),
    (
        "exchange-with-expired-token",
        "the rejection of an identity token that has expired",
    ),
    (
        "exchange-with-wrong-audience",
        "the rejection of an identity token for another audience",
    ),
    (
        "get-own-identity",
        "whether a token with `auth_keys` alone reads its own identity",
    ),
    ("create-key-with-identity", "whether the token creates keys"),
    (
        "list-keys-with-identity",
        "what a token of an identity lists",
    ),
    ("delete-identity", "the response to a deletion"),
    (
        "token-of-deleted-identity-later",
        "whether access tokens end with their identity",
    ),
    (
        "get-deleted-identity",
        "whether a deleted identity is described",
    ),
    ("put-deleted-identity", "the rejection of a change of it"),
    (
        "exchange-with-deleted-client-id",
        "the rejection of an identity that was deleted",
    ),
    // All responses.
    (
        "clock",
        "whether there is a `Date`, and whether it is near this machine's time",
    ),
    (
        "rate-limits",
        "the headers about limits, and whether one was met (429)",
    ),
];
