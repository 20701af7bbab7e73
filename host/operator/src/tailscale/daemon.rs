//! `tailscaled`, on machines where nothing manages it, such as containers.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use super::{
    JoinError, JoinErrorKind, Tailscale,
    join_error::complaint_of,
    words::{Complaint, words},
};

/// How a daemon reaches the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Networking {
    /// By a network interface of its own, which all programs of the machine can use.
    Tun,
    /// Within the daemon: other programs reach the tailnet through its proxies only.
    Userspace,
}

/// Where Tailscale's packages keep the state.
const STATE: &str = "/var/lib/tailscale/tailscaled.state";

/// Where they have the socket; `tailscale` looks there.
const SOCKET: &str = "/var/run/tailscale/tailscaled.sock";

/// What the daemon says. The packages leave it to the service manager.
const LOG: &str = "/var/log/tailscaled.log";

/// What a script that only starts another program may take, a password included.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The most of the log that is read when the daemon does not listen.
const LOG_TAIL_BYTES: usize = 2048;

/// Starts the daemon so that it outlives this program and its terminal. What the
/// packages' service reads, `/etc/default/tailscaled`, counts here too: a proxy is named
/// there. Prints how the daemon reaches the network.
///
/// Arguments: the daemon, its state, its socket, its log, and whether this machine lets
/// root make network interfaces.
const SCRIPT: &str = r#"
set -eu
daemon=$1 state=$2 socket=$3 log=$4 tun=$5
if [ -r /etc/default/tailscaled ]; then
    set -a
    . /etc/default/tailscaled
    set +a
fi
mkdir -p "$(dirname "$socket")" "$(dirname "$log")"
umask 077
mkdir -p "$(dirname "$state")"
# Where there is no such device, the redirection would create a file in its place.
if [ "$tun" = yes ] && [ -c /dev/net/tun ] && (: <>/dev/net/tun) 2>/dev/null; then
    set --
    echo tun
else
    set -- --tun=userspace-networking
    echo userspace
fi
trap '' HUP INT QUIT
own_session=
if command -v setsid >/dev/null; then own_session=setsid; fi
cd /
$own_session "$daemon" --state="$state" --socket="$socket" --port="${PORT:-41641}" "$@" \
    ${FLAGS:-} </dev/null >>"$log" 2>&1 &
"#;

/// The bit of `CAP_NET_ADMIN` in the sets of capabilities (capabilities(7)).
const NET_ADMIN: u64 = 1 << 12;

/// Starts it as root, with a network interface at most where that is wanted.
pub(super) async fn start(
    tailscale: &Tailscale,
    wanted: Networking,
) -> Result<Networking, JoinError> {
    let daemon = find(tailscale)?;
    let tun = match wanted {
        Networking::Tun if may_make_interfaces() => "yes",
        _ => "no",
    };
    let mut command = tailscale.as_root(Path::new("/bin/sh"));
    command
        .args(["-c", SCRIPT, "sh"])
        .arg(daemon)
        .args([
            STATE.as_ref(),
            tailscale.socket().unwrap_or(SOCKET.as_ref()),
        ])
        .args([LOG, tun])
        .stdin(Stdio::null());
    let finished = tailscale
        .run(&mut command, START_LIMIT, std::future::pending())
        .await?;
    if finished.succeeded() {
        let said = String::from_utf8_lossy(&finished.stdout);
        return Ok(match said.trim() {
            "tun" => Networking::Tun,
            _ => Networking::Userspace,
        });
    }
    let words = words(&finished.stderr, None);
    if Complaint::of(&words) == Complaint::Sudo {
        return Err(complaint_of(&finished, words));
    }
    Err(JoinError {
        words,
        ..JoinError::new(
            JoinErrorKind::NoDaemon,
            "tailscaled could not be started",
            "starting it takes root: run it as root, or give --sudo",
        )
    })
}

/// The error for a daemon that was started and does not listen, with the end of its log.
pub(super) fn does_not_listen() -> JoinError {
    let log = fs::read(LOG).unwrap_or_default();
    let end = &log[log.len().saturating_sub(LOG_TAIL_BYTES)..];
    let mut last = words(end, None);
    last.drain(..last.len().saturating_sub(3));
    JoinError {
        words: last,
        ..JoinError::new(
            JoinErrorKind::NoDaemon,
            "tailscaled was started, and ended or does not listen",
            format!("see why: sudo tail {LOG}"),
        )
    }
}

/// Whether a process of that name runs, on whichever socket.
pub(super) fn is_running() -> bool {
    let Ok(processes) = fs::read_dir("/proc") else {
        return false;
    };
    processes.flatten().any(|process| {
        let name = fs::read(process.path().join("comm"));
        // What has ended, and is not waited for, has a name and no command line.
        let command = fs::read(process.path().join("cmdline"));
        name.is_ok_and(|name| name.trim_ascii_end() == b"tailscaled")
            && command.is_ok_and(|command| !command.is_empty())
    })
}

/// How a user starts the daemon on this machine.
pub(super) fn how_to_start() -> &'static str {
    if Path::new("/run/systemd/system").is_dir() {
        "start it: sudo systemctl enable --now tailscaled; or give --socket PATH"
    } else if Path::new("/run/openrc").is_dir() {
        "start it: sudo rc-service tailscale start; or give --socket PATH"
    } else {
        "nothing on this machine starts it by itself: give --start-daemon, or --socket PATH"
    }
}

/// Beside `tailscale`, in `$PATH`, or where daemons are.
fn find(tailscale: &Tailscale) -> Result<PathBuf, JoinError> {
    let real = tailscale.program().canonicalize();
    let beside = real.ok().and_then(|it| it.parent().map(Path::to_owned));
    let path = tailscale.environment().get("PATH").unwrap_or_default();
    let named = std::env::split_paths(path).filter(|part| part.is_absolute());
    let usual = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    let mut all = beside.into_iter().chain(named).chain(usual);
    all.find_map(|directory| which::which_in("tailscaled", Some(directory), "/").ok())
        .ok_or_else(|| {
            JoinError::new(
                JoinErrorKind::Missing,
                "there is no tailscaled beside tailscale, nor in $PATH",
                "install it, see https://tailscale.com/download",
            )
        })
}

/// Whether root of this machine, or container, may make network interfaces.
fn may_make_interfaces() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bound = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    let set = bound.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    set.is_some_and(|set| set & NET_ADMIN != 0)
}
