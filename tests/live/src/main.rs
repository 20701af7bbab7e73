//! `tailmint-live`: compares the simulator with the real API. See `docs/live-check.md`.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use tailmint_live::{
    Credential, Difference, FACTS, Hidden, Plan, Report, Simulated, Target, interruption,
    new_prefix, observe,
};

/// What is said of the credential, as people read it.
const CREDENTIAL: &str = "The credential is in TAILSCALE_API_KEY or \
    TAILSCALE_OAUTH_CLIENT_SECRET: the value, or file: and a path. An OAuth client needs the \
    scopes auth_keys, oauth_keys and federated_keys, and the tags.";

/// Compares the simulator with the real API
#[derive(Parser)]
#[command(version, after_help = CREDENTIAL)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Observes the API, and writes a report
    ///
    /// Exit status: 0 if all was observed and removed, 2 if it ended early, 3 if something was
    /// not removed.
    Run(Run),
    /// Compares a report with the simulator in the same circumstances
    ///
    /// Exit status: 0 without differences, 1 with some, 2 if it could not compare.
    Compare {
        /// A report that `run` wrote
        report: PathBuf,
    },
    /// Lists what is observed
    List,
}

#[derive(Args)]
struct Run {
    /// Sends the requests to the API of Tailscale
    #[arg(long, conflicts_with_all = ["connect_to", "ca_file"])]
    really: bool,
    /// Sends them to a simulator on this machine
    #[arg(long, value_name = "ADDRESS", requires = "ca_file")]
    connect_to: Option<SocketAddr>,
    /// The certificate of the simulator's authority
    #[arg(long, value_name = "FILE", requires = "connect_to")]
    ca_file: Option<PathBuf>,
    /// A tag that the tailnet's policy file has
    #[arg(long, value_name = "TAG")]
    tag: String,
    /// Another one, for the rules about several tags
    #[arg(long, value_name = "TAG")]
    second_tag: Option<String>,
    /// An identity token with at least two minutes left
    #[arg(long, value_name = "FILE")]
    id_token_file: Option<PathBuf>,
    /// One of the same issuer, subject and audience that has expired
    #[arg(long, value_name = "FILE", requires = "id_token_file")]
    expired_id_token_file: Option<PathBuf>,
    /// Where the report goes; standard output otherwise
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    let ended = match Arguments::parse().command {
        Command::Run(arguments) => run(&arguments),
        Command::Compare { report } => compare(&report),
        Command::List => list(),
    };
    ended.unwrap_or_else(|message| {
        eprintln!("tailmint-live: {message}");
        ExitCode::from(2)
    })
}

fn run(arguments: &Run) -> Result<ExitCode, String> {
    let prefix = new_prefix();
    announce(arguments, &prefix);
    let target = match (arguments.really, arguments.connect_to, &arguments.ca_file) {
        (true, ..) => Target::Really,
        (false, Some(address), Some(path)) => Target::Simulator {
            address,
            ca_pem: read(path)?,
        },
        _ => {
            eprintln!("Nothing was sent. Add --really to begin.");
            return Ok(ExitCode::SUCCESS);
        }
    };
    for tag in [Some(&arguments.tag), arguments.second_tag.as_ref()] {
        if tag.is_some_and(|tag| !tag.starts_with("tag:")) {
            return Err("a tag begins with tag:".to_owned());
        }
    }
    if arguments.second_tag.as_ref() == Some(&arguments.tag) {
        return Err("the second tag is the first: give another, or none".to_owned());
    }
    let token = |path: &Option<PathBuf>| -> Result<Option<Hidden>, String> {
        let text = path.as_deref().map(read).transpose()?;
        Ok(text.map(|text| Hidden::new(text.trim())))
    };
    let plan = Plan {
        target,
        credential: Credential::from_environment()?,
        tag: arguments.tag.clone(),
        second_tag: arguments.second_tag.clone(),
        id_token: token(&arguments.id_token_file)?,
        expired_id_token: token(&arguments.expired_id_token_file)?,
    };
    let interrupted = interruption::flag().map_err(|error| format!("signals: {error}"))?;
    let outcome = observe(&plan, &prefix, interrupted)?;
    for left in &outcome.left {
        eprintln!("{left}");
    }
    if outcome.left.is_empty() {
        eprintln!("All that was created is removed.");
    }
    let status = match outcome.report {
        Err(stop) => {
            eprintln!("tailmint-live: {stop}. There is no report.");
            2
        }
        Ok(report) => {
            let (seen, all) = report.seen();
            eprintln!("{seen} of {all} facts were observed.");
            write(arguments.output.as_deref(), &report.to_json()?)?;
            0
        }
    };
    Ok(ExitCode::from(if outcome.left.is_empty() {
        status
    } else {
        3
    }))
}

/// What is about to happen.
fn announce(arguments: &Run, prefix: &str) {
    let to = match arguments.connect_to {
        Some(address) => format!("the simulator at {address}"),
        None => "https://api.tailscale.com".to_owned(),
    };
    let with = match &arguments.second_tag {
        Some(second) => format!("{} and {second}", arguments.tag),
        None => arguments.tag.clone(),
    };
    // Of what is expected to be rejected too: whether it is, is what is observed.
    let count = |of: &[&str]| {
        let facts = FACTS.iter();
        let facts = facts.filter(|(name, _)| of.iter().any(|it| name.starts_with(it)));
        facts.count()
    };
    eprintln!(
        "This sends about {} requests to {to}. In the tailnet of the credential it creates, and \
         removes before it ends, at most {} auth keys, {} OAuth clients and {} federated \
         identities, with {with} and with descriptions that begin with {prefix:?}. No machine \
         joins with the keys, and nothing else is changed.",
        FACTS.len() + 40,
        count(&["create-key"]),
        count(&["create-client", "create-wider-client"]),
        count(&["create-identity"]),
    );
}

fn compare(path: &Path) -> Result<ExitCode, String> {
    let report =
        Report::from_json(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))?;
    let simulated = Simulated::start(&report.circumstances)?.observe()?;
    let differences = Difference::between(&report, &simulated);
    let mut out = io::stdout().lock();
    let mut say = |text: String| {
        let written = writeln!(out, "{text}");
        written.map_err(|error| format!("standard output: {error}"))
    };
    for difference in &differences {
        say(difference.to_string())?;
    }
    let (seen, all) = report.seen();
    let count = differences.len();
    let noun = if count == 1 {
        "difference"
    } else {
        "differences"
    };
    say(format!("{count} {noun} in {seen} of {all} facts"))?;
    Ok(ExitCode::from(u8::from(!differences.is_empty())))
}

fn list() -> Result<ExitCode, String> {
    let lines = FACTS.iter();
    let lines = lines.map(|(name, settles)| format!("{name}: {settles}\n"));
    write(None, &lines.collect::<String>())?;
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: Option<&Path>, text: &str) -> Result<(), String> {
    if let Some(path) = path {
        return fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()));
    }
    let written = io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| format!("standard output: {error}"))
}
