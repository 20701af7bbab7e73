//! What is on this machine: files, and the `tailscale` command.

use super::{Check, Finding};
use crate::config::Config;
use crate::credentials::Lookup;
use crate::tailscale::{State, Tailscale};
use crate::{Profile, policy_file};
use tailmint::policy::Policy;
use tailmint::{Account, Diagnose};

impl Check {
    pub(super) fn config(&self, tell: &mut dyn FnMut(&Finding)) -> Option<Config> {
        let usual = || Config::default_path(&self.minter.environment);
        let path = self.config.clone().or_else(usual);
        match Config::load(self.config.as_deref(), &self.minter.environment) {
            Ok(config) => {
                tell(&Finding::passed(
                    "config",
                    match path.filter(|path| path.exists()) {
                        Some(path) => format!("{} is in order", path.display()),
                        None => "there is no file; the built-in profiles are used".to_owned(),
                    },
                ));
                Some(config)
            }
            Err(error) => {
                tell(&Finding::from_error("config", &error));
                None
            }
        }
    }

    pub(super) fn policy(&self, tell: &mut dyn FnMut(&Finding)) -> Option<Policy> {
        match policy_file::load(self.policy.as_deref(), &self.minter.environment) {
            Ok(policy) => {
                let message = format!("sha256:{}", policy.digest());
                tell(&if policy.is_report_only() {
                    Finding::warned(
                        "policy",
                        format!("{message} is report-only"),
                        "set mode to \"enforce\" where what it reports is understood",
                    )
                } else {
                    Finding::passed("policy", message)
                });
                Some(policy)
            }
            Err(error) => {
                tell(&Finding::from_error("policy", &error));
                None
            }
        }
    }

    /// The profile's credential, with what was found about each of its files.
    pub(super) async fn account(
        profile: &Profile,
        credentials: &Lookup<'_>,
        tell: &mut dyn FnMut(&Finding),
    ) -> Option<Account> {
        let subject = format!("{} credential", profile.name);
        if let Ok(account) = credentials.account(profile).await {
            let message = format!("it is from {}, which is in order", account.origin);
            tell(&Finding::passed(&*subject, message));
            for note in &account.notes {
                let hint = "write the bare value there, on one line";
                tell(&Finding::warned(&*subject, note, hint));
            }
            return Some(account);
        }
        // Each file by itself, so that one that is wrong hides no other.
        for error in credentials.all_wrong(profile).await {
            tell(&Finding::from_error(&*subject, &error));
        }
        None
    }

    /// A machine that only mints for others needs none: nothing here fails.
    pub(super) async fn tailscale(&self) -> Vec<Finding> {
        let found = Tailscale::find(
            self.tailscale.as_deref(),
            self.socket.clone(),
            self.minter.environment.clone(),
        );
        let warned = |error: &crate::tailscale::JoinError| {
            let hint = error.hint().unwrap_or_default();
            Finding::warned("tailscale", error.to_string(), hint)
        };
        let tailscale = match found {
            Ok(tailscale) => tailscale,
            Err(error) => return vec![warned(&error)],
        };
        let mut findings = Vec::new();
        if let Some(warning) = tailscale.warning() {
            let hint = "see who may write there: another command could take its place";
            findings.push(Finding::warned("tailscale", warning, hint));
        }
        findings.push(match tailscale.version_and_state().await {
            Ok((version, state)) => {
                let program = tailscale.program().display();
                let message = format!("{program}: version {version}, {}", in_words(&state));
                Finding::passed("tailscale", message)
            }
            Err(error) => warned(&error),
        });
        findings
    }
}

fn in_words(state: &State) -> String {
    match state {
        State::NoState => "just started".to_owned(),
        State::NeedsLogin => "not logged in".to_owned(),
        State::NeedsMachineAuth => "waiting for an administrator".to_owned(),
        State::Stopped => "stopped".to_owned(),
        State::Starting => "starting".to_owned(),
        State::Running => "running".to_owned(),
        State::Other(other) => other.to_string(),
    }
}
