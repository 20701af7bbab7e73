use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{certificate::Certificate, program::program};

/// A running Vault over TLS, on a port of its own, that dies with its test. Its
/// store is in memory; a KV store of version 2 is mounted at `secret`.
pub(super) struct Server {
    child: Child,
    program: PathBuf,
    directory: TempDir,
    pub(super) address: SocketAddr,
    pub(super) token: String,
    unseal_key: String,
}

/// Vault is up within a tenth of a second where nothing else runs.
const START_LIMIT: Duration = Duration::from_secs(30);

impl Server {
    /// `None` where it cannot be built.
    pub(super) fn start() -> Option<Self> {
        let mut server = Self::uninitialised()?;
        let made = server.vault(&[
            "operator",
            "init",
            "-key-shares=1",
            "-key-threshold=1",
            "-format=json",
        ]);
        let made: Value = serde_json::from_str(&made).unwrap();
        made["root_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut server.token);
        made["unseal_keys_b64"][0]
            .as_str()
            .unwrap()
            .clone_into(&mut server.unseal_key);
        server.unseal();
        server.vault(&["secrets", "enable", "-path=secret", "kv-v2"]);
        // The store is upgraded to versions in the background.
        let begun = Instant::now();
        while !server.try_vault(&["kv", "put", "secret/ready", "a=b"]) {
            assert!(begun.elapsed() < START_LIMIT, "the store does not come up");
        }
        Some(server)
    }

    pub(super) fn uninitialised() -> Option<Self> {
        let program = program()?;
        // Between the choice of a port and its use somebody else may take it.
        let server = (0..5).find_map(|_| Self::try_start(&program));
        Some(server.expect("vault starts"))
    }

    fn try_start(program: &Path) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let certificate = Certificate::new();
        std::fs::write(at("ca.pem"), &certificate.ca_pem).unwrap();
        std::fs::write(at("server.pem"), &certificate.pem).unwrap();
        std::fs::write(at("server.key"), &certificate.key_pem).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let config = format!(
            "storage \"inmem\" {{}}\n\
             disable_mlock = true\n\
             log_level = \"error\"\n\
             api_addr = \"https://{address}\"\n\
             listener \"tcp\" {{\n\
               address = \"{address}\"\n\
               tls_cert_file = \"{}\"\n\
               tls_key_file = \"{}\"\n\
             }}\n",
            at("server.pem").display(),
            at("server.key").display(),
        );
        std::fs::write(at("config.hcl"), config).unwrap();
        // Dropping it ends it; a test runner that is killed drops nothing.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .arg("server")
            .arg(format!("-config={}", at("config.hcl").display()))
            .env_clear()
            .env("HOME", directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut server = Self {
            child: command.spawn().unwrap(),
            program: program.to_owned(),
            directory,
            address,
            token: String::new(),
            unseal_key: String::new(),
        };
        let begun = Instant::now();
        loop {
            let ended = server.child.try_wait().unwrap().is_some();
            if ended || begun.elapsed() > START_LIMIT {
                return None;
            }
            // By its own authority: nobody else's server is taken for it.
            if TcpStream::connect(address).is_ok()
                && server.try_vault(&["operator", "init", "-status"])
            {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(super) fn seal(&self) {
        self.vault(&["operator", "seal"]);
    }

    pub(super) fn unseal(&self) {
        self.vault(&["operator", "unseal", &self.unseal_key]);
    }

    /// A token that may do no more than this policy says.
    pub(super) fn token_for(&self, policy: &str) -> String {
        let file = self.directory.path().join("policy.hcl");
        std::fs::write(&file, policy).unwrap();
        self.vault(&["policy", "write", "lab", file.to_str().unwrap()]);
        let made = self.vault(&["token", "create", "-policy=lab", "-format=json"]);
        let made: Value = serde_json::from_str(&made).unwrap();
        made["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    /// Vault's own command, as its administrator.
    pub(super) fn vault(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "vault {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Whether the server answers; that of `-status` has statuses of its own.
    fn try_vault(&self, arguments: &[&str]) -> bool {
        let status = self.command(arguments).output().unwrap().status;
        let answers = arguments.contains(&"-status") && status.code() == Some(2);
        status.success() || answers
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.directory.path())
            .env("VAULT_ADDR", self.url())
            .env("VAULT_CACERT", self.ca_file())
            .env("VAULT_TOKEN", &self.token)
            .env("VAULT_MAX_RETRIES", "0")
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
