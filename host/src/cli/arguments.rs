use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use tailmint::{ConnectTo, KeyId, Operation, VaultPath};

use super::key_flags::KeyFlags;

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
  0 done, 1 internal fault, 2 usage, 10 credential, 11 policy or audit
  configuration, 12 a request was denied, 13 the sandbox was left or exhausted,
  14 the API refused, 15 the API cannot be reached or failed, 16 outcome unknown
  (a key may exist), 17 the component's result was rejected, 20 no tailscale
  command, 21 tailscale failed, 128+n ended by signal n";

#[derive(Args)]
#[command(next_help_heading = "Options for all commands")]
pub(super) struct Global {
    /// Directory of the credential files [default: ~/secrets]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) secrets_dir: Option<PathBuf>,
    /// Configuration file [default: ~/.config/tailmint/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Connect there instead of to api.tailscale.com; requests and certificate
    /// stay those of api.tailscale.com
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub(super) connect_to: Option<ConnectTo>,
    /// Trust the certificate authorities in this file, and no others
    #[arg(long, global = true, value_name = "PEM")]
    pub(super) ca_file: Option<PathBuf>,
    /// Run this component instead of the built-in one; the policy has to pin it
    #[cfg(feature = "compiler")]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) component: Option<PathBuf>,
    /// Policy file, within /etc/tailmint/policy.toml
    /// [default: ~/.config/tailmint/policy.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// File that every decision is written to
    /// [default: ~/.local/state/tailmint/audit.jsonl]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) audit_file: Option<PathBuf>,
    /// Print results and errors as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Say on standard error what is sent and decided
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
    /// A machine that is in is left alone, one that is only stopped is brought
    /// up; both without a key. The key is handed to tailscale in memory: it is
    /// on no command line, in no environment and in no file. If the machine does
    /// not get in, the key is revoked again.
    #[command(after_help = UP_EXAMPLES)]
    Up(Up),
    /// See whether everything is in place, from files to scopes; mints nothing
    ///
    /// From the outside in: configuration, policy, audit, the files of the secrets,
    /// the way to the API, what the API grants, and tailscale. The exit status is
    /// that of the first thing that fails.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Make, exchange and delete the OAuth clients that keys are minted with
    #[command(after_help = CLIENTS_EXAMPLES)]
    Clients(Clients),
    /// Look at auth keys, or revoke them
    Keys(Keys),
    /// Read the audit, or check that nobody changed it
    Audit(Audit),
    /// Look at the component, or hand it out
    Component(Component),
    /// Look at the policy, check one, or ask what it would decide
    Policy(Policy),
    /// Deliver OAuth clients to a Vault
    Vault(Vault),
    /// Show what happens, with a simulated API on this machine
    Demo,
    /// Print the completions for a shell
    #[command(
        after_help = "Example:\n  tailmint completions bash > ~/.local/share/bash-completion/completions/tailmint"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  tailmint man | man -l -")]
    Man,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  tailmint check
  tailmint check --all --json";

const CLIENTS_EXAMPLES: &str = "\
Making and deleting takes a credential that may: TAILSCALE_API_KEY with
TAILSCALE_TAILNET, or with --as the profile of an OAuth client of the scope
oauth_keys.

Examples:
  tailmint clients create --all
  tailmint clients rotate --profile bootstrap --grace 5m
  tailmint clients terraform --all > clients.tf
  terraform output -json | tailmint clients import --all -";

const MINT_EXAMPLES: &str = "\
Examples:
  tailmint mint
  tailmint mint --expiry 10m --single-use --description 'build agent'
  tailmint mint --profile k8s-operator --format json";

const EXEC_EXAMPLES: &str = "\
The exit status is that of the command, or 127 if there is no such command; then
no key is minted.

Examples:
  tailmint exec -- terraform apply
  tailmint exec --expiry 10m -- sh -c 'docker run -e TS_AUTHKEY tailscale/tailscale'";

const UP_EXAMPLES: &str = "\
Examples:
  tailmint up
  tailmint up --timeout 30s --revoke
  tailmint up -- --hostname=db --accept-routes";

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
    /// How long the machine may take to get in
    #[arg(long, default_value = "2m", value_parser = timeout, value_name = "DURATION")]
    pub(super) timeout: Duration,
    /// Log in anew, also where the machine is in
    #[arg(long)]
    pub(super) force: bool,
    /// Revoke the key once the machine is in
    #[arg(long)]
    pub(super) revoke: bool,
    /// The socket of tailscaled
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// The tailscale command [default: the first in $PATH]
    #[arg(long, value_name = "PATH")]
    pub(super) tailscale: Option<PathBuf>,
    /// Further arguments for tailscale up
    #[arg(last = true, value_name = "TAILSCALE-UP-ARGS")]
    pub(super) arguments: Vec<OsString>,
}

#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) profiles: Profiles,
    /// The socket of tailscaled
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// The tailscale command [default: the first in $PATH]
    #[arg(long, value_name = "PATH")]
    pub(super) tailscale: Option<PathBuf>,
}

/// Which profiles a command is about.
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

