use std::process::ExitCode;

use crate::failure::Failure;

/// Mints for both built-in profiles against a simulator of the API on this
/// machine, with throwaway credentials and a throwaway certificate authority.
pub(crate) async fn demo() -> Result<ExitCode, Failure> {
    use std::sync::Arc;

    use tailmint::Minter;
    use tailmint::component::EmbeddedComponent;
    use tailmint::connection::Trust;
    use tailmint::event::{Event, Observer};
    use tailmint_core::Environment;
    use tailmint_operator::Profile;
    use tailmint_operator::credentials::{SecretsDir, client_from_files};
    use tailmint_simulator::{Setup, Simulator};

    use crate::{print, trace};

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
    let to = to
        .parse()
        .map_err(|error| Failure::internal(&format!("{to}: {error}")))?;
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
        let account = client_from_files(&profile, &secrets_dir)?
            .ok_or_else(|| Failure::internal("the simulator wrote no files"))?;
        say(format!(
            "\nprofile {}: the OAuth client of {}",
            profile.name, account.origin
        ))?;
        let minted = minter.mint(&account, &profile.key).await?;
        say(format!(
            "  minted {}",
            print::described_in_words(&minted.details)
        ))?;
        say("  revoking it".to_owned())?;
        minter.revoke(&account, &minted.details.id).await?;
    }
    say(format!(
        "\nat the API: requests {}, connections {}, valid keys left {}",
        simulator.requests().len(),
        simulator.connections(),
        simulator.live_keys().len()
    ))?;
    Ok(ExitCode::SUCCESS)
}
