use std::{ffi::OsString, io, path::Path, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use super::{
    JoinError, JoinErrorKind, Keep, KeyFate, Networking, Node, State, Tailscale, TimeLimit,
    UpArguments,
    child::{End, Finished},
    daemon::{self, Outcome},
    join_error::complaint_of,
    ssh_session::is_over_tailnet,
    status::Status,
    words::{Complaint, words},
};
use tailmint::{Account, Interrupt, KeyId, KeyProperties, MintErrorKind, MintedKey, Minter, Tag};
use tailmint_api::OutsideText;

/// How a machine is to join.
#[derive(Clone)]
pub struct Join<'a> {
    /// The command that joins it.
    pub tailscale: &'a Tailscale,
    /// Further arguments for `tailscale up`.
    pub arguments: UpArguments,
    /// How long the machine may take to join, all waiting included.
    pub limit: TimeLimit,
    /// Starts the daemon where there is none and none runs.
    pub start_daemon: bool,
    /// Joins anew even if the machine is connected.
    pub force: bool,
    /// Leaves the machine alone where a person took it down or logged it out.
    pub keep: Option<Keep>,
    /// Revokes the key once the machine has joined.
    pub revoke: bool,
    /// Stops it.
    pub interrupt: Interrupt,
    /// Called at the start of each step.
    pub watch: &'a (dyn Fn(Step) + Sync),
}

/// A step of joining, for progress output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// It looks at the state of the machine.
    Looking,
    /// It starts the daemon.
    StartingDaemon,
    /// It started the daemon, which reaches the network so.
    StartedDaemon(Networking),
    /// It waits for a daemon that does not listen yet.
    WaitingForDaemon,
    /// It waits for a daemon that does not know its state yet.
    Settling,
    /// It changes the settings of a machine that is connected.
    Setting,
    /// It brings up a machine that is logged in.
    BringingUp,
    /// It mints a key.
    Minting,
    /// It waits for the machine to join.
    Joining,
    /// It revokes the key.
    Revoking,
}

/// A machine that is connected to its tailnet, or that is not to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Joined {
    /// It was already connected, and nothing changed.
    Before(Node),
    /// It was already connected, and has the settings now.
    Set(Node),
    /// It was logged in but stopped, and was started without a key.
    BroughtUp(Node),
    /// A person took it down, and it is left so.
    LeftDown(Node),
    /// A person logged it out, and it is left so.
    LeftLoggedOut(Node),
    /// It joined with a new key.
    WithKey {
        /// The machine.
        node: Node,
        /// The key.
        key: KeyId,
        /// Whether the key has been revoked.
        revoked: bool,
    },
}

impl Joined {
    /// The machine.
    pub fn node(&self) -> &Node {
        match self {
            Self::Before(node)
            | Self::Set(node)
            | Self::BroughtUp(node)
            | Self::LeftDown(node)
            | Self::LeftLoggedOut(node)
            | Self::WithKey { node, .. } => node,
        }
    }
}

/// Between two looks at a machine that `tailscale up` waits for.
const LOOK_WHILE_WAITING: Duration = Duration::from_millis(500);

/// What a daemon has to be Running after `tailscale up` has ended well.
const CONFIRM_LIMIT: Duration = Duration::from_secs(5);

/// A signal from the terminal reaches `ssh` before it reaches this program's own listener.
const SIGNAL_LIMIT: Duration = Duration::from_millis(100);

/// A daemon repeats an earlier rejection to the next `tailscale up`, and takes the
/// new key some 20 ms later: a rejection counts once it has lasted this long.
const STALE_REFUSAL_LIMIT: Duration = Duration::from_secs(1);

/// The first version whose `up` reads a key from a file (tailscale/tailscale
/// #2964, of September 2021): older ones would send the file's name as the key.
const OLDEST_VERSION: (u32, u32) = (1, 16);