/// Who may make and delete OAuth clients.
#[derive(Args)]
pub(super) struct OwnerFlag {
    /// Ask with the OAuth client of this profile, which needs the scope `oauth_keys`,
    /// instead of with `TAILSCALE_API_KEY`
    #[arg(long = "as", value_name = "PROFILE")]
    pub(super) profile: Option<String>,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum ClientsCommand {
    /// Make the OAuth clients of profiles, and write them to the secrets directory
    Create {
        #[command(flatten)]
        profiles: Profiles,
        #[command(flatten)]
        owner: OwnerFlag,
        /// Overwrite files that are there; the client that they name lives on
        #[arg(long)]
        replace: bool,
    },
    /// Exchange OAuth clients for new ones: made, checked, written, and only then
    /// is the old one deleted
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
        /// The client of this id, and no files; may be repeated
        #[arg(long = "id", value_name = "ID", conflicts_with_all = ["names", "all"])]
        ids: Vec<KeyId>,
    },
    /// List the OAuth clients of the tailnet, with the profiles that they are of
    List {
        #[command(flatten)]
        owner: OwnerFlag,
    },
    /// Print Terraform resources that make the same OAuth clients
    ///
    /// Terraform keeps the secrets in its state in clear.
    Terraform {
        #[command(flatten)]
        profiles: Profiles,
    },
    /// Write the OAuth clients that Terraform made to the secrets directory
    Import {
        #[command(flatten)]
        profiles: Profiles,
        /// What terraform output -json printed; - is standard input
        file: PathBuf,
        /// Overwrite files that are there
        #[arg(long)]
        replace: bool,
    },
}

#[derive(Args)]
pub(super) struct Keys {
    /// Whose OAuth client to use
    #[arg(long, value_name = "NAME", global = true)]
    pub(super) profile: Option<String>,
    #[command(subcommand)]
    pub(super) command: KeysCommand,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum KeysCommand {
    /// Describe an auth key, also one that is no longer valid
    Get {
        /// The key's id, such as kTT1CNTRL11
        id: KeyId,
    },
    /// List the auth keys of the tailnet that the credential may see
    List {
        /// Also those that no longer join machines
        #[arg(long)]
        invalid: bool,
    },
    /// Revoke auth keys: they join no more machines
    Revoke {
        /// The keys' ids
        #[arg(required_unless_present = "minted")]
        ids: Vec<KeyId>,
        /// All keys that were minted here, by what the audit says, and still join
        /// machines
        #[arg(long, conflicts_with = "ids")]
        minted: bool,
    },
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
    /// Lines that were removed at the end leave no trace in the file itself: keep
    /// the hash that `audit head` prints elsewhere, and give it with --head.
    Verify {
        /// The file is whole only if it has a line with this hash
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
    /// Print the number and the hash of the last line, to be kept elsewhere
    Head,
    /// Print what was decided, for people; with --json as it is written
    Show {
        /// Only of this run
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
        /// Only with this decision
        #[arg(long, value_enum)]
        decision: Option<Decided>,
        /// Only since then, such as 2026-11-24T13:00:00Z
        #[arg(long, value_name = "TIME")]
        since: Option<jiff::Timestamp>,
        /// Only before then
        #[arg(long, value_name = "TIME")]
        until: Option<jiff::Timestamp>,
    },
    /// Print the last entries
    Tail {
        /// How many
        #[arg(short = 'n', long, default_value_t = 10)]
        lines: usize,
    },
}

#[derive(Args)]
pub(super) struct Component {
    #[command(subcommand)]
    pub(super) command: ComponentCommand,
}

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum ComponentCommand {
    /// Say what a component is, what it can do, and whether the policy lets it run
    Inspect {
        /// The component [default: the one that is built in]
        file: Option<PathBuf>,
    },
    /// Write the very component that runs to a file, for other runtimes
    Export {
        /// The file; it must not be there yet, nor any of the others
        file: PathBuf,
        /// Write the component's contract too, the WIT package tailmint:api, encoded
        /// as bindings generators and registries take it
        #[arg(long, value_name = "FILE")]
        wit: Option<PathBuf>,
        /// Write the checksums of what is written, for sha256sum --check in the
        /// checksums' folder
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
    /// Print the policy that is enforced, whole, with the file that each line is
    /// from where it is not the built-in one
    Show,
    /// Check whether a file is a policy
    Check {
        /// The file
        file: PathBuf,
    },
    /// Say what the policy would decide about a request, without sending it
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain {
        /// What the component was called for
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
    /// The secret has two fields, `client_id` and `client_secret`. Nothing is written
    /// where both are there already. The write goes through only if nobody wrote
    /// since it was read; then it is read again and compared.
    ///
    /// The vault is that of `VAULT_ADDR`, which the policy has to name. The token is
    /// that of `VAULT_TOKEN` or ~/.vault-token; `VAULT_CACERT` and `VAULT_NAMESPACE`
    /// count too, other variables of Vault's own command do not.
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
    /// The secret, or with / at its end a folder that has one for each profile
    /// [default: tazlab-k8s/static/infra/tailscale/]
    #[arg(long, value_name = "PATH")]
    pub(super) path: Option<VaultPath>,
    /// Write only over this version; 0 is none
    #[arg(long, value_name = "VERSION")]
    pub(super) if_version: Option<u64>,
    /// Say what would change, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// What was decided about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Decided {
    /// It left.
    Allow,
    /// It left, and would have been refused if the policy was enforced.
    Report,
    /// It did not leave.
    Refuse,
}

/// Longer than this is not waiting for a machine to get in.
const LONGEST_TIMEOUT: Duration = Duration::from_hours(1);

fn timeout(text: &str) -> Result<Duration, String> {
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text)
            .map_err(|_| "give a duration, such as 30s or 2m".to_owned())?,
    };
    if duration.is_zero() || duration > LONGEST_TIMEOUT {
        return Err("give more than nothing and at most 1h".to_owned());
    }
    Ok(duration)
}
