use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use tailmint::KeyId;
use tailmint::connection::ConnectTo;
use tailmint_api::Operation;
use tailmint_operator::{tailscale::SshHost, vault::VaultPath};

use super::{
    identity_flags::IdentityFlags, key_flags::KeyFlags, new_identity_flags::NewIdentityFlags,
};

/// Joins machines to a Tailscale network without a standing key.
///
/// Reads a Tailscale OAuth client from ~/secrets, mints an auth key of one hour
/// with it in a sandbox that can reach nothing but api.tailscale.com, and hands
/// the key to tailscale.
#[derive(Parser)]
#[command(name = "tailmint", version, after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) global: Global,
}

const EXAMPLES: &str = "\
Examples:
  tailmint up                             join this machine
  tailmint up -- --hostname=db --ssh      join it with further settings
  tailmint mint --expiry 10m --single-use print a key for another machine
  tailmint mint --profile k8s-operator    print a key of the other profile
  eval \"$(tailmint env)\"                  put a key into TS_AUTHKEY
  tailmint exec -- terraform apply        run a command with TS_AUTHKEY set

Exit status:
  0 on success; 2 usage; 10 credential; 11 policy or audit log; 12 denied by the policy;
  13 the component failed; 14 rejected by the API; 15 the API cannot be reached; 16 a key
  may exist; 17 invalid result; 20 no tailscale; 21 tailscale failed; 128+n by signal n";

