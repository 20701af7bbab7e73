//! The text of the units: that of the packages, with the program and the profile put in.

use std::path::Path;

use super::ServiceError;
use crate::{Profile, ProfileCredential, Source};

/// The unit that is enabled and started.
pub(super) const UNIT: &str = "tailmint-up.service";

/// All units: what is started first is removed first.
pub(super) const NAMES: [&str; 3] = [UNIT, "tailmint-up.timer", "tailmint-up-stopped.target"];

/// The file that tells which directories there have to be.
pub(super) const TMPFILES: &str = "tailmint.conf";

const SERVICE_TEXT: &str = include_str!("../../systemd/tailmint-up.service");
const TIMER_TEXT: &str = include_str!("../../systemd/tailmint-up.timer");
const TARGET_TEXT: &str = include_str!("../../systemd/tailmint-up-stopped.target");
const TMPFILES_TEXT: &str = include_str!("../../systemd/tmpfiles.conf");

/// How a package's unit begins what it runs.
const COMMAND: &str = "ExecStart=/usr/bin/tailmint up ";

/// How it names the files of the profile that is built in.
const ID: &str = "LoadCredentialEncrypted=tailscale-oauth-client-id\n";
const SECRET: &str = "LoadCredentialEncrypted=tailscale-oauth-client-secret\n";

/// The files with their text, the unit last: with it there, the others are.
pub(super) fn texts(
    program: &Path,
    named: Option<&str>,
    profile: &Profile,
) -> Result<[(&'static str, String); 4], ServiceError> {
    let program = plain(&program.to_string_lossy())?;
    let mut command = format!("ExecStart={program} up ");
    if let Some(name) = named {
        command += &format!("--profile {} ", plain(name)?);
    }
    let mut text = SERVICE_TEXT.replace(COMMAND, &command);
    let sources = match &profile.credential {
        ProfileCredential::OauthClient { id, secret } => [Some(id), Some(secret)],
        // It has no secret.
        ProfileCredential::FederatedIdentity(_) => [None, None],
    };
    for (line, source) in [ID, SECRET].into_iter().zip(sources) {
        let own = match source {
            Some(Source::File(name)) => format!("LoadCredentialEncrypted={}\n", plain(name)?),
            // What a command prints is no file.
            Some(Source::Command(_)) | None => String::new(),
        };
        text = text.replace(line, &own);
    }
    Ok([
        (NAMES[2], TARGET_TEXT.to_owned()),
        (NAMES[1], TIMER_TEXT.to_owned()),
        (TMPFILES, TMPFILES_TEXT.to_owned()),
        (UNIT, text),
    ])
}

/// Text that has nothing in it which a unit would read in another way: no blank, no quote,
/// and no specifier.
fn plain(text: &str) -> Result<String, ServiceError> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "/._-+".contains(it);
    if text.is_empty() || text.starts_with('-') || !text.chars().all(is_plain) {
        return Err(ServiceError::Name {
            name: text.to_owned(),
        });
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CredentialCommand;

    #[test]
    fn for_the_program_and_the_profile_of_a_package_it_is_the_packages_text() {
        let [profile, other] = Profile::built_in();
        let program = Path::new("/usr/bin/tailmint");
        let [.., (_, text)] = texts(program, None, &profile).unwrap();
        assert_eq!(text, SERVICE_TEXT);
        for part in [COMMAND, ID, SECRET] {
            assert_eq!(SERVICE_TEXT.matches(part).count(), 1, "{part}");
        }
        let [.., (_, text)] =
            texts(Path::new("/opt/tailmint"), Some("k8s-operator"), &other).unwrap();
        for line in [
            "ExecStart=/opt/tailmint up --profile k8s-operator --keep %S/tailmint/connected\n",
            "LoadCredentialEncrypted=tailscale-operator-client-id\n",
            "LoadCredentialEncrypted=tailscale-operator-client-secret\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }

    #[test]
    fn what_a_command_prints_is_no_credential_of_the_unit() {
        let [mut profile, _] = Profile::built_in();
        let command = CredentialCommand::new(vec!["pass".to_owned()]).unwrap();
        profile.credential = ProfileCredential::OauthClient {
            id: Source::Command(command.clone()),
            secret: Source::Command(command),
        };
        let [.., (_, text)] = texts(Path::new("/usr/bin/tailmint"), None, &profile).unwrap();
        assert!(!text.contains("LoadCredential"), "{text}");
    }

    #[test]
    fn what_a_unit_reads_in_another_way_is_told() {
        let [profile, _] = Profile::built_in();
        for program in [
            "/a b/tailmint",
            "/%h/tailmint",
            "/a\n/tailmint",
            "/\"/tailmint",
        ] {
            assert!(
                texts(Path::new(program), None, &profile).is_err(),
                "{program}"
            );
        }
    }
}
