use std::{
    error::Error,
    path::{Path, PathBuf},
    process::Command,
};

use tailmint_simulator::Simulator;
use tempfile::TempDir;

use crate::{contender::Contender, programs::Programs, way::Way};

pub(crate) const TAILMINT: &str = "tailmint";
pub(crate) const SCRIPT: &str = "curl + jq script";
/// One curl and one jq for each request, and nothing else.
pub(crate) const LEANEST: &str = "leanest script";
/// What the owner of the machines runs: curl and python3.
pub(crate) const OWNER: &str = "owner's flow";
pub(crate) const GET_AUTHKEY: &str = "get-authkey";
/// The same logic and TLS client, without a sandbox, a policy or an audit; built as tailmint
/// is.
pub(crate) const FLOOR: &str = "native floor";

/// Where the programs find what they need.
pub(crate) struct Place {
    directory: TempDir,
    ca: PathBuf,
    /// The id and the secret of the OAuth client, for who takes them as variables.
    client: (String, String),
}

impl Place {
    pub(crate) fn new(simulator: &Simulator) -> Result<Self, Box<dyn Error>> {
        let directory = tempfile::tempdir()?;
        let ca = directory.path().join("ca.pem");
        simulator.write_ca(&ca)?;
        simulator.write_secrets(directory.path())?;
        let client = simulator
            .client("bootstrap")
            .ok_or("the simulator has no client")?;
        Ok(Self {
            directory,
            ca,
            client: (client.id, client.secret),
        })
    }

    /// All that mint on this way, in the order of the table.
    pub(crate) fn contenders(
        &self,
        way: &Way,
        programs: &Programs,
        beside: Option<&Path>,
    ) -> Vec<Contender> {
        let mut all = vec![
            Contender::new(TAILMINT, way, self.tailmint(&programs.tailmint, way)),
            Contender::new(SCRIPT, way, self.script("script.sh", way)),
            Contender::new(LEANEST, way, self.script("lean.sh", way)),
        ];
        if programs.python3 {
            all.push(Contender::new(OWNER, way, self.script("owner.sh", way)));
        }
        let floor = self.plain(Command::new(&programs.floor), way);
        all.push(Contender::new(FLOOR, way, floor));
        if let Some(program) = &programs.get_authkey {
            let command = self.get_authkey(program, way);
            all.push(Contender::new(GET_AUTHKEY, way, command));
        }
        if let Some(program) = beside {
            let command = self.tailmint(program, way);
            all.push(Contender::new("another tailmint", way, command));
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