#[derive(Args)]
#[command(next_help_heading = "Options for all commands")]
pub(super) struct Global {
    /// Directory of the credential files [default: ~/secrets]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) secrets_dir: Option<PathBuf>,
    /// Configuration file [default: ~/.config/tailmint/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Connect to this address instead of to api.tailscale.com; requests and
    /// certificate stay those of api.tailscale.com
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub(super) connect_to: Option<ConnectTo>,
    /// Trust the certificate authorities in this file, and no others
    #[arg(long, global = true, value_name = "PEM")]
    pub(super) ca_file: Option<PathBuf>,
    /// Trust the certificate authorities that the system trusts, or those in
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR`
    #[arg(long, global = true, conflicts_with = "ca_file")]
    pub(super) system_certs: bool,
    /// Run this component instead of the built-in one; the policy has to pin it
    #[cfg(feature = "compiler")]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) component: Option<PathBuf>,
    /// Policy file, within /etc/tailmint/policy.toml
    /// [default: ~/.config/tailmint/policy.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// File of the audit log: every decision is written to it
    /// [default: ~/.local/state/tailmint/audit.jsonl]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) audit_file: Option<PathBuf>,
    /// Print results and errors as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Print each request and decision on standard error
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: Color,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    pub(super) fn write_global(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::AlwaysAnsi,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum Command {
    /// Mint an auth key and print it
    #[command(after_help = MINT_EXAMPLES)]
    Mint(Mint),
    /// Mint an auth key and print it as a shell command: eval "$(tailmint env)"
    Env(Env),
    /// Run a command with a new auth key in `TS_AUTHKEY`
    #[command(after_help = EXEC_EXAMPLES)]
    Exec(Exec),
    /// Join this machine to the tailnet
    ///
    /// If this machine is already connected, it gets the settings that were given, and
    /// nothing else changes. If it is stopped, it is started. Neither mints a key. A key is handed to tailscale in memory: it
    /// is on no command line, in no environment and in no file. If the machine does
    /// not join, the key is revoked.
    #[command(after_help = UP_EXAMPLES)]
    Up(Up),
    /// Check configuration, credentials, network and scopes; mints nothing
    ///
    /// The checks run in this order: configuration, policy, audit log, what the
    /// kernel takes away from this process, the connection to the API, the files of the
    /// secrets, the scopes that the API grants, and tailscale. The exit status is that of the first check that fails.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Create, rotate and delete the OAuth clients that keys are minted with
    #[command(after_help = CLIENTS_EXAMPLES)]
    Clients(Clients),
    /// Create and delete federated identities, which mint keys without a secret
    #[command(after_help = IDENTITIES_EXAMPLES)]
    Identities(Identities),
    /// Show auth keys, or revoke them
    Keys(Keys),
    /// Read the audit log, or check that nobody changed it
    Audit(Audit),
    /// Say what tailmint can do here: what the component can name, what the policy lets
    /// leave, and what the program connects to, runs and opens besides
    Capabilities,
    /// Inspect the component, or export it
    Component(Component),
    /// Show the policy, check a policy file, or explain a decision
    Policy(Policy),
    /// Have systemd join this machine at boot, and keep it joined
    #[command(after_help = SERVICE_EXAMPLES)]
    Service(Service),
    /// Deliver OAuth clients to a Vault
    Vault(Vault),
    /// Show how minting works, with a simulated API on this machine
    #[cfg(feature = "demo")]
    Demo,
    /// Print the completions for a shell
    #[command(
        after_help = "Example:\n  tailmint completions bash > ~/.local/share/bash-completion/completions/tailmint"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of a command
    #[command(after_help = MAN_EXAMPLES)]
    Man(Man),
}

const MAN_EXAMPLES: &str = "\
Examples:
  tailmint man | man -l -
  tailmint man clients create | man -l -
  tailmint man --directory ~/.local/share/man/man1";

#[derive(Args)]
pub(super) struct Man {
    /// The command, such as clients create [default: tailmint itself]
    #[arg(value_name = "COMMAND")]
    pub(super) command: Vec<String>,
    /// Write the pages of all commands to this directory
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(super) directory: Option<PathBuf>,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  tailmint check
  tailmint check --all --json";

const CLIENTS_EXAMPLES: &str = "\
To create and delete clients, set TAILSCALE_API_KEY and TAILSCALE_TAILNET, or
name with --as the profile of an OAuth client that has the scope oauth_keys.

Examples:
  tailmint clients create --all
  sudo -E tailmint clients create --systemd
  tailmint clients rotate --profile bootstrap --grace 5m
  tailmint clients terraform --all > clients.tf
  terraform output -json | tailmint clients import --all -";

const IDENTITIES_EXAMPLES: &str = "\
The policy has to name the issuer and the subject that may come in. To create, change
and delete identities, set TAILSCALE_API_KEY and TAILSCALE_TAILNET, or name with --as the
profile of a credential that has the scope federated_keys.

Examples:
  tailmint identities create --github acme@1234/web@5678 --ref main --tag tag:ci
  tailmint identities create --kubernetes https://oidc.example.com infra/joiner
  tailmint identities create --issuer https://issuer.example.com --subject 'job:build:*'
  tailmint identities terraform --gitlab acme/web --ref main > identity.tf
  tailmint identities move-from bootstrap   delete the OAuth client that it replaces";

const MINT_EXAMPLES: &str = "\
Examples:
  tailmint mint
  tailmint mint --expiry 10m --single-use --description 'build agent'
  tailmint mint --profile k8s-operator --format json
  tailmint mint --format kubernetes | kubectl apply --server-side -f -";

const EXEC_EXAMPLES: &str = "\
The exit status is that of the command. If there is no such command, it is 127,
and no key is minted.

Examples:
  tailmint exec -- terraform apply
  tailmint exec --expiry 10m -- sh -c 'docker run -e TS_AUTHKEY tailscale/tailscale'";

const UP_EXAMPLES: &str = "\
Examples:
  tailmint up
  tailmint up --timeout 30s --revoke
  tailmint up --hostname db -- --accept-routes
  tailmint up --sudo --start-daemon       in a container without systemd
  tailmint up --ssh root@db root@web -- --accept-routes";

#[derive(Args)]
pub(super) struct Mint {
    #[command(flatten)]
    pub(super) key: KeyFlags,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

/// How a key is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The key alone.
    #[default]
    Key,
    /// The key with all that is known about it.
    Json,
    /// A command for a shell that puts it into `TS_AUTHKEY`.
    Env,
    /// `TS_AUTHKEY=...`, for docker's --env-file, systemd's `EnvironmentFile=` and .env
    /// files.
    Dotenv,
    /// For a step of a GitHub Actions job: masks the key in the log, and puts it into
    /// `TS_AUTHKEY` of the steps that follow.
    Github,
    /// A document of a Talos machine configuration, for the tailscale extension.
    Talos,
    /// A Kubernetes Secret, tailscale-auth, that holds `TS_AUTHKEY`.
    Kubernetes,
}

#[derive(Args)]
pub(super) struct Env {
    #[command(flatten)]
    pub(super) key: KeyFlags,
}

#[derive(Args)]
pub(super) struct Exec {
    #[command(flatten)]
    pub(super) key: KeyFlags,
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

#[derive(Args)]
pub(super) struct Up {
    #[command(flatten)]
    pub(super) key: KeyFlags,
    /// Name of the machine in the tailnet [default: its host name]
    #[arg(long, value_name = "NAME")]
    pub(super) hostname: Option<String>,
    /// How long the machine may take to join, all waiting included
    /// [default: 2m, of which tailscaled has 10s to listen]
    #[arg(long, value_parser = timeout, value_name = "DURATION")]
    pub(super) timeout: Option<Duration>,
    /// Run tailscale with sudo
    #[arg(long)]
    pub(super) sudo: bool,
    /// Start tailscaled if it does not run, as in a container without a service manager
    #[arg(long)]
    pub(super) start_daemon: bool,
    /// Log in anew even if the machine is already connected
    #[arg(long)]
    pub(super) force: bool,
    /// Leave the machine alone where a person took it down or logged it out; the file
    /// remembers whether it was connected
    #[arg(long, value_name = "FILE", conflicts_with_all = ["force", "ssh", "ssh_file"])]
    pub(super) keep: Option<PathBuf>,
    /// Revoke the key once the machine has joined
    #[arg(long)]
    pub(super) revoke: bool,
    /// Join these machines by ssh instead, each with a key of its own for a single use
    #[arg(long, value_name = "[USER@]HOST", num_args = 1..)]
    pub(super) ssh: Vec<SshHost>,
    /// The same for the machines in this file, one a line; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(super) ssh_file: Option<PathBuf>,
    /// The socket of tailscaled
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// The tailscale command [default: the first in $PATH]
    #[arg(long, value_name = "PATH")]
    pub(super) tailscale: Option<PathBuf>,
    /// Settings for tailscale up, besides those of the profile
    #[arg(last = true, value_name = "TAILSCALE-UP-ARGS")]
    pub(super) arguments: Vec<OsString>,
}

#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) profiles: Profiles,
    #[command(flatten)]
    pub(super) identity: IdentityFlags,
    /// Fetch what the issuer of the identity token publishes, where the policy's
    /// identity.issuer-hosts names its host
    #[arg(long)]
    pub(super) probe_issuer: bool,
    /// The socket of tailscaled
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// The tailscale command [default: the first in $PATH]
    #[arg(long, value_name = "PATH")]
    pub(super) tailscale: Option<PathBuf>,
}

// Which profiles a command is about.
#[derive(Args)]
pub(super) struct Profiles {
    /// The profile; may be repeated [default: bootstrap]
    #[arg(long = "profile", value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// All profiles
    #[arg(long, conflicts_with = "names")]
    pub(super) all: bool,
}

#[derive(Args)]
pub(super) struct Clients {
    #[command(subcommand)]
    pub(super) command: ClientsCommand,
}

// Where encrypted credentials are.
#[derive(Args)]
pub(super) struct Store {
    /// Directory of the encrypted credentials [default: /etc/credstore.encrypted]
    #[arg(long, value_name = "DIR")]
    pub(super) credstore: Option<PathBuf>,
}

// Who may create and delete OAuth clients.
#[derive(Args)]
pub(super) struct OwnerFlag {
    /// Use the OAuth client of this profile, which needs the scope `oauth_keys`,
    /// instead of `TAILSCALE_API_KEY`
    #[arg(long = "as", value_name = "PROFILE")]
    pub(super) profile: Option<String>,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum ClientsCommand {
    /// Create the OAuth clients of profiles, and write them to the secrets directory
    Create {
        #[command(flatten)]
        profiles: Profiles,
        #[command(flatten)]
        owner: OwnerFlag,
        /// Overwrite existing files; the client that they name is not deleted
        #[arg(long)]
        replace: bool,
        /// Write them to no file but encrypted credentials of systemd, which this machine
        /// alone can read
        #[arg(long)]
        systemd: bool,
        #[command(flatten)]
        store: Store,
    },
    /// Encrypt the OAuth clients in the secrets directory for units of systemd on this
    /// machine
    Encrypt {
        #[command(flatten)]
        profiles: Profiles,
        /// Overwrite encrypted credentials that exist; the client in them is not deleted
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        store: Store,
    },
    /// Rotate OAuth clients: create and check a new one, save it, then delete the
    /// old one
    Rotate {
        #[command(flatten)]
        profiles: Profiles,
        #[command(flatten)]
        owner: OwnerFlag,
        /// Delete the old one only after this long [default: at once]
        #[arg(long, value_parser = timeout, value_name = "DURATION")]
        grace: Option<Duration>,
        /// Do not delete the old one
        #[arg(long, conflicts_with = "grace")]
        keep_old: bool,
    },
    /// Delete the OAuth clients of profiles with their files, or one by its id
    Delete {
        #[command(flatten)]
        profiles: Profiles,
        #[command(flatten)]
        owner: OwnerFlag,
        /// Delete the client with this id, and no files; may be repeated
        #[arg(long = "id", value_name = "ID", conflicts_with_all = ["names", "all"])]
        ids: Vec<KeyId>,
    },
    /// List the OAuth clients of the tailnet, with the profiles that use them
    List {
        #[command(flatten)]
        owner: OwnerFlag,
    },
    /// Print Terraform resources that create the same OAuth clients
    ///
    /// Terraform keeps the secrets unencrypted in its state.
    Terraform {
        #[command(flatten)]
        profiles: Profiles,
    },
    /// Write the OAuth clients that Terraform created to the secrets directory
    Import {
        #[command(flatten)]
        profiles: Profiles,
        /// Output of terraform output -json; - is standard input
        file: PathBuf,
        /// Overwrite existing files
        #[arg(long)]
        replace: bool,
    },
}

#[derive(Args)]
pub(super) struct Identities {
    #[command(subcommand)]
    pub(super) command: IdentitiesCommand,
}

// Who may create and delete federated identities.
#[derive(Args)]
pub(super) struct IdentityOwnerFlag {
    /// Use the credential of this profile, which needs the scope `federated_keys`,
    /// instead of `TAILSCALE_API_KEY`
    #[arg(long = "as", value_name = "PROFILE")]
    pub(super) owner: Option<String>,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum IdentitiesCommand {
    /// Create a federated identity, and print its client id and its audience
    Create {
        #[command(flatten)]
        new: NewIdentityFlags,
        #[command(flatten)]
        owner: IdentityOwnerFlag,
    },
    /// List the federated identities of the tailnet
    List {
        #[command(flatten)]
        owner: IdentityOwnerFlag,
    },
    /// Replace all that a federated identity says; its client id stays
    Update {
        /// Its client id
        id: KeyId,
        #[command(flatten)]
        new: NewIdentityFlags,
        #[command(flatten)]
        owner: IdentityOwnerFlag,
    },
    /// Delete federated identities: their tokens are not exchanged any more
    Delete {
        /// Their client ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<KeyId>,
        #[command(flatten)]
        owner: IdentityOwnerFlag,
    },
    /// Print a Terraform resource that creates the same federated identity
    Terraform {
        #[command(flatten)]
        new: NewIdentityFlags,
    },
    /// Delete the OAuth client of a profile that has a federated identity now, with its files
    ///
    /// The identity is tried first: its token is exchanged, and it has to grant the scope
    /// `auth_keys`. If it does not, the OAuth client and its files stay.
    MoveFrom {
        /// The profile, which has client-id and a token source in the configuration
        #[arg(value_name = "PROFILE")]
        profile: String,
        /// Use the OAuth client of this profile, which needs the scope `oauth_keys`,
        /// instead of `TAILSCALE_API_KEY`
        #[arg(long = "as", id = "as", value_name = "PROFILE")]
        owner: Option<String>,
    },
}

#[derive(Args)]
pub(super) struct Keys {
    /// Whose credential to use
    #[arg(long, value_name = "NAME", global = true)]
    pub(super) profile: Option<String>,
    #[command(subcommand)]
    pub(super) command: KeysCommand,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum KeysCommand {
    /// Describe an auth key, including an expired or revoked one
    Get {
        /// The key's id, such as kTT1CNTRL11
        id: KeyId,
        #[command(flatten)]
        identity: IdentityFlags,
    },
    /// List the auth keys of the tailnet that the credential may see
    List {
        /// Include expired and revoked keys
        #[arg(long)]
        invalid: bool,
        #[command(flatten)]
        identity: IdentityFlags,
    },
    /// Revoke auth keys: no more machines can join with them
    Revoke {
        /// The keys' ids
        #[arg(required_unless_present = "minted")]
        ids: Vec<KeyId>,
        /// Revoke all keys that the audit log says were minted here and that are still
        /// valid
        #[arg(long, conflicts_with = "ids")]
        minted: bool,
        #[command(flatten)]
        identity: IdentityFlags,
    },
}

impl KeysCommand {
    /// The federated identity to ask with, if the flags name one.
    pub(super) fn identity(&self) -> &IdentityFlags {
        match self {
            Self::Get { identity, .. }
            | Self::List { identity, .. }
            | Self::Revoke { identity, .. } => identity,
        }
    }
}

#[derive(Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    pub(super) command: AuditCommand,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum AuditCommand {
    /// Check that no line was edited, inserted, moved or removed
    ///
    /// The files that the log was rotated to are read too. The log itself cannot show that
    /// lines were removed at its end: keep elsewhere what `audit head` or `audit checkpoint`
    /// prints, and give it with --head or --checkpoint.
    Verify {
        /// The log is whole only if it has a line with this hash; the whole line that
        /// `audit head` printed will do
        #[arg(long, value_name = "HASH")]
        head: Option<tailmint_audit::Head>,
        /// The log is whole only if it has the lines that this checkpoint was signed for
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// The key that signed the checkpoint, as `audit checkpoint --public-key` printed it,
        /// or one before it [default: those that the log names]
        #[arg(long, value_name = "KEY", requires = "checkpoint")]
        public_key: Option<tailmint_audit::PublicKey>,
    },
    /// Print the number and the hash of the last line, to be kept elsewhere
    Head,
    /// Print a signed checkpoint of the log, to be kept elsewhere
    ///
    /// It is a signed note (c2sp.org/signed-note) with the size and the root hash of the tree
    /// over all lines (c2sp.org/tlog-checkpoint), which witnesses and other programs can
    /// verify. The key is created when it is first used, beside the log.
    Checkpoint {
        /// Print the key that checkpoints are verified with
        #[arg(long)]
        public_key: bool,
        /// Have a new key sign from now on; the log says so, signed by the one before
        #[arg(long, conflicts_with = "public_key")]
        rotate_key: bool,
    },
    /// Begin the next file of the log
    ///
    /// The lines before stay beside it, in audit.jsonl.000001 and so on; the chain goes on.
    /// The section [audit] of the configuration has it done by itself, and says how many
    /// files are kept.
    Rotate,
    /// Send to the journal or syslog what could not be sent when it was written
    ///
    /// The configuration says to which of them: ship in its section [audit]. Without a mark of
    /// what was sent, all entries are.
    Ship {
        /// Entries since this time, such as 2026-11-24T13:00:00Z, whether they were sent or not
        #[arg(long, value_name = "TIME")]
        since: Option<jiff::Timestamp>,
    },
    /// Print the decisions in plain words; with --json, print the entries unchanged
    Show {
        /// Only entries of this run
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
        /// Only entries with this decision
        #[arg(long, value_enum)]
        decision: Option<Decided>,
        /// Only entries since this time, such as 2026-11-24T13:00:00Z
        #[arg(long, value_name = "TIME")]
        since: Option<jiff::Timestamp>,
        /// Only entries before this time
        #[arg(long, value_name = "TIME")]
        until: Option<jiff::Timestamp>,
    },
    /// Print the last entries
    Tail {
        /// How many entries
        #[arg(short = 'n', long, default_value_t = 10)]
        lines: usize,
    },
    /// Report what was minted, denied and revoked, and whether the log is whole
    ///
    /// All times are UTC. If the log was changed, or does not have the line that was given
    /// with --head, the report is written and says so, and the exit status is that of
    /// audit verify.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(AuditReport),
    /// Tell all that is known about one key, from the wish to its end
    #[command(after_help = AUDIT_EXPLAIN_EXAMPLES)]
    Explain {
        /// The id of a key, an OAuth client or a federated identity, or a run
        #[arg(value_name = "ID|RUN")]
        what: String,
    },
}

const REPORT_EXAMPLES: &str = "\
Examples:
  tailmint audit report --since 30d
  tailmint audit report --since 2026-10-01 --until 2026-11-01 --html october.html
  tailmint audit report --head \"$KEPT\" --json";

const AUDIT_EXPLAIN_EXAMPLES: &str = "\
Examples:
  tailmint audit explain kTT1CNTRL11
  tailmint audit explain 6f0c2a9d13b4e857 --json";

#[derive(Args)]
pub(super) struct AuditReport {
    /// Only what happened since then: a duration before now, such as 30d, a date, or a time
    /// [default: since the log begins]
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub(super) since: Option<When>,
    /// Only what happened before then; keys still join, or do not, as of then [default: now]
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub(super) until: Option<When>,
    /// Compare the log with this line, which audit head printed earlier
    #[arg(long, value_name = "HASH")]
    pub(super) head: Option<tailmint_audit::Head>,
    /// Compare the log with this checkpoint, which audit checkpoint printed earlier
    #[arg(long, value_name = "FILE")]
    pub(super) checkpoint: Option<PathBuf>,
    /// The key that signed the checkpoint, as `audit checkpoint --public-key` printed it, or
    /// one before it [default: those that the log names]
    #[arg(long, value_name = "KEY", requires = "checkpoint")]
    pub(super) public_key: Option<tailmint_audit::PublicKey>,
    /// Write the report to this file as one page for browsers; - is standard output. An older
    /// report there is overwritten
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Overwrite the file even if it is something else than a report
    #[arg(long, requires = "html")]
    pub(super) force: bool,
}

/// A moment, as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// That moment.
    At(jiff::Timestamp),
    /// So long before now.
    Ago(Duration),
}

fn when(text: &str) -> Result<When, String> {
    if let Ok(moment) = text.parse() {
        return Ok(When::At(moment));
    }
    // A date with a time behind it would be read without that time.
    let is_date = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_date
        && let Ok(date) = text.parse::<jiff::civil::Date>()
        && let Ok(moment) = jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0))
    {
        return Ok(When::At(moment));
    }
    let duration = humantime::parse_duration(text);
    duration.map(When::Ago).map_err(|_| {
        "give a duration such as 30d, a date such as 2026-11-01, or a time such as 2026-11-24T13:00:00Z".to_owned()
    })
}

#[derive(Args)]
pub(super) struct Component {
    #[command(subcommand)]
    pub(super) command: ComponentCommand,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum ComponentCommand {
    /// Describe a component: what it can do, and whether the policy lets it run
    Inspect {
        /// The component [default: the one that is built in]
        file: Option<PathBuf>,
    },
    /// Export the embedded component to a file, for other runtimes
    Export {
        /// The file; neither it nor the other files may exist yet
        file: PathBuf,
        /// Write the component's contract too, the WIT package tailmint:api, encoded
        /// for bindings generators and registries
        #[arg(long, value_name = "FILE")]
        wit: Option<PathBuf>,
        /// Write the checksums of the written files, for sha256sum --check in the
        /// directory of this file
        #[arg(long, value_name = "FILE")]
        checksum: Option<PathBuf>,
    },
}

#[derive(Args)]
pub(super) struct Policy {
    #[command(subcommand)]
    pub(super) command: PolicyCommand,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum PolicyCommand {
    /// Print the whole policy in force; lines that a file changed name the file
    Show,
    /// Print the JSON schema of policy files, for editors
    Schema,
    /// Check whether a file is a valid policy
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print what the policy would decide about a request, without sending it
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain {
        /// The operation that the request is part of
        #[arg(long, default_value = "mint", value_name = "OPERATION")]
        operation: Operation,
        /// The method
        method: String,
        /// The URL
        url: String,
        /// A header of the request; may be repeated
        #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
        headers: Vec<String>,
        /// The body of the request
        #[arg(long, default_value = "", value_name = "TEXT")]
        body: String,
    },
}

const EXPLAIN_EXAMPLES: &str = "\
Example:
  tailmint policy explain POST https://api.tailscale.com/api/v2/tailnet/-/keys \\
    -H 'content-type: application/json' \\
    --body '{\"capabilities\":{\"devices\":{\"create\":{\"tags\":[\"tag:lab\"]}}},\"expirySeconds\":60}'";

const SERVICE_EXAMPLES: &str = "\
Examples:
  tailmint service install --dry-run
  tailmint service install --enable
  tailmint service status";

#[derive(Args)]
pub(super) struct Service {
    #[command(subcommand)]
    pub(super) command: ServiceCommand,
}

// Whose files they are.
#[derive(Args)]
pub(super) struct Root {
    /// The files of the machine that is prepared in this directory, such as an image
    #[arg(long, value_name = "DIR")]
    pub(super) root: Option<PathBuf>,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum ServiceCommand {
    /// Write the units that a package would bring, where no package did
    ///
    /// All of them are written to /usr/local/lib, or none. A file that somebody changed is
    /// left as it is, and so is a unit of a package.
    Install(ServiceInstall),
    /// Say in plain words what systemd knows of the units
    Status,
    /// Stop the units, and remove the files that were written; the machine stays joined
    Remove {
        #[command(flatten)]
        root: Root,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Args)]
pub(super) struct ServiceInstall {
    /// The profile that the machine joins with
    /// [default: that of /etc/tailmint/config.toml, or bootstrap]
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// The program that the unit runs
    /// [default: this one, or with --root /usr/local/bin/tailmint]
    #[arg(long, value_name = "PATH")]
    pub(super) program: Option<PathBuf>,
    /// Join now, and at each boot
    #[arg(long)]
    pub(super) enable: bool,
    #[command(flatten)]
    pub(super) root: Root,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Args)]
pub(super) struct Vault {
    #[command(subcommand)]
    pub(super) command: VaultCommand,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum VaultCommand {
    /// Write the OAuth client of a profile to a KV store, version 2
    ///
    /// The secret has two fields, `client_id` and `client_secret`. If both have these
    /// values already, nothing is written. The secret is read first, and the write
    /// succeeds only if nobody wrote in between; then it is read again and compared.
    ///
    /// `VAULT_ADDR` is the address of the vault; the policy has to name it. The token
    /// is read from `VAULT_TOKEN` or ~/.vault-token. `VAULT_CACERT` and
    /// `VAULT_NAMESPACE` are used too, other variables of Vault's own command are not.
    #[command(after_help = PUSH_EXAMPLES)]
    Push(VaultPush),
}

const PUSH_EXAMPLES: &str = "\
Examples:
  export VAULT_ADDR=https://vault.example.com:8200 VAULT_CACERT=~/vault-ca.pem
  tailmint vault push --dry-run
  tailmint vault push --profile bootstrap --path infra/tailscale/";

#[derive(Args)]
pub(super) struct VaultPush {
    /// Whose OAuth client to deliver
    #[arg(long, value_name = "NAME", default_value = "k8s-operator")]
    pub(super) profile: String,
    /// Where the store is mounted [default: secret]
    #[arg(long, value_name = "PATH")]
    pub(super) mount: Option<VaultPath>,
    /// The secret; with / at its end, a directory that has one for each profile
    /// [default: tazlab-k8s/static/infra/tailscale/]
    #[arg(long, value_name = "PATH")]
    pub(super) path: Option<VaultPath>,
    /// Write only if this is the current version; 0 means that there is none
    #[arg(long, value_name = "VERSION")]
    pub(super) if_version: Option<u64>,
    /// Print what would change, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// What was decided about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Decided {
    /// It was sent.
    Allow,
    /// It was sent, and would have been denied if the policy was enforced.
    Report,
    /// It was not sent.
    Deny,
}

/// Nobody waits longer than this for a machine to join.
const LONGEST_TIMEOUT: Duration = Duration::from_hours(1);

fn timeout(text: &str) -> Result<Duration, String> {
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text)
            .map_err(|_| "give a duration, such as 30s or 2m".to_owned())?,
    };
    if duration.is_zero() || duration > LONGEST_TIMEOUT {
        return Err("give a duration above zero and at most 1h".to_owned());
    }
    Ok(duration)
}
