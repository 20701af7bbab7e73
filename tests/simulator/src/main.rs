//! `tailmint-simulator`: answers as api.tailscale.com does, on loopback.

use std::{io::Write, net::SocketAddr, path::PathBuf};

use clap::Parser;
use serde_json::json;
use tailmint_simulator::{Setup, Simulator};
use tokio::{
    io::AsyncReadExt,
    signal::unix::{SignalKind, signal},
};

/// Answers as api.tailscale.com does, on loopback, until it is told to end.
///
/// Prints one line of JSON when it listens: {"api","control","ca"}.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where the API listens
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where the control listener listens
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Writes the throwaway authority's certificate to this file
    #[arg(long, value_name = "FILE")]
    ca_out: Option<PathBuf>,
    /// Writes the credential files of tailmint's built-in profiles to this folder
    #[arg(long, value_name = "DIR")]
    secrets_out: Option<PathBuf>,
    /// Answers in Headscale's shapes
    #[arg(long)]
    headscale: bool,
    /// Ends when standard input does
    #[arg(long)]
    until_eof: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let simulator = Simulator::start(&Setup {
        listen: arguments.listen,
        control: arguments.control,
        headscale: arguments.headscale,
        ..Setup::default()
    })?;
    if let Some(path) = &arguments.ca_out {
        simulator.write_ca(path)?;
    }
    if let Some(directory) = &arguments.secrets_out {
        simulator.write_secrets(directory)?;
    }
    let ready = json!({
        "api": simulator.address().to_string(),
        "control": simulator.control().to_string(),
        "ca": arguments.ca_out,
        "api-key": simulator.api_key(),
    });
    writeln!(std::io::stdout(), "{ready}")?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(end(arguments.until_eof))?;
    Ok(())
}

/// Waits for a signal, or for the end of standard input.
async fn end(until_eof: bool) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let eof = async {
        if until_eof {
            let mut byte = [0];
            while tokio::io::stdin().read(&mut byte).await? > 0 {}
            return Ok(());
        }
        std::future::pending::<std::io::Result<()>>().await
    };
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        ended = eof => ended,
    }
}
