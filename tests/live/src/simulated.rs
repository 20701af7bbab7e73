use std::sync::atomic::AtomicBool;

use tailmint_simulator::{Issuer, OauthClient, Setup, Simulator};

use crate::{
    Circumstances, Credential, CredentialKind, Hidden, Plan, Report, Target, new_prefix, observe,
};

/// The tags that stand for those of the tailnet.
const TAG: &str = "tag:live";
const SECOND_TAG: &str = "tag:second";

/// Who the simulator's issuer signs for.
const SUBJECT: &str = "repo:acme/web:ref:refs/heads/main";
const AUDIENCE: &str = "live.example.com";

/// A simulator in circumstances as a report has them.
pub struct Simulated {
    /// The simulator: a test lets it misbehave.
    pub simulator: Simulator,
    plan: Plan,
    /// Its keys are fetched during the run.
    _issuer: Issuer,
}

impl Simulated {
    /// Starts one.
    ///
    /// # Errors
    /// No address can be listened on.
    pub fn start(circumstances: &Circumstances) -> Result<Self, String> {
        Self::start_as(circumstances, Setup::default())
    }

    /// The same, with what the setup has beside clients and tags.
    ///
    /// # Errors
    /// No address can be listened on.
    pub fn start_as(circumstances: &Circumstances, mut setup: Setup) -> Result<Self, String> {
        let scopes: Vec<_> = circumstances.scopes.iter().map(String::as_str).collect();
        let tags = circumstances.tags.iter().map(|label| match label.as_str() {
            "<tag>" => TAG.to_owned(),
            "<second tag>" => SECOND_TAG.to_owned(),
            other => format!("tag:{}", other.trim_matches(['<', '>']).replace(' ', "-")),
        });
        let tags: Vec<_> = tags.collect();
        let names: Vec<_> = tags.iter().map(String::as_str).collect();
        let client = OauthClient::new("live", &scopes, &names);
        let secret = Hidden::new(&client.secret);
        setup.clients = vec![client];
        setup.tags = vec![TAG.to_owned(), SECOND_TAG.to_owned()];
        // A tag that the client does not have is one that it owns: else it creates no keys.
        setup.tag_owners = Vec::new();
        for owned in [TAG, SECOND_TAG] {
            if let Some(owner) = tags.first().filter(|_| !names.contains(&owned)) {
                setup.tag_owners.push((owner.clone(), owned.to_owned()));
            }
        }
        let failed = |error: std::io::Error| format!("the simulator does not start: {error}");
        let simulator = Simulator::start(&setup).map_err(failed)?;
        let issuer = Issuer::start(&simulator).map_err(failed)?;
        let token = |wanted: bool, token: String| wanted.then(|| Hidden::new(token));
        let plan = Plan {
            target: Target::Simulator {
                address: simulator.address(),
                ca_pem: simulator.ca_pem().to_owned(),
            },
            credential: match circumstances.credential {
                CredentialKind::ApiKey => Credential::ApiKey(Hidden::new(simulator.api_key())),
                CredentialKind::OauthClient => Credential::OauthClient(secret),
            },
            tag: TAG.to_owned(),
            second_tag: circumstances.second_tag.then(|| SECOND_TAG.to_owned()),
            id_token: token(circumstances.id_token, issuer.token(AUDIENCE, SUBJECT)),
            expired_id_token: token(
                circumstances.expired_id_token,
                issuer.expired(AUDIENCE, SUBJECT),
            ),
        };
        Ok(Self {
            simulator,
            plan,
            _issuer: issuer,
        })
    }

    /// What a run is given.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What a run sees there.
    ///
    /// # Errors
    /// The run ends early, or leaves something.
    pub fn observe(&self) -> Result<Report, String> {
        let outcome = observe(&self.plan, &new_prefix(), &AtomicBool::new(false))?;
        if let Some(left) = outcome.left.first() {
            return Err(format!("the simulator: {left}"));
        }
        outcome
            .report
            .map_err(|stop| format!("the simulator: {stop}"))
    }
}
