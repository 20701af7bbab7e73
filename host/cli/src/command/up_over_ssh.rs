use std::{
    collections::HashSet,
    io::{self, Read},
    path::Path,
    process::ExitCode,
};

use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tailmint::{Account, Class, KeyProperties, Minter, policy::Policy};
use tailmint_operator::tailscale::{
    Join, Joined, SshHost, Step, Tailscale, TimeLimit, UpArguments,
};

use super::up::{in_json, in_words, settings, warnings};
use crate::{
    arguments::{Global, Up},
    aside::is_watched,
    failure::Failure,
    limits::has_thread,
    print,
    session::Session,
    spinner::started,
    trace::Trace,
};

/// How many machines join at a time. Each is a process of `ssh` here.
const AT_A_TIME: usize = 16;

/// A list of a thousand hosts is under 64 KiB.
const MAX_LIST_BYTES: u64 = 256 * 1024;

/// What does the same for one machine where this process has to be confined.
const INSTEAD: &str = "mint a key and hand it over: tailmint mint --single-use | ssh HOST tailscale up --auth-key=file:/dev/stdin";

/// What all of the machines have in common.
struct Fleet<'a> {
    up: &'a Up,
    session: &'a Session<'a>,
    arguments: UpArguments,
    policy: Policy,
    account: Account,
    minter: Minter,
    properties: KeyProperties,
}

/// Joins other machines. Each gets a key of its own, for a single use.
pub(super) async fn up_over_ssh(global: &Global, up: &Up) -> Result<ExitCode, Failure> {
    let hosts = hosts(up)?;
    let given = UpArguments::new(up.arguments.clone())?;
    let session = Session::begin(global, up.key.profile.as_deref())?.asking_with(&up.key.identity);
    session.stay_unconfined("ssh", INSTEAD)?;
    let mut properties = up.key.properties(&session.profile);
    properties.capabilities.reusable = false;
    let fleet = Fleet {
        up,
        session: &session,
        arguments: settings(up, &session, given),
        policy: session.policy()?,
        account: session.account().await?,
        minter: session.minter()?,
        properties,
    };
    let bar = bar(hosts.len(), global.verbose);
    let (all, progress) = (&fleet, &bar);
    let mut joining = stream::iter(&hosts)
        .map(|host| async move { (host, all.join(host, progress).await) })
        .buffer_unordered(AT_A_TIME);
    let mut joined = 0;
    let mut worst = None;
    let mut unprinted = None;
    while let Some((host, outcome)) = joining.next().await {
        bar.inc(1);
        let code = bar.suspend(|| match outcome {
            Ok(outcome) => {
                joined += 1;
                // Those on their way have keys: they are waited for whoever still reads.
                if unprinted.is_none() {
                    unprinted = fleet.print(global, host, &outcome).err();
                }
                None
            }
            Err(failure) => {
                let failure = failure
                    .by(session.signals.exit_code())
                    .about(&fleet.account)
                    .on(host);
                failure.report(global.json);
                Some(failure.code())
            }
        });
        worst = worst.max(code);
    }
    drop(joining);
    bar.finish_and_clear();
    if let Some(failure) = unprinted {
        return Err(failure);
    }
    if hosts.len() > 1 && !global.json {
        Trace::note(&format!(
            "{joined} of {} machines are connected",
            hosts.len()
        ));
    }
    Ok(worst.map_or(ExitCode::SUCCESS, ExitCode::from))
}

impl Fleet<'_> {
    async fn join(&self, host: &SshHost, bar: &ProgressBar) -> Result<Joined, Failure> {
        let tailscale = Tailscale::over_ssh(
            host.clone(),
            &self.policy,
            self.up.tailscale.as_deref(),
            self.up.socket.clone(),
            self.up.sudo,
            self.session.environment.clone(),
        )?;
        let join = Join {
            tailscale: &tailscale,
            arguments: self.arguments.clone(),
            limit: self
                .up
                .timeout
                .map_or_else(TimeLimit::usual, TimeLimit::begin),
            start_daemon: self.up.start_daemon,
            force: self.up.force,
            keep: None,
            revoke: self.up.revoke,
            interrupt: self.session.interrupt.clone(),
            watch: &|step| {
                if let Step::StartedDaemon(networking) = step {
                    bar.suspend(|| Trace::note(&format!("{host}: {}", started(networking))));
                }
            },
        };
        if let Some(joined) = join.without_key().await? {
            return Ok(joined);
        }
        // The others may have taken longer than a token lives.
        let account = self.session.renewed(&self.account).await?;
        let joined = join.with_key(&self.minter, &account, &self.properties);
        Ok(joined.await?)
    }

    fn print(&self, global: &Global, host: &SshHost, joined: &Joined) -> Result<(), Failure> {
        for warning in warnings(joined, &self.properties.capabilities.tags) {
            Trace::note(&format!("{host}: {warning}"));
        }
        let line = if global.json {
            let mut value = in_json(joined);
            value["host"] = host.to_string().into();
            value.to_string()
        } else {
            format!("{host}: {}", in_words(joined))
        };
        print::written(&line)
    }
}

/// Those of the command line, then those of the file, each once.
fn hosts(up: &Up) -> Result<Vec<SshHost>, Failure> {
    let mut hosts = up.ssh.clone();
    if let Some(path) = &up.ssh_file {
        hosts.extend(listed(path)?);
    }
    let mut seen = HashSet::new();
    hosts.retain(|host| seen.insert(host.clone()));
    if hosts.is_empty() {
        return Err(Failure::new(
            Class::Usage,
            "there is no host in the list",
            Some("give [USER@]HOST on a line of its own".to_owned()),
        ));
    }
    if hosts.len() > 1 && up.hostname.is_some() {
        return Err(Failure::new(
            Class::Usage,
            "several machines cannot have one name",
            Some("leave --hostname out: each has its own host name".to_owned()),
        ));
    }
    Ok(hosts)
}

/// One host a line. Empty lines and what is behind a `#` are left out.
fn listed(path: &Path) -> Result<Vec<SshHost>, Failure> {
    let shown = path.display();
    let unusable = |detail: String| {
        let hint = "give a file with [USER@]HOST on each line".to_owned();
        Failure::new(Class::Usage, format!("{shown}{detail}"), Some(hint))
    };
    let read = |input: &mut dyn Read| {
        let mut text = String::new();
        let length = input.take(MAX_LIST_BYTES + 1).read_to_string(&mut text)?;
        if length as u64 > MAX_LIST_BYTES {
            return Err(io::Error::other("it is too long"));
        }
        Ok(text)
    };
    let text = if path == Path::new("-") {
        read(&mut io::stdin().lock())
    } else {
        std::fs::File::open(path).and_then(|mut file| read(&mut file))
    };
    let text = text.map_err(|error| unusable(format!(" cannot be read: {error}")))?;
    let mut hosts = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let host = line.split('#').next().unwrap_or_default().trim();
        if !host.is_empty() {
            let parsed = host.parse();
            hosts.push(parsed.map_err(|error| unusable(format!(":{}: {error}", index + 1)))?);
        }
    }
    Ok(hosts)
}

/// Shows on a terminal how many are done; nothing elsewhere.
fn bar(count: usize, verbose: bool) -> ProgressBar {
    if verbose || !is_watched() || !has_thread() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {pos} of {len} machines ({elapsed})")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(count as u64).with_style(style);
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar
}