impl Join<'_> {
    /// Does what needs no key: a connected machine gets its settings, if there are any,
    /// and a stopped one is started. `None` where the machine needs a key.
    ///
    /// # Errors
    /// There is no daemon, it is in a state that no key mends, or the machine
    /// cannot be brought up.
    pub async fn without_key(&self) -> Result<Option<Joined>, JoinError> {
        let outcome = self.try_without_key().await;
        let joined = self.interrupted_or(outcome).await?;
        if let Some(joined) = &joined {
            self.remember(joined)?;
        }
        Ok(joined)
    }

    async fn try_without_key(&self) -> Result<Option<Joined>, JoinError> {
        if self.interrupt.is_raised() {
            return Err(interrupted());
        }
        (self.watch)(Step::Looking);
        let status = self.settled().await?;
        match &status.state {
            _ if self.force => Ok(None),
            _ if status.is_locked_out() => Err(locked_out(&status)),
            State::Running if self.arguments.is_empty() => Ok(Some(Joined::Before(status.node))),
            State::Running => self.set().await.map(Some),
            State::NeedsLogin if self.is_logged_out(&status)? => {
                Ok(Some(Joined::LeftLoggedOut(status.node)))
            }
            State::NeedsLogin => Ok(None),
            State::NeedsMachineAuth => Err(needs_approval(&status)),
            State::Stopped if self.keep.is_some() => Ok(Some(Joined::LeftDown(status.node))),
            State::Stopped => self.bring_up().await,
            State::NoState | State::Starting => Err(self.not_ready(&status)),
            State::Other(name) => Err(JoinError {
                words: status.health.clone(),
                ..JoinError::new(
                    JoinErrorKind::UnknownState,
                    format!("tailscaled is in the state {name}, which is not known"),
                    "see: tailscale status",
                )
            }),
        }
    }

    /// Mints a key and joins with it. If the machine does not join, the key is
    /// revoked.
    ///
    /// # Errors
    /// No key could be minted, or the machine did not join with the key's tags.
    pub async fn with_key(
        &self,
        minter: &Minter,
        account: &Account,
        properties: &KeyProperties,
    ) -> Result<Joined, JoinError> {
        let outcome = self.try_with_key(minter, account, properties).await;
        let joined = self.interrupted_or(outcome).await?;
        self.remember(&joined)?;
        Ok(joined)
    }

    /// Remembers a machine that is connected, for the next look.
    fn remember(&self, joined: &Joined) -> Result<(), JoinError> {
        match (&self.keep, joined) {
            (None, _) | (_, Joined::LeftDown(_) | Joined::LeftLoggedOut(_)) => Ok(()),
            (Some(keep), _) => keep
                .connected(self.socket())
                .map_err(|error| not_remembered(keep, &error)),
        }
    }

    /// Whether a person logged out the machine, which has no login.
    fn is_logged_out(&self, status: &Status) -> Result<bool, JoinError> {
        match &self.keep {
            // A machine that was removed has the key of its login still.
            Some(keep) if !status.has_node_key => keep
                .is_logged_out(self.socket())
                .map_err(|error| not_remembered(keep, &error)),
            _ => Ok(false),
        }
    }

    fn socket(&self) -> &Path {
        self.tailscale
            .socket()
            .unwrap_or_else(|| daemon::SOCKET.as_ref())
    }

    /// The outcome, unless it failed because the user wanted to stop: a terminal sends its
    /// signals to the children too.
    async fn interrupted_or<T>(&self, outcome: Result<T, JoinError>) -> Result<T, JoinError> {
        let error = match outcome {
            Ok(joined) => return Ok(joined),
            Err(error) if error.kind == JoinErrorKind::Interrupted => return Err(error),
            Err(error) => error,
        };
        if !self.tailscale.is_here() {
            timeout(SIGNAL_LIMIT, self.interrupt.raised()).await.ok();
        }
        if self.interrupt.is_raised() {
            return Err(JoinError {
                key: error.key,
                ..interrupted()
            });
        }
        Err(error)
    }

    async fn try_with_key(
        &self,
        minter: &Minter,
        account: &Account,
        properties: &KeyProperties,
    ) -> Result<Joined, JoinError> {
        let before = self.tailscale.status_within(self.limit.left()).await?;
        check_version(&before.version)?;
        self.rehearse(&before).await?;
        if self.limit.is_over() {
            return Err(self.not_ready(&before));
        }
        (self.watch)(Step::Minting);
        let minted = minter
            .mint(account, properties)
            .await
            .map_err(interrupted_or_mint)?;
        let id = minted.details.id.clone();
        (self.watch)(Step::Joining);
        match self
            .hand_over(&minted, &before, &properties.capabilities.tags)
            .await
        {
            Ok(node) => {
                let revoked = self.revoke;
                if revoked {
                    (self.watch)(Step::Revoking);
                    revoke(minter, account, &id).await?;
                }
                Ok(Joined::WithKey {
                    node,
                    key: id,
                    revoked,
                })
            }
            Err(mut error) => {
                (self.watch)(Step::Revoking);
                error.key = match revoke(minter, account, &id).await {
                    Ok(()) => KeyFate::Revoked(id),
                    Err(_) => KeyFate::LeftBehind(id),
                };
                Err(error)
            }
        }
    }

    /// Finds out whether `tailscale up` would reject what it is asked for, before a key is
    /// minted for it.
    async fn rehearse(&self, before: &Status) -> Result<(), JoinError> {
        let environment = self.tailscale.environment();
        let loses_ssh = before.logged_in
            && self.tailscale.is_here()
            && is_over_tailnet(environment)
            && !self.arguments.accept_losing_ssh();
        if loses_ssh {
            return Err(loses_ssh_session());
        }
        let arguments = self.arguments_for_key(before);
        let finished = self
            .tailscale
            .rehearse(&arguments, self.limit.left(), self.interrupt.raised())
            .await?;
        if self.interrupt.is_raised() {
            return Err(interrupted());
        }
        let words = words(&[&finished.stderr[..], &finished.stdout[..]].concat(), None);
        match Complaint::of(&words) {
            Complaint::LosesSsh if !self.arguments.accept_losing_ssh() => Err(loses_ssh_session()),
            // That is where it ends; and whatever is not known may not come again.
            Complaint::LosesSsh | Complaint::KeyFile | Complaint::Unknown => Ok(()),
            _ => Err(complaint_of(&finished, words)),
        }
    }

    fn arguments_for_key(&self, before: &Status) -> Vec<OsString> {
        let mut arguments = self.arguments.as_slice().to_vec();
        if before.logged_in || self.force {
            arguments.push("--force-reauth".into());
        }
        arguments
    }

    /// Gives the key to `tailscale up` and reads the result from the status. The exit
    /// status of `up` may be 0 although the key was not used, and 1 because an earlier
    /// key was rejected.
    async fn hand_over(
        &self,
        minted: &MintedKey,
        before: &Status,
        tags: &[Tag],
    ) -> Result<Node, JoinError> {
        let arguments = self.arguments_for_key(before);
        let stop = async {
            tokio::select! {
                () = self.interrupt.raised() => {}
                () = self.approval_wanted() => {}
            }
        };
        let key = &minted.key;
        let finished = self
            .tailscale
            .up_with_key(key, self.limit.left(), &arguments, stop)
            .await?;
        if self.interrupt.is_raised() {
            return Err(interrupted());
        }
        let words = words(
            &[&finished.stderr[..], &finished.stdout[..]].concat(),
            Some(key),
        );
        let error = complaint_of(&finished, words);
        let limit = match error.kind {
            _ if finished.succeeded() => CONFIRM_LIMIT,
            JoinErrorKind::KeyRefused => STALE_REFUSAL_LIMIT,
            _ => Duration::ZERO,
        };
        // A login that was there before proves nothing about this one.
        let is_new = |status: &Status| {
            finished.succeeded() || !before.logged_in || status.node_key != before.node_key
        };
        let status = self
            .look_until(limit, |status| {
                let tagged = status.is_running_with(tags.iter().map(Tag::as_str));
                tagged && status.node.online && is_new(status)
            })
            .await?;
        if status.state == State::Running && is_new(&status) {
            if status.is_locked_out() {
                return Err(locked_out(&status));
            }
            if status.is_running_with(tags.iter().map(Tag::as_str)) {
                return Ok(status.node);
            }
            return Err(other_tags(&status, tags));
        }
        Err(self.not_in(&finished, error, status))
    }

    /// Gives a connected machine its settings.
    async fn set(&self) -> Result<Joined, JoinError> {
        (self.watch)(Step::Setting);
        let (finished, error) = self.up_without_key().await?;
        let status = self
            .look_until(CONFIRM_LIMIT, |status| {
                !finished.succeeded() || status.state == State::Running
            })
            .await?;
        if finished.succeeded() && status.state == State::Running {
            return Ok(Joined::Set(status.node));
        }
        Err(self.not_in(&finished, error, status))
    }

    /// Brings a machine up that is logged in. `None` where the login turns out to be gone:
    /// a machine that is ephemeral is removed while it is down.
    async fn bring_up(&self) -> Result<Option<Joined>, JoinError> {
        (self.watch)(Step::BringingUp);
        let (finished, error) = self.up_without_key().await?;
        let limit = if finished.succeeded() {
            CONFIRM_LIMIT
        } else {
            Duration::ZERO
        };
        let status = self
            .look_until(limit, |status| {
                let gone = status.state == State::NeedsLogin && status.logged_in;
                gone || (status.state == State::Running && status.node.online)
            })
            .await?;
        match status.state {
            State::Running if status.node.online => Ok(Some(Joined::BroughtUp(status.node))),
            // Some daemons forget the login page that they were shown, and only silence
            // tells that the machine was removed. If the control server is out of reach
            // instead, the machine keeps the login that it has.
            State::Running => Ok(None),
            State::NeedsLogin if status.logged_in || finished.end == End::Stopped => Ok(None),
            _ => Err(self.not_in(&finished, error, status)),
        }
    }

    /// Runs `tailscale up` with the settings alone, until it ends or asks for a login; with
    /// the error that it means if the machine is not connected afterwards.
    async fn up_without_key(&self) -> Result<(Finished, JoinError), JoinError> {
        let stop = async {
            tokio::select! {
                () = self.interrupt.raised() => {}
                () = self.login_wanted() => {}
            }
        };
        let finished = self
            .tailscale
            .up(self.limit.left(), self.arguments.as_slice(), stop)
            .await?;
        if self.interrupt.is_raised() {
            return Err(interrupted());
        }
        let words = words(&[&finished.stderr[..], &finished.stdout[..]].concat(), None);
        let error = complaint_of(&finished, words);
        Ok((finished, error))
    }

    /// The error for a machine that is not connected after `tailscale up`.
    fn not_in(&self, finished: &Finished, error: JoinError, status: Status) -> JoinError {
        if status.state == State::NeedsMachineAuth {
            return needs_approval(&status);
        }
        let timed_out = finished.end == End::Overdue
            || error
                .words
                .iter()
                .any(|line| line.contains("timeout waiting"));
        if error.kind == JoinErrorKind::Failed && timed_out {
            return JoinError {
                words: [error.words, status.health].concat(),
                ..JoinError::new(
                    JoinErrorKind::Timeout,
                    format!(
                        "the machine did not join within {}: it is in the state {}",
                        humantime::format_duration(self.limit.whole()),
                        name_of(&status.state)
                    ),
                    "see that the control server can be reached; give it longer with --timeout",
                )
            };
        }
        error
    }

    fn not_ready(&self, status: &Status) -> JoinError {
        JoinError {
            words: status.health.clone(),
            ..JoinError::new(
                JoinErrorKind::NotReady,
                format!(
                    "tailscaled was not ready within {}: it is in the state {}",
                    humantime::format_duration(self.limit.whole()),
                    name_of(&status.state)
                ),
                "see that this machine has a network; give it longer with --timeout",
            )
        }
    }

    /// The state of the machine once its daemon listens and knows it.
    async fn settled(&self) -> Result<Status, JoinError> {
        let mut started = None;
        loop {
            match self.tailscale.status_within(self.limit.left()).await {
                Ok(status) if status.state.is_settled() || self.limit.is_over() => {
                    return Ok(status);
                }
                Ok(_) => (self.watch)(Step::Settling),
                Err(error) if error.kind != JoinErrorKind::NoDaemon => return Err(error),
                Err(_) if self.start_daemon && !self.limit.is_over() => {
                    (self.watch)(Step::StartingDaemon);
                    // The device of interfaces may open, and not work.
                    let wanted = match started {
                        None => Some(Networking::Tun),
                        Some(Networking::Tun) => Some(Networking::Userspace),
                        Some(Networking::Userspace) => None,
                    };
                    match daemon::start(self.tailscale, wanted).await? {
                        Outcome::Started(networking) => {
                            (self.watch)(Step::StartedDaemon(networking));
                            started = Some(networking);
                        }
                        Outcome::Running => (self.watch)(Step::WaitingForDaemon),
                        Outcome::NotRunning => return Err(daemon::does_not_listen(self.tailscale)),
                    }
                }
                Err(_) if started.is_some() => return Err(daemon::does_not_listen(self.tailscale)),
                Err(error) if self.limit.is_over_for_daemon() => {
                    return Err(if self.tailscale.is_here() {
                        error
                    } else {
                        JoinError {
                            hint: Some("start it there, or give --start-daemon".to_owned()),
                            ..error
                        }
                    });
                }
                Err(_) => (self.watch)(Step::WaitingForDaemon),
            }
            tokio::select! {
                () = sleep(self.tailscale.pause()) => {}
                () = self.interrupt.raised() => return Err(interrupted()),
            }
        }
    }

    /// Ends when the machine waits for an administrator: `tailscale up` would
    /// wait for them until its time is over.
    async fn approval_wanted(&self) {
        loop {
            sleep(LOOK_WHILE_WAITING.max(self.tailscale.pause())).await;
            let status = self.tailscale.status().await;
            if status.is_ok_and(|status| status.state == State::NeedsMachineAuth) {
                return;
            }
        }
    }

    /// Ends when the machine waits for a login, and not just for a moment.
    async fn login_wanted(&self) {
        let mut before = false;
        loop {
            sleep(LOOK_WHILE_WAITING.max(self.tailscale.pause())).await;
            let status = self.tailscale.status().await;
            let now = status.is_ok_and(|status| status.state == State::NeedsLogin);
            if now && before {
                return;
            }
            before = now;
        }
    }

    /// Looks until the machine is as wanted, the time is over, or the caller wants to
    /// stop; the last look counts.
    async fn look_until(
        &self,
        limit: Duration,
        wanted: impl Fn(&Status) -> bool,
    ) -> Result<Status, JoinError> {
        let end = Instant::now() + limit;
        loop {
            match self.tailscale.status_within(self.limit.left()).await {
                Ok(status) if wanted(&status) || Instant::now() >= end => return Ok(status),
                // A login may be turned away where many come at once.
                Err(error) if error.kind != JoinErrorKind::Ssh || Instant::now() >= end => {
                    return Err(error);
                }
                Ok(_) | Err(_) => {}
            }
            tokio::select! {
                () = sleep(self.tailscale.pause()) => {}
                () = self.interrupt.raised() => return Err(interrupted()),
            }
        }
    }
}

