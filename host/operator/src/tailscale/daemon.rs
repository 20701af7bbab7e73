//! `tailscaled`, on machines where nothing manages it, such as containers.

use std::{fs, path::Path, time::Duration};

use super::{
    JoinError, JoinErrorKind, Networking, Tailscale,
    child::End,
    join_error::complaint_of,
    words::{Complaint, words},
};

/// Where Tailscale's packages keep the state.
const STATE: &str = "/var/lib/tailscale/tailscaled.state";

/// Where they have the socket; `tailscale` looks there.
pub(super) const SOCKET: &str = "/var/run/tailscale/tailscaled.sock";

/// What the daemon says. The packages leave it to the service manager.
const LOG: &str = "/var/log/tailscaled.log";

/// What a script that only starts another program may take, a password included.
const START_LIMIT: Duration = Duration::from_mins(1);

/// The most of the log that is read when the daemon does not listen.
const LOG_TAIL_BYTES: usize = 2048;

/// Starts the daemon so that it outlives this program and its terminal, unless a process of
/// that name runs. What the packages' service reads, `/etc/default/tailscaled`, counts here
/// too: a proxy is named there. Prints how the daemon reaches the network, or `running`.
///
/// It is one script, so that it does the same on this machine and on another. Arguments:
/// the `tailscale` command, the state, the socket, the log, and `tun`, `userspace` or
/// `nothing` for what may be started.
const SCRIPT: &str = r#"
set -eu
tailscale=$1 state=$2 socket=$3 log=$4 wanted=$5
for process in /proc/[0-9]*; do
    name=
    read -r name 2>/dev/null <"$process/comm" || continue
    [ "$name" = tailscaled ] || continue
    # What has ended, and is not waited for, has a name and no command line.
    # A container's daemon is another machine's.
    [ "$(readlink "$process/ns/pid")" = "$(readlink /proc/self/ns/pid)" ] || continue
    if [ -n "$(tr -d '\0' 2>/dev/null <"$process/cmdline")" ]; then
        echo running
        exit
    fi
done
[ "$wanted" != nothing ] || exit 0
beside=$(readlink -f -- "$(command -v -- "$tailscale" || echo /)")
PATH=${beside%/*}:$PATH:/usr/local/sbin:/usr/sbin:/sbin
daemon=$(command -v tailscaled) || {
    echo 'there is no tailscaled' >&2
    exit 69
}
if [ -r /etc/default/tailscaled ]; then
    # It is written for systemd, which reads it otherwise than a shell does.
    set +eu
    set -a
    . /etc/default/tailscaled
    set +a
    set -eu
fi
mkdir -p "$(dirname "$socket")" "$(dirname "$log")"
umask 077
mkdir -p "$(dirname "$state")"
# The bit of CAP_NET_ADMIN, without which an interface cannot be made (capabilities(7)).
may_make=no
while read -r member set; do
    case $member$set in CapBnd:*[13579bdf]???) may_make=yes ;; esac
done </proc/self/status
# Where there is no such device, the redirection would create a file in its place.
if [ "$wanted$may_make" = tunyes ] && [ -c /dev/net/tun ] && (: <>/dev/net/tun) 2>/dev/null; then
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

/// What the script exits with where there is no daemon to start: `EX_UNAVAILABLE`.
const NO_TAILSCALED: i32 = 69;

/// What a script found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was started.
    Started(Networking),
    /// It runs already, on whichever socket.
    Running,
    /// It does not run.
    NotRunning,
}

/// Starts it as root, with this at most; with `None` it only looks.
pub(super) async fn start(
    tailscale: &Tailscale,
    wanted: Option<Networking>,
) -> Result<Outcome, JoinError> {
    let wanted = match wanted {
        Some(Networking::Tun) => "tun",
        Some(Networking::Userspace) => "userspace",
        None => "nothing",
    };
    let socket = tailscale.socket().unwrap_or(SOCKET.as_ref());
    let arguments = [
        tailscale.program().into(),
        STATE.into(),
        socket.into(),
        LOG.into(),
        wanted.into(),
    ];
    let mut command = tailscale.script_as_root(SCRIPT, &arguments);
    let finished = tailscale
        .run(&mut command, START_LIMIT, std::future::pending())
        .await?;
    if finished.succeeded() {
        let said = String::from_utf8_lossy(&finished.stdout);
        return Ok(match said.trim() {
            "tun" => Outcome::Started(Networking::Tun),
            "userspace" => Outcome::Started(Networking::Userspace),
            "running" => Outcome::Running,
            _ => Outcome::NotRunning,
        });
    }
    if matches!(finished.end, End::Exited(status) if status.code() == Some(NO_TAILSCALED)) {
        return Err(JoinError::new(
            JoinErrorKind::Missing,
            "there is no tailscaled beside tailscale, nor in $PATH",
            "install it, see https://tailscale.com/download",
        ));
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
            if tailscale.is_root() {
                format!("see what it needs to write to: {STATE}, its socket and {LOG}")
            } else {
                "starting it takes root: run it as root, or give --sudo".to_owned()
            },
        )
    })
}

/// The error for a daemon that was started and does not listen, with the end of its log.
pub(super) fn does_not_listen(tailscale: &Tailscale) -> JoinError {
    let log = if tailscale.is_here() {
        fs::read(LOG).unwrap_or_default()
    } else {
        Vec::new()
    };
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
