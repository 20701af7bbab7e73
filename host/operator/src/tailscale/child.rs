use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::{sleep, timeout},
};

use tailmint_core::fail_point;

/// Between asking a process to end and ending it.
const TERM_LIMIT: Duration = Duration::from_secs(5);

/// The most that is kept of what a process writes. `tailscale` writes a few
/// lines; `status --json` of a tailnet with thousands of machines some megabytes.
const MAX_OUTPUT_BYTES: usize = 16 * 1024 * 1024;

/// How a child process ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) end: End,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Why a child process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Exited(ExitStatus),
    /// It took too long.
    Overdue,
    /// The caller wanted to stop.
    Stopped,
}

impl Finished {
    pub(super) fn succeeded(&self) -> bool {
        matches!(self.end, End::Exited(status) if status.success())
    }
}

/// Runs the command to its end, or ends it.
///
/// Of all descriptors it inherits the first three: what others left open in this
/// process is not passed on.
pub(super) async fn run(
    command: &mut Command,
    limit: Duration,
    stop_when: impl Future<Output = ()>,
) -> io::Result<Finished> {
    close_fds::set_fds_cloexec(3, &[]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    fail_point("child-spawned");
    let stdout = tokio::spawn(take(child.stdout.take()));
    let stderr = tokio::spawn(take(child.stderr.take()));
    let end = tokio::select! {
        status = child.wait() => End::Exited(status?),
        () = sleep(limit) => End::Overdue,
        () = stop_when => End::Stopped,
    };
    if !matches!(end, End::Exited(_)) {
        stop(&mut child).await?;
    }
    // A process of its own may hold the pipes open for ever.
    let written = |pipe| async {
        let taken = timeout(TERM_LIMIT, pipe).await;
        taken.ok().and_then(Result::ok).unwrap_or_default()
    };
    Ok(Finished {
        end,
        stdout: written(stdout).await,
        stderr: written(stderr).await,
    })
}

/// Asks the child to end, and ends it where it does not.
pub(crate) async fn stop(child: &mut Child) -> io::Result<()> {
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    if let Some(pid) = pid {
        // It may just have ended by itself.
        kill_process(pid, Signal::TERM).ok();
        if let Ok(ended) = timeout(TERM_LIMIT, child.wait()).await {
            return ended.map(drop);
        }
    }
    child.kill().await
}

/// All that is written, of which the beginning is kept.
async fn take(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else {
        return kept;
    };
    let mut buffer = vec![0; 8 * 1024];
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        let room = MAX_OUTPUT_BYTES - kept.len();
        kept.extend_from_slice(&buffer[..read.min(room)]);
    }
    kept
}
