//! What strangers send, as functions of it, for fuzzing. They assert what must hold of
//! their results, and return what a person may read of them.

use std::path::Path;

use tailmint::{Diagnose, Secret, connection::ApiResponse};

use crate::{
    config::{Config, ConfigError},
    tailscale::{State, Status},
    vault::{Held, Reader, VaultError, VaultPath, VaultTarget, Wrote},
};

/// What `tailscale status --json` printed.
pub fn tailscale_status(json: &[u8]) -> Vec<String> {
    let status = match Status::parse(json) {
        Ok(status) => status,
        Err(error) => return vec![error.to_string()],
    };
    let tags = || status.node.tags.iter().map(|tag| &**tag);
    let is_running = status.state == State::Running;
    assert_eq!(status.is_running_with(tags()), is_running);
    assert!(status.logged_in || status.state == State::NeedsLogin);
    let node = &status.node;
    assert!(!node.is_renamed() || node.name.contains('-'), "{node:?}");
    let said = match &status.state {
        State::Other(said) => Some(said),
        _ => None,
    };
    let words = [&node.name, &node.host_name, &status.version];
    let words = words.into_iter().chain(&node.tags).chain(&status.health);
    words.chain(said).map(ToString::to_string).collect()
}

/// The response of a Vault to each of the requests of a push, which has these secrets.
pub fn vault_response(response: &ApiResponse, secrets: Vec<&Secret>) -> Vec<String> {
    let path = |text: &str| text.parse::<VaultPath>().expect("a path");
    let target = VaultTarget {
        mount: path("secret"),
        path: path("lab/tailscale"),
    };
    let reader = Reader {
        target: &target,
        secrets,
    };
    let mut errors = Vec::new();
    match reader.held(response) {
        Ok(Held::Version { number, .. }) => assert!(number > 0 && response.status == 200),
        Ok(Held::Nothing | Held::Deleted { .. }) => assert_eq!(response.status, 404),
        Err(error) => errors.push(error),
    }
    match reader.wrote(response) {
        Ok(Wrote::Version(number)) => assert!(number > 0 && response.status == 200),
        Ok(Wrote::Overtaken) => assert_eq!(response.status, 400),
        Err(error) => {
            // Only what says why it was not done proves that it was not.
            let may_be_done = response.status.is_success();
            assert!(!may_be_done || matches!(error, VaultError::OutcomeUnknown { .. }));
            errors.push(error);
        }
    }
    errors.extend(reader.is_versioned(response).err());
    errors.extend(reader.lacks_namespaces(response).err());
    let hints = errors.iter().filter_map(Diagnose::hint);
    let messages = errors.iter().map(ToString::to_string);
    messages.chain(hints).collect()
}

/// The text of a configuration file.
pub fn config_file(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("config.toml"), text, None)
}
