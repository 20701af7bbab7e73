//! Answers as api.tailscale.com does, over TLS, on loopback.
//!
//! [`Simulator::start`] runs one on a thread of its own; dropping it ends it.
//! Tests look at what arrived ([`Simulator::requests`], [`Simulator::connections`]),
//! at what there is ([`Simulator::live_keys`], [`Simulator::clients`]), and tell
//! it to misbehave ([`Simulator::misbehave`]). [`Issuer`] signs identity tokens, good and bad,
//! and [`sources`] give them as the platforms do that programs run on.
//!
//! It is an oracle: it shares no type and no line with the programs that are
//! tested against it, and follows what is known of the real service.
//!
//! # What it does as the service does
//!
//! - The token endpoint takes credentials in the form and as HTTP Basic; it
//!   reads the client out of the secret and ignores the id (`tailscale up` sends
//!   a dummy); `grant_type` may be left out; `scope` is separated by spaces; a
//!   scope that the client does not have fails the whole request with 403 and
//!   lists all that were asked for; scopes that do not exist are dropped without
//!   a word, and where nothing is left the token gets the whole grant
//!   (tailscale/tailscale #14286); the answer has `tags` (#15456).
//! - Errors are `{"message": ...}`; success is 200, for new keys too.
//! - Request JSON is read strictly: `json: unknown field "x"` (#7145).
//! - The tags of a key are exactly those of the token, or tags that those own;
//!   a part of them is refused (#15456, #12402). Keys made with an OAuth client
//!   must have tags.
//! - `expirySeconds` is at most 7776000 (#18081), and 0 or absent means that.
//! - A revoked, used or expired key is still described, with `invalid: true`.
//! - Deleting an OAuth client ends its tokens; PUT replaces it wholesale and
//!   keeps its secret.
//! - Without the scope `services`, the services are 404 (#19471).
//!
//! Of federated identities ([`FederatedIdentity`]) and the exchange of identity tokens:
//!
//! - Keys of the type `federated` need the scope `federated_keys`, or `federated_keys:read` to
//!   be read. They have no secret. Their id is the tailnet's part, a hyphen, and the key's part.
//!   `issuer`, `subject` and a scope are required, `tags` with `auth_keys` and `devices:core`;
//!   the audience is `api.tailscale.com/` and the id where none, or an empty one, is given. PUT
//!   replaces all: what is left out is gone. Members that are `null` are absent (Tailscale's
//!   `OpenAPI` document and its Go client).
//! - Without `all`, a token of an identity lists identities only.
//! - `POST /api/v2/oauth/token-exchange` takes the form members `client_id` and `jwt`, and
//!   looks at nothing else: `tailscale up` sends `grant_type`, an empty `code` and an empty
//!   Basic. A token is exchanged as often as it is sent. The access token has the whole grant
//!   of the identity, and ends with it.
//! - A form without one of its members is 400 `invalid request`. Every other rejection is 403
//!   with the same words, which name the page of the identity in the admin console
//!   (tailscale/tailscale #18733). Why is only there: [`Simulator::last_cause`], until the next
//!   success.
//! - The documents of the issuer are fetched over TLS ([`Issuer`]).
//! - `*` in the subject and in the rules is any run of characters. Rules name nested claims
//!   with periods; a name that has one in it stands in double quotes. `sub`, `iss` and `aud`
//!   are reserved.
//! - `EdDSA` is accepted (#18733), and so are RS256, ES256 and ES384.
//!
//! # What is a guess
//!
//! `tests/live` observes most of this at the real API, for those who have a tailnet
//! (`docs/live-check.md`).
//!
//! The status of an unknown member (400), the words about a bad description, and
//! that a used single-use key is described rather than 404 (both were seen).
//!
//! Of federated identities and the exchange:
//!
//! - That a token may read the identity that it was given to, without `federated_keys:read`.
//! - The words of each 400 behind `invalid request`, and those about a bad issuer, subject or
//!   rule. That an issuer at a private address is rejected on creation, and not only when its
//!   keys are fetched. That `issuer` and its like are rejected for keys of other types.
//! - That an identity that is not there, a token that has expired, and an issuer that cannot be
//!   reached get the same 403 as a wrong claim.
//! - That the response of the exchange has no `tags` ([`Setup::exchange_has_tags`]), that the
//!   access token begins with `tskey-api-`, and that `scope` and `tags` in the form change
//!   nothing.
//! - The causes, but for one that was seen (`signing method EdDSA is invalid`): they are in the
//!   words of the library golang-jwt, which that one is in too.
//! - The order of the checks: algorithm, key, signature, issuer, time, audience, subject, rules.
//!   That there is no leeway ([`Setup::leeway`]). That `exp` and `kid` are required, that
//!   `crit` and members that are there twice are rejected, and that a rule does not match a
//!   claim that is not text.
//! - That the keys of an issuer are kept for an hour and fetched once more for a `kid` that is
//!   not among them, that each document has a limit of 1 MiB and one of time
//!   ([`Setup::issuer_limit`]), and that no redirect is followed.
//! - That a form without its content type is one without its members, as for Go's parser.
//!
//! With [`Setup::headscale`], refusals, ids and key strings are Headscale's, which has no
//! federated identities and no exchange.

mod authority;
mod certificate;
mod clock;
mod control;
mod dialect;
mod exchange;
mod fault;
mod federated_identity;
mod greeting;
mod issuer;
mod key;
mod keys;
mod oauth_client;
mod record;
mod refusal;
mod scope;
mod server;
mod setup;
mod side_server;
mod simulator;
pub mod sources;
mod state;
mod token;

pub use certificate::CertificateFault;
pub use fault::{Ending, Endpoint, Fault};
pub use federated_identity::FederatedIdentity;
pub use greeting::Greeting;
pub use issuer::{Algorithm, Document, Forgery, Issuer, IssuerFault};
pub use key::{Key, KeyKind};
pub use oauth_client::OauthClient;
pub use record::{Answer, Recorded};
pub use setup::Setup;
pub use simulator::Simulator;
