use std::path::PathBuf;

use clap::Parser;
use tailmint::connection::ConnectTo;

/// tailmint as a secrets engine of `HashiCorp` Vault and `OpenBao`.
///
/// Vault starts this program; it does nothing by itself. Put it into the `plugin_directory`
/// of every Vault server, register it with `vault plugin register`, and enable it with
/// `vault secrets enable`. The options below are given there, one by one, with
/// `-args=--audit-file=/var/lib/vault/tailmint/audit.jsonl`.
#[derive(Clone, Debug, Parser)]
#[command(name = "tailmint-vault-engine", version)]
pub(crate) struct Arguments {
    /// Policy file, within /etc/tailmint/policy.toml
    /// [default: ~/.config/tailmint/policy.toml of Vault's user]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// File of the audit log: every decision is written to it
    /// [default: ~/.local/state/tailmint/audit.jsonl of Vault's user]
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_file: Option<PathBuf>,
    /// Connect to this address instead of to api.tailscale.com; requests and
    /// certificate stay those of api.tailscale.com
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) connect_to: Option<ConnectTo>,
    /// Trust the certificate authorities in this file, and no others
    #[arg(long, value_name = "PEM")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Trust the certificate authorities that the system trusts
    #[arg(long, conflicts_with = "ca_file")]
    pub(crate) system_certs: bool,
}
