use std::process::ExitCode;

use crate::cli::failure::Failure;

#[cfg(not(feature = "demo"))]
pub(in crate::cli) async fn demo() -> Result<ExitCode, Failure> {
    Err(Failure::new(
        tailmint::Class::Usage,
        "this tailmint was built without its demo",
        Some("in its source tree, run: cargo demo".to_owned()),
    ))
}

/// Mints for both built-in profiles against a simulator of the API on this
/// machine, with throwaway credentials and a throwaway certificate authority.
#[cfg(feature = "demo")]
pub(in crate::cli) async fn demo() -> Result<ExitCode, Failure> {
    use std::sync::Arc;

    use tailmint::{
        Account, EmbeddedComponent, Environment, Event, Minter, Observer, Profile, SecretsDir,
        Trust,
    };
    use tailmint_simulator::{Setup, Simulator};

    use crate::cli::{print, trace};

    struct Narrator;

    impl Observer for Narrator {
        fn observe(&self, event: &Event<'_>) {
            // Where standard output is gone, the next line of the demo says so.
            print::line(&format!("  {}", trace::line(event))).ok();
        }
    }

    let say = |text: String| print::written(&text);
    let setting_up =
        |error: std::io::Error| Failure::internal(&format!("the demo cannot be set up: {error}"));
    let simulator = Simulator::start(&Setup::default()).map_err(setting_up)?;
    let directory = tempfile::tempdir().map_err(setting_up)?;
    let ca = directory.path().join("ca.pem");
    simulator.write_ca(&ca).map_err(setting_up)?;
    simulator
        .write_secrets(directory.path())
        .map_err(setting_up)?;
    let to = simulator.address().to_string();
    let to = to.parse().map_err(Failure::internal)?;
    let minter = Minter::builder()
        .trust(Trust::pem_file(ca)?)
        .connect_to(to)
        .observer(Arc::new(Narrator))
        .build()?;
    let none = Environment::default();
    let secrets_dir = SecretsDir::find(Some(directory.path()), None, &none)?;
    say(format!(
        "a simulated api.tailscale.com listens on {}; the component is sha256:{}",
        simulator.address(),
        EmbeddedComponent::digest()
    ))?;
    for profile in Profile::built_in() {
        let account = Account::of_profile(&profile, &secrets_dir, &none)?;
        say(format!(
            "\nprofile {}: the OAuth client of {}",
            profile.name, account.origin
        ))?;
        let minted = minter
            .mint(&account.credential, &account.tailnet, &profile.key)
            .await?;
        say(format!(
            "  minted {}",
            print::described_in_words(&minted.details)
        ))?;
        say("  revoking it again".to_owned())?;
        minter
            .revoke(&account.credential, &account.tailnet, &minted.details.id)
            .await?;
    }
    say(format!(
        "\nthe API saw {} requests on {} connections, and has {} valid keys left",
        simulator.requests().len(),
        simulator.connections(),
        simulator.live_keys().len()
    ))?;
    Ok(ExitCode::SUCCESS)
}