/// Revokes the key; one that is gone is as good as revoked.
async fn revoke(minter: &Minter, account: &Account, id: &KeyId) -> Result<(), JoinError> {
    let revoked = minter.revoke(account, id).await;
    match revoked {
        Ok(()) => Ok(()),
        Err(error) if error.kind == MintErrorKind::NotFound => Ok(()),
        Err(error) => Err(JoinError {
            message: format!("the machine joined, but: {error}"),
            hint: error.hint.clone(),
            words: Vec::new(),
            key: KeyFate::LeftBehind(id.clone()),
            kind: JoinErrorKind::RevokeFailed(Box::new(error)),
        }),
    }
}

fn check_version(version: &str) -> Result<(), JoinError> {
    let mut parts = version.split(['.', '-']).map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) < OLDEST_VERSION => {
            let (oldest_major, oldest_minor) = OLDEST_VERSION;
            Err(JoinError::new(
                JoinErrorKind::TooOld,
                format!("tailscale {version} is too old to be handed a key safely"),
                format!("update it to {oldest_major}.{oldest_minor} or later"),
            ))
        }
        // What has no version of this shape is built by hand, and new.
        _ => Ok(()),
    }
}

fn interrupted_or_mint(error: tailmint::MintError) -> JoinError {
    match error.kind {
        MintErrorKind::Interrupted => JoinError {
            message: error.to_string(),
            ..interrupted()
        },
        _ => error.into(),
    }
}

