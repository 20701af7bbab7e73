use std::{
    error::Error,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use tailmint_simulator::{FederatedIdentity, Issuer, Simulator};
use tempfile::TempDir;

use crate::{contender::Contender, programs::Programs, way::Way};

pub(crate) const TAILMINT: &str = "tailmint";
/// The same with a federated identity, whose token is in a file.
pub(crate) const IDENTITY: &str = "tailmint, identity token";
pub(crate) const SCRIPT: &str = "curl + jq script";
/// One curl and one jq for each request, and nothing else.
pub(crate) const LEANEST: &str = "leanest script";
/// What the owner of the machines runs: curl and python3.
pub(crate) const OWNER: &str = "owner's flow";
pub(crate) const GET_AUTHKEY: &str = "get-authkey";
/// The same logic and TLS client, without a sandbox, a policy or an audit; built as tailmint
/// is.
pub(crate) const FLOOR: &str = "native floor";

const TOKEN_FILE: &str = "identity-token";
const POLICY_FILE: &str = "policy.toml";

/// Where the programs find what they need.
pub(crate) struct Place {
    directory: TempDir,
    ca: PathBuf,
    /// The id and the secret of the OAuth client, for who takes them as variables.
    client: (String, String),
    /// The id of the federated identity.
    identity: String,
    /// Lives as long as its tokens are to be good.
    _issuer: Issuer,
}

/// Whom the identity token is about.
const SUBJECT: &str = "repo:acme/web:ref:refs/heads/main";

/// A day, which no run takes.
const LIFETIME_SECONDS: i64 = 86_400;

impl Place {
    pub(crate) fn new(simulator: &Simulator) -> Result<Self, Box<dyn Error>> {
        let directory = tempfile::tempdir()?;
        let ca = directory.path().join("ca.pem");
        simulator.write_ca(&ca)?;
        simulator.write_secrets(directory.path())?;
        let client = simulator
            .client("bootstrap")
            .ok_or("the simulator has no client")?;
        let issuer = Issuer::start(simulator)?;
        let identity = FederatedIdentity::new(
            "bootstrap",
            &["auth_keys"],
            &["tag:tazpod"],
            issuer.url(),
            SUBJECT,
        );
        let mut claims = issuer.claims(identity.audience.as_str(), SUBJECT);
        let issued = claims["iat"].as_i64().ok_or("a token has no time")?;
        claims["exp"] = (issued + LIFETIME_SECONDS).into();
        let token = directory.path().join(TOKEN_FILE);
        fs::write(&token, issuer.sign(&claims))?;
        fs::set_permissions(&token, Permissions::from_mode(0o600))?;
        let policy = format!(
            "version = 1\n[identity]\nclient-ids = [\"{}\"]\nfiles = [\"{}\"]\n",
            identity.id,
            token.display()
        );
        fs::write(directory.path().join(POLICY_FILE), policy)?;
        simulator.add_identity(identity.clone());
        Ok(Self {
            directory,
            ca,
            client: (client.id, client.secret),
            identity: identity.id,
            _issuer: issuer,
        })
    }

    /// Mints with the federated identity.
    fn by_identity(&self, program: &Path, way: &Way) -> Command {
        let directory = self.directory.path();
        let mut command = self.tailmint(program, way);
        command
            .args(["--client-id", &self.identity, "--id-token-file"])
            .arg(directory.join(TOKEN_FILE))
            .arg("--policy")
            .arg(directory.join(POLICY_FILE));
        command
    }

    /// All that mint on this way, in the order of the table. What runs first after the relays,
    /// or after itself, is slower or quicker for that: builds of tailmint come after scripts.
    pub(crate) fn contenders(
        &self,
        way: &Way,
        programs: &Programs,
        beside: Option<&Path>,
    ) -> Vec<Contender> {
        let new = |name, command| Contender::new(name, way, command);
        let mut all = vec![
            new(SCRIPT, self.script("script.sh", way)),
            new(TAILMINT, self.tailmint(&programs.tailmint, way)),
            new(LEANEST, self.script("lean.sh", way)),
            new(IDENTITY, self.by_identity(&programs.tailmint, way)),
        ];
        if programs.python3 {
            all.push(new(OWNER, self.script("owner.sh", way)));
        }
        if let Some(program) = beside {
            all.push(new("another tailmint", self.tailmint(program, way)));
        }
        all.push(new(FLOOR, self.plain(Command::new(&programs.floor), way)));
        if let Some(program) = &programs.get_authkey {
            all.push(new(GET_AUTHKEY, self.get_authkey(program, way)));
        }
        all
    }

    fn tailmint(&self, program: &Path, way: &Way) -> Command {
        let mut command = Command::new(program);
        command
            .args(["mint", "--connect-to", &way.to.to_string()])
            .arg("--secrets-dir")
            .arg(self.directory.path())
            .arg("--ca-file")
            .arg(&self.ca)
            // The audit goes here.
            .env("XDG_STATE_HOME", self.directory.path());
        command
    }

    fn script(&self, file: &str, way: &Way) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        self.plain(Command::new(script), way)
    }

    fn plain(&self, mut command: Command, way: &Way) -> Command {
        command
            .arg(self.directory.path())
            .arg(way.to.to_string())
            .arg(&self.ca);
        command
    }

    fn get_authkey(&self, program: &Path, way: &Way) -> Command {
        let mut command = Command::new(program);
        command
            .args(["-reusable", "-ephemeral", "-preauth", "-tags", "tag:tazpod"])
            .env("TS_API_CLIENT_ID", &self.client.0)
            .env("TS_API_CLIENT_SECRET", &self.client.1)
            .env("TS_BASE_URL", format!("https://{}", way.to))
            .env("SSL_CERT_FILE", &self.ca);
        command
    }
}
