use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Mints with tailmint and with what else can do it, by turns, and prints what each
/// took.
#[derive(Parser)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// How often each one mints
    #[arg(long, default_value_t = 40)]
    pub(crate) runs: usize,
    /// Fails where tailmint takes more than it may
    #[arg(long)]
    pub(crate) check: bool,
    /// Another build of tailmint, to be measured in the same run
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) beside: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Mints in one process, a thousand times and then 64 at once, and fails where
    /// that goes wrong
    Scale {
        /// How long 64 mint at once
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
}