fn interrupted() -> JoinError {
    JoinError {
        hint: None,
        ..JoinError::new(JoinErrorKind::Interrupted, "interrupted", "")
    }
}

fn not_remembered(keep: &Keep, error: &io::Error) -> JoinError {
    JoinError::new(
        JoinErrorKind::Keep,
        format!("{} cannot be used: {error}", keep.path().display()),
        "give --keep a file that this user may write, in a directory that exists",
    )
}

fn loses_ssh_session() -> JoinError {
    JoinError::new(
        JoinErrorKind::LosesSsh,
        "this session comes over the tailnet, and logging in anew would cut it off",
        "run it from elsewhere; or insist: -- --accept-risk=lose-ssh",
    )
}

fn locked_out(status: &Status) -> JoinError {
    JoinError {
        words: status.health.clone(),
        ..JoinError::new(
            JoinErrorKind::LockedOut,
            format!(
                "Tailnet Lock keeps the machine {} out: no other machine talks to it",
                status.node.name
            ),
            format!(
                "sign it on a signing machine: tailscale lock sign {}",
                OutsideText::new(&status.node_key)
            ),
        )
    }
}

fn needs_approval(status: &Status) -> JoinError {
    JoinError::new(
        JoinErrorKind::NeedsApproval,
        format!(
            "the machine {} waits for an administrator to approve it",
            status.node.name
        ),
        "approve it at https://login.tailscale.com/admin/machines, or mint keys without --no-preauthorized",
    )
}

fn other_tags(status: &Status, tags: &[Tag]) -> JoinError {
    let wanted: Vec<_> = tags.iter().map(Tag::as_str).collect();
    let carried = match status.node.tags.join(" ") {
        tags if tags.is_empty() => "no tags".to_owned(),
        tags => tags,
    };
    JoinError::new(
        JoinErrorKind::OtherTags,
        format!(
            "the machine {} is connected with {carried}, not with {}",
            status.node.name,
            wanted.join(" ")
        ),
        "it joined with another login than this one; log it out with tailscale logout, then try again",
    )
}

fn name_of(state: &State) -> String {
    match state {
        State::Other(name) => name.to_string(),
        known => format!("{known:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_told_from_new_ones() {
        for version in [
            "1.102.5",
            "1.102.5-ERR-BuildInfo",
            "1.16.0",
            "2.0",
            "",
            "date.20260101",
        ] {
            assert!(check_version(version).is_ok(), "{version}");
        }
        for version in ["1.8.3", "1.14.6", "0.100-4"] {
            let error = check_version(version).unwrap_err();
            assert_eq!(error.kind, JoinErrorKind::TooOld, "{version}");
        }
    }
}
