use tailmint::Class;
use tailmint::Diagnose;
use tailmint_simulator::{CertificateFault, Greeting, Setup};

use super::run::mint;
use crate::world::World;

/// What a server does wrong before a request can be sent.
pub(super) enum Wrong {
    Certificate(CertificateFault),
    Handshake(Greeting),
}

/// The faults, each with a part of what is said about it.
pub(super) fn all() -> Vec<(Wrong, &'static str)> {
    use CertificateFault as Is;
    let mut all: Vec<_> = [
        (Is::SelfSigned, "an authority that is not trusted"),
        (Is::UnknownAuthority, "an authority that is not trusted"),
        (Is::WrongName, "its certificate is for"),
        (
            Is::Expired,
            "its certificate expired at 2020-01-01T00:00:00Z",
        ),
        (Is::NotYetValid, "its certificate is valid from 2090-01-01"),
        (
            Is::AuthorityExpired,
            "its certificate expired at 2020-01-01",
        ),
        (Is::AuthorityUnknown, "that of an authority (a CA)"),
        (Is::AuthorityWrongName, "its certificate is"),
        (Is::MissingIntermediate, "an authority that is not trusted"),
        (Is::CommonNameOnly, "its certificate"),
        (Is::Rsa1024, "its certificate"),
        (Is::Sha1, "its certificate"),
        (
            Is::AsksForClients,
            "it asks for a certificate of the client",
        ),
    ]
    .into_iter()
    .map(|(fault, said)| (Wrong::Certificate(fault), said))
    .collect();
    all.push((Wrong::Handshake(Greeting::OldTls), "incompatible"));
    all.push((
        Wrong::Handshake(Greeting::CloseInHandshake),
        "closed during",
    ));
    all
}

/// Nothing is sent over such a connection, and it is not tried again.
pub(super) fn run((wrong, said): &(Wrong, &'static str)) {
    let mut setup = Setup::default();
    if let Wrong::Certificate(fault) = wrong {
        setup.certificate = *fault;
    }
    let world = World::with(&setup);
    let name = match wrong {
        Wrong::Certificate(fault) => format!("{fault:?}"),
        Wrong::Handshake(greeting) => {
            world.simulator.greet(0, *greeting);
            format!("{greeting:?}")
        }
    };
    let seen = mint(&world, &name, world.simulator.address());
    let error = seen.result.expect_err(&name);
    assert_eq!(error.class(), Class::Unreachable, "{name}: {error}");
    let cause = error.cause.as_ref().map(ToString::to_string);
    assert!(cause.is_some_and(|it| it.contains(said)), "{name}: {error}");
    assert_eq!(seen.requests, 1, "{name}");
    assert_eq!(world.simulator.connections(), 1, "{name}");
    assert_eq!(world.simulator.requests().len(), 0, "{name}");
}

/// What is made in the same way as the certificates that are bad is good where
/// it is not what they are.
#[test]
fn certificates_of_another_making_are_trusted() {
    let world = World::with(&Setup {
        certificate: CertificateFault::Rsa2048,
        ..Setup::default()
    });
    let seen = mint(&world, "Rsa2048", world.simulator.address());
    assert!(seen.result.is_ok(), "{:?}", seen.result.err());
}

/// Its name and its dates are judged even so: see the table.
#[test]
fn a_certificate_that_is_its_own_authority_is_trusted_where_it_is_in_the_file() {
    let world = World::with(&Setup {
        certificate: CertificateFault::Authority,
        ..Setup::default()
    });
    let seen = mint(&world, "Authority", world.simulator.address());
    assert!(seen.result.is_ok(), "{:?}", seen.result.err());
}
