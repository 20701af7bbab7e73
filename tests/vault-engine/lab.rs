use std::{
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use regex::Regex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tailmint_simulator::{Endpoint, Fault, OauthClient, Setup, Simulator};
use tempfile::TempDir;

use crate::{
    program::program,
    secrets::{hex, parts},
};

/// What the machine's owner allows: the tags of the tests, and a client like the mount's.
const POLICY: &str = r#"version = 1
[rule.create-auth-key.key]
tags = ["tag:server", "tag:web"]
max-expiry = "2h"
[rule.create-client.client]
scopes = ["auth_keys", "oauth_keys"]
tags = ["tag:server", "tag:web"]
[identity]
client-ids = ["T1CNTRL-k9CNTRL"]
files = ["/nowhere/token"]
"#;

/// A real Vault with the engine registered, on a port of its own, and the simulated API that
/// the engine reaches. All of it ends with the test.
pub(crate) struct Lab {
    pub(crate) simulator: Simulator,
    server: Child,
    vault: PathBuf,
    directory: TempDir,
    url: String,
    token: String,
    unseal_key: String,
}

/// How Vault's own command ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Nobody else's work takes longer, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

impl Lab {
    /// With the engine mounted at `ts`, without a credential. `None` where there is no Vault.
    pub(crate) fn mounted() -> Option<Self> {
        let lab = Self::registered(&[])?;
        lab.done(&["secrets", "enable", "-path=ts", "tailmint"]);
        Some(lab)
    }

    /// The same with a credential, and the role `web`, whose keys live for an hour.
    pub(crate) fn ready() -> Option<Self> {
        Self::ready_with(&[])
    }

    /// The same with these variables for Vault and its plugins.
    pub(crate) fn ready_with(variables: &[(&str, &str)]) -> Option<Self> {
        let lab = Self::registered(variables)?;
        lab.done(&["secrets", "enable", "-path=ts", "tailmint"]);
        lab.configure("rotating");
        lab.done(&["write", "ts/roles/web", "tags=tag:server", "ttl=10m"]);
        Some(lab)
    }

    /// Vault with the engine registered.
    pub(crate) fn registered(variables: &[(&str, &str)]) -> Option<Self> {
        let vault = program()?;
        let client = |name: &str, scopes: &[&str]| OauthClient::new(name, scopes, &["tag:server"]);
        let simulator = Simulator::start(&Setup {
            clients: vec![
                client("rotating", &["auth_keys", "oauth_keys"]),
                client("plain", &["auth_keys"]),
                client("useless", &["devices"]),
            ],
            tag_owners: vec![("tag:server".to_owned(), "tag:web".to_owned())],
            ..Setup::default()
        })
        .unwrap();
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in ["plugins", "storage"] {
            fs::create_dir(at(name)).unwrap();
        }
        simulator.write_ca(&at("ca.pem")).unwrap();
        fs::write(at("policy.toml"), POLICY).unwrap();
        let engine = at("plugins").join("tailmint-vault-engine");
        fs::copy(stripped(), &engine).unwrap();
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        fs::write(
            at("config.hcl"),
            config(directory.path(), port, free_port()),
        )
        .unwrap();
        let log = fs::File::create(at("vault.log")).unwrap();
        // Dropping it ends it; a test runner that is killed drops nothing.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&vault)
            .arg("server")
            .arg(format!("-config={}", at("config.hcl").display()))
            .env_clear()
            .env("HOME", directory.path())
            .env("PATH", "/usr/bin:/bin")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let mut lab = Self {
            simulator,
            server: command.spawn().unwrap(),
            vault,
            directory,
            url,
            token: String::new(),
            unseal_key: String::new(),
        };
        lab.initialise();
        lab.done(&[
            "audit",
            "enable",
            "file",
            &format!("file_path={}", lab.at("vault-audit.log").display()),
        ]);
        lab.register();
        Some(lab)
    }

    fn initialise(&mut self) {
        let flags = ["-key-shares=1", "-key-threshold=1", "-format=json"];
        let made = wait_for(|| {
            let ran = self.vault(&[&["operator", "init"], &flags[..]].concat());
            (ran.code == 0).then_some(ran.stdout)
        });
        let made: Value = serde_json::from_str(&made).unwrap();
        made["root_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.token);
        made["unseal_keys_b64"][0]
            .as_str()
            .unwrap()
            .clone_into(&mut self.unseal_key);
        self.unseal();
    }

    pub(crate) fn unseal(&self) {
        self.done(&["operator", "unseal", &self.unseal_key]);
        // It is active a moment later.
        wait_for(|| (self.vault(&["secrets", "list"]).code == 0).then_some(()));
    }

    pub(crate) fn register(&self) {
        let program = fs::read(self.at("plugins/tailmint-vault-engine")).unwrap();
        let digest = hex(&Sha256::digest(program), "");
        let arguments = [
            format!("--policy={}", self.at("policy.toml").display()),
            format!("--audit-file={}", self.audit_file().display()),
            format!("--ca-file={}", self.at("ca.pem").display()),
            format!("--connect-to={}", self.simulator.address()),
        ];
        let mut command = vec!["plugin".to_owned(), "register".to_owned()];
        command.push(format!("-sha256={digest}"));
        command.push("-command=tailmint-vault-engine".to_owned());
        command.extend(arguments.iter().map(|it| format!("-args={it}")));
        command.extend(["secret".to_owned(), "tailmint".to_owned()]);
        let command: Vec<_> = command.iter().map(String::as_str).collect();
        self.done(&command);
    }

    /// Has the mount ask with the client of this description.
    pub(crate) fn configure(&self, client: &str) {
        let client = self.simulator.client(client).unwrap();
        self.done(&[
            "write",
            "ts/config",
            &format!("client_id={}", client.id),
            &format!("client_secret={}", client.secret),
        ]);
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn audit_file(&self) -> PathBuf {
        self.at("tailmint/audit.jsonl")
    }

    /// Vault's own command, as its administrator.
    pub(crate) fn vault(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A client that reads a key while the API holds the request that creates it.
    pub(crate) fn client_whose_key_is_held(&self) -> Child {
        self.simulator.misbehave(Endpoint::Keys, Fault::Hold, 1);
        let before = self.simulator.requests().len();
        let client = self
            .command(&["read", "ts/creds/web"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The request for a token, and the one that creates the key.
        wait_for(|| (self.simulator.requests().len() >= before + 2).then_some(()));
        client
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.vault);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.directory.path())
            .env("VAULT_ADDR", &self.url)
            .env("VAULT_TOKEN", &self.token)
            .env("VAULT_MAX_RETRIES", "0")
            .env("VAULT_CLI_NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    /// The same where nothing is to fail.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let ran = self.vault(arguments);
        assert_eq!(ran.code, 0, "vault {arguments:?}: {}", ran.stderr);
        ran.stdout
    }

    /// The same as JSON.
    pub(crate) fn json(&self, command: &str, path: &str) -> Value {
        let text = self.done(&[command, "-format=json", path]);
        serde_json::from_str(&text).unwrap()
    }

    /// A new key of the role `web`: its lease and its id.
    pub(crate) fn key(&self) -> (String, String) {
        let read = self.json("read", "ts/creds/web");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&read["lease_id"]), text(&read["data"]["key_id"]))
    }

    /// Runs each line as arguments of `vault`; what it prints, without what differs from run
    /// to run. A word in braces stands for a value that is known here.
    pub(crate) fn transcript(&self, lines: &[&str]) -> String {
        let mut shown = String::new();
        for line in lines {
            let words: Vec<String> = line.split(' ').map(|word| self.filled(word)).collect();
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            let ran = self.vault(&words);
            let _ = writeln!(shown, "$ vault {line}");
            for (name, text) in [("", &ran.stdout), ("! ", &ran.stderr)] {
                for line in text.lines() {
                    let line = self.steady(line.trim_end());
                    if !line.is_empty() && !line.trim_matches('-').trim().is_empty() {
                        let _ = writeln!(shown, "{name}{line}");
                    }
                }
            }
            let _ = writeln!(shown, "= {}\n", ran.code);
        }
        self.assert_no_standing_secret(shown.as_bytes(), "what Vault's command prints");
        shown
    }

    fn filled(&self, word: &str) -> String {
        let mut word = word.to_owned();
        for client in self.simulator.all_clients() {
            let name = &client.description;
            word = word.replace(&format!("{{{name}-id}}"), &client.id);
            word = word.replace(&format!("{{{name}-secret}}"), &client.secret);
        }
        // Words that have blanks in them.
        word.replace('~', " ")
    }

    /// The text without what differs from run to run.
    pub(crate) fn steady(&self, text: &str) -> String {
        let mut text = text
            .replace(&self.url, "[vault]")
            .replace(&self.simulator.address().to_string(), "[api]")
            .replace(&self.directory.path().display().to_string(), "[dir]");
        for (index, key) in self.simulator.keys().iter().enumerate() {
            text = text
                .replace(&key.key, &format!("[key {} itself]", index + 1))
                .replace(&key.id, &format!("[key {}]", index + 1));
        }
        for (index, client) in self.simulator.all_clients().iter().enumerate() {
            text = text.replace(&client.id, &format!("[client {}]", index + 1));
        }
        for (pattern, with) in [
            (r"(creds/[a-z0-9-]+)/[A-Za-z0-9]{24}", "$1/[lease]"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]"),
            (r"vault-[0-9a-f]{16}", "vault-[mark]"),
            // A key's hour began in the second before.
            (r"\b59m5\ds\b", "1h"),
            (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[request]"),
            (r"[0-9a-f]{64}", "[sha256]"),
            (r" {2,}", "  "),
        ] {
            text = Regex::new(pattern)
                .unwrap()
                .replace_all(&text, with)
                .into_owned();
        }
        text
    }

    /// No secret of an OAuth client and no access token is in it. Keys are what is asked for.
    pub(crate) fn assert_no_standing_secret(&self, text: &[u8], place: &str) {
        assert!(
            !holds_any(text, &self.standing_secrets()),
            "a secret in {place}"
        );
    }

    /// No key is in it either.
    pub(crate) fn assert_no_secret(&self, text: &[u8], place: &str) {
        let mut secrets = self.standing_secrets();
        secrets.extend(self.simulator.keys().into_iter().map(|key| key.key));
        assert!(!holds_any(text, &secrets), "a secret in {place}");
    }

    fn standing_secrets(&self) -> Vec<String> {
        let clients = self.simulator.all_clients().into_iter();
        let secrets: Vec<_> = clients.map(|client| client.secret).collect();
        assert!(!secrets.is_empty());
        [secrets, self.simulator.tokens()].concat()
    }

    /// The ids of the keys that are alive at the API.
    pub(crate) fn alive(&self) -> Vec<String> {
        self.simulator
            .live_keys()
            .into_iter()
            .map(|key| key.id)
            .collect()
    }

    /// Where Vault listens.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Its administrator's token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Kills a process.
    #[expect(clippy::unused_self, reason = "it is one of this lab's")]
    pub(crate) fn kill(&self, process: u32) {
        let killed = Command::new("kill")
            .args(["-KILL", &process.to_string()])
            .status();
        assert!(killed.is_ok());
    }

    /// Kills Vault, as the system does where there is no memory.
    pub(crate) fn kill_vault(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// The number of the engine's process, which runs under Vault.
    pub(crate) fn engine_process(&self) -> Option<u32> {
        let parent = self.server.id().to_string();
        fs::read_dir("/proc").unwrap().find_map(|entry| {
            let path = entry.unwrap().path();
            let number = path.file_name()?.to_str()?.parse().ok()?;
            let status = fs::read_to_string(path.join("stat")).ok()?;
            // After the name, which is in brackets: its state and its parent.
            let mut fields = status.rsplit_once(')')?.1.split_whitespace();
            let state = fields.next()?;
            (fields.next()? == parent && state != "Z").then_some(number)
        })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(self.at("vault.log")).unwrap_or_default();
            let last: Vec<_> = log.lines().rev().take(40).collect();
            for line in last.iter().rev() {
                eprintln!("{line}");
            }
        }
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// The engine without what a debugger needs: that is most of it, and Vault reads all of it at
/// each start.
fn stripped() -> &'static Path {
    static STRIPPED: OnceLock<PathBuf> = OnceLock::new();
    STRIPPED.get_or_init(|| {
        let built = Path::new(env!("CARGO_BIN_EXE_tailmint-vault-engine"));
        let stripped = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tailmint-vault-engine");
        let mut command = Command::new("strip");
        let done = command.arg("-o").arg(&stripped).arg(built).status();
        if done.is_ok_and(|status| status.success()) {
            stripped
        } else {
            built.to_owned()
        }
    })
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn config(directory: &Path, port: u16, cluster: u16) -> String {
    let directory = directory.display();
    format!(
        "storage \"raft\" {{\n\
           path = \"{directory}/storage\"\n\
           node_id = \"one\"\n\
           performance_multiplier = 1\n\
         }}\n\
         plugin_directory = \"{directory}/plugins\"\n\
         disable_mlock = true\n\
         log_level = \"debug\"\n\
         api_addr = \"http://127.0.0.1:{port}\"\n\
         cluster_addr = \"http://127.0.0.1:{cluster}\"\n\
         listener \"tcp\" {{\n\
           address = \"127.0.0.1:{port}\"\n\
           cluster_address = \"127.0.0.1:{cluster}\"\n\
           tls_disable = true\n\
         }}\n"
    )
}

/// Whether the text has something of one of these in it. It may be long: a database.
pub(crate) fn holds_any(text: &[u8], secrets: &[String]) -> bool {
    let all = secrets.iter().flat_map(|secret| parts(secret));
    let escaped = all.map(|part| {
        let bytes = part.iter().map(|byte| format!("\\x{byte:02x}"));
        bytes.collect::<String>()
    });
    let pattern = escaped.collect::<Vec<_>>().join("|");
    let mut pattern = regex::bytes::RegexBuilder::new(&format!("(?-u){pattern}"));
    pattern.size_limit(1 << 30).build().unwrap().is_match(text)
}

/// Waits until there is one.
pub(crate) fn wait_for<T>(mut what: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}
