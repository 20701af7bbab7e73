use std::{
    ffi::OsStr,
    io::Write,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Child,
    sync::{
        Once,
        atomic::{AtomicU16, Ordering},
    },
};

use sha2::{Digest, Sha256};
use tailmint::{Account, Credential, Minter, MinterBuilder, Secret, connection::Trust};
use tailmint_simulator::{Setup, Simulator};
use tempfile::TempDir;

pub(crate) use crate::secrets::holds;
use crate::{case::Case, contract::Contract, ran::Ran, secrets::hex};

/// Where the workspace is.
pub(crate) fn workspace() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap()
}

/// Lets what is started here have the signals that a terminal would give it. Those that are
/// ignored (`nohup cargo test`, a job in the background of a script) would be ignored there
/// too; a handler is not inherited, and does as little.
#[expect(unsafe_code, reason = "a handler is set that does nothing")]
fn default_signals() {
    extern "C" fn nothing(_: libc::c_int) {}
    static ONCE: Once = Once::new();

    ONCE.call_once(|| {
        let handler: extern "C" fn(libc::c_int) = nothing;
        for number in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
            // SAFETY: the handler does nothing, and what was there before is put back.
            unsafe {
                let before = libc::signal(number, handler as libc::sighandler_t);
                if before != libc::SIG_IGN {
                    libc::signal(number, before);
                }
            }
        }
    });
}

/// A simulated API with the credential files for it, in a folder of its own.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    directory: TempDir,
    headscale: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&Setup::default())
    }

    pub(crate) fn with(setup: &Setup) -> Self {
        default_signals();
        let simulator = Simulator::start(setup).unwrap();
        let directory = tempfile::tempdir().unwrap();
        simulator
            .write_ca(&directory.path().join("ca.pem"))
            .unwrap();
        let secrets = directory.path().join("secrets");
        std::fs::create_dir(&secrets).unwrap();
        simulator.write_secrets(&secrets).unwrap();
        Self {
            simulator,
            directory,
            headscale: setup.headscale,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The library's minter, which reaches this API.
    pub(crate) fn minter(&self) -> MinterBuilder {
        Minter::builder()
            .trust(Trust::pem_file(self.path().join("ca.pem")).unwrap())
            .connect_to(self.simulator.address().to_string().parse().unwrap())
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.path().join("secrets")
    }

    /// The OAuth client of the profile `bootstrap`, as the library takes it.
    pub(crate) fn account(&self) -> Account {
        let client = self.simulator.client("bootstrap").unwrap();
        Account::new(Credential::OauthClient {
            id: client.id,
            secret: Secret::new(client.secret),
        })
    }

    /// `tailmint` with these arguments, and with nothing that leads it here.
    pub(crate) fn bare<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Case<'_> {
        Case::new(self, arguments)
    }

    /// `tailmint` with these arguments and the flags that lead it here.
    pub(crate) fn tailmint<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Case<'_> {
        self.bare(&["--secrets-dir"])
            .arg(self.secrets())
            .arg("--connect-to")
            .arg(self.simulator.address().to_string())
            .arg("--ca-file")
            .arg(self.path().join("ca.pem"))
            .args(arguments)
            .env("HOME", self.path())
    }

    /// The same with an API key that may do everything.
    pub(crate) fn as_owner<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Case<'_> {
        self.tailmint(arguments)
            .env("TAILSCALE_API_KEY", self.simulator.api_key())
            .env("TAILSCALE_TAILNET", "-")
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Ran {
        self.tailmint(arguments).run()
    }

    /// Waits for it to end. Nothing that it writes on standard error has a secret in
    /// it.
    pub(crate) fn finish(&self, child: Child) -> Ran {
        let output = child.wait_with_output().unwrap();
        self.assert_no_secret(&output.stderr, "standard error");
        Ran::new(output, self)
    }

    /// All secrets that there are.
    pub(crate) fn all_secrets(&self) -> Vec<String> {
        let mut all = vec![self.simulator.api_key()];
        all.extend(self.simulator.all_clients().into_iter().map(|it| it.secret));
        all.extend(self.simulator.keys().into_iter().map(|it| it.key));
        all.extend(self.simulator.tokens());
        // Each part of an identity token too: the claims tell whose it is.
        for token in self.simulator.identity_tokens() {
            let parts = token.split('.').filter(|part| part.len() >= 16);
            all.extend(parts.map(str::to_owned));
            all.push(token);
        }
        all
    }

    pub(crate) fn assert_no_secret(&self, text: &[u8], place: &str) {
        for secret in self.all_secrets() {
            assert!(!holds(text, &secret), "a secret in {place}");
        }
    }

    /// The text without what differs from run to run.
    pub(crate) fn steady(&self, text: &str) -> String {
        let mut text = text
            .replace(&self.path().display().to_string(), "[dir]")
            .replace(&self.simulator.address().to_string(), "[api]");
        for (index, key) in self.simulator.keys().iter().enumerate() {
            text = text.replace(&key.id, &format!("[key {}]", index + 1));
        }
        for (index, identity) in self.simulator.all_identities().iter().enumerate() {
            text = text.replace(&identity.id, &format!("[identity {}]", index + 1));
        }
        for (index, client) in self.simulator.all_clients().iter().enumerate() {
            text = text.replace(&client.id, &format!("[client {}]", index + 1));
        }
        for (index, identity) in self.simulator.all_identities().iter().enumerate() {
            text = text.replace(&identity.id, &format!("[identity {}]", index + 1));
        }
        text
    }

    /// A policy that lets keys have these tags, for `--policy`.
    pub(crate) fn policy_for_tags(&self, tags: &[&str]) -> String {
        let text = format!("version = 1\n[rule.create-auth-key.key]\ntags = {tags:?}\n");
        self.write("policy.toml", &text).display().to_string()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let requests = self.simulator.requests();
        let lines: Vec<_> = requests
            .iter()
            .map(tailmint_simulator::Recorded::line)
            .collect();
        lines.iter().map(|line| self.steady(line)).collect()
    }

    /// Writes the configuration where it is looked for without a flag.
    pub(crate) fn config(&self, text: &str) {
        self.configure("config.toml", text);
    }

    /// The same with the policy.
    pub(crate) fn policy(&self, text: &str) {
        self.configure("policy.toml", text);
    }

    fn configure(&self, name: &str, text: &str) {
        let directory = self.path().join(".config/tailmint");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(name), text).unwrap();
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        path
    }
}

impl Drop for World {
    /// All that was said to the API and by it keeps Tailscale's contract.
    fn drop(&mut self) {
        if !self.headscale && !std::thread::panicking() {
            Contract::published().check(&self.simulator.requests());
        }
    }
}

/// An address of this machine on which nobody else listens: what is closed there stays
/// closed, unlike a port that another test may be given next.
pub(crate) fn lonely_address() -> Ipv4Addr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let process = std::process::id().to_be_bytes()[3];
    // Never 127.0.0.1, which the others have.
    Ipv4Addr::new(127, process.max(1), high, low)
}

/// The digest in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes), "")
}
