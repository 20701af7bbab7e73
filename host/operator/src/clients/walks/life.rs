//! The life of one client and its keys, with what is known there to be in somebody's hands.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::OpenOptionsExt,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError},
    time::Duration,
};

use serde_json::json;
use tailmint::{
    Account, Credential, Interrupt, KeyId, KeyProperties, MintError, Minter,
    connection::{Limits, Trust},
};
use tailmint_api::Kind;
use tailmint_core::Environment;
use tailmint_simulator::{OauthClient, Setup, Simulator};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::step::{Act, Edit, Event, Moment, Old, POINTS, Response, Step};
use crate::{
    Profile,
    clients::{Clients, ClientsError, Deleted, Grace, OldClient, Owner, import},
    credentials::{
        Call, CredentialError, SecretsDir, Stray, client_from_files,
        disturbance::{self, Side},
    },
};

const ID: &str = "tailscale-oauth-client-id";
const SECRET: &str = "tailscale-oauth-client-secret";

/// The API, and those who ask it: one for many lives, since they cost more than a life.
pub(super) struct Stage {
    simulator: Simulator,
    /// Does not try again, which is walked elsewhere, and waits.
    minter: Minter,
    /// Waits no longer than this for what never comes.
    hasty: Minter,
    patient: Minter,
    runtime: Runtime,
    other: Minter,
    other_runtime: Runtime,
}

impl Stage {
    pub(super) fn new() -> Self {
        let simulator = Simulator::start(&Setup::default()).unwrap();
        let ca = tempfile::NamedTempFile::new().unwrap();
        simulator.write_ca(ca.path()).unwrap();
        let builder = || {
            Minter::builder()
                .trust(Trust::pem_file(ca.path().to_owned()).unwrap())
                .connect_to(simulator.address().to_string().parse().unwrap())
        };
        // Less than the shortest wait before a request is made again.
        let once = || builder().pooled().deadline(Duration::from_millis(450));
        let hasty = once().limits(Limits::at_most(Duration::from_millis(40)));
        let runtime = || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap()
        };
        let stage = Self {
            minter: once().build().unwrap(),
            hasty: hasty.build().unwrap(),
            patient: builder().pooled().build().unwrap(),
            other: once().build().unwrap(),
            runtime: runtime(),
            other_runtime: runtime(),
            simulator,
        };
        watch_points();
        stage
    }
}

/// What is known, and what was said.
#[derive(Default)]
struct Known {
    /// What was named to somebody who has to look after it.
    named: BTreeSet<String>,
    /// What an operator keeps a copy of.
    operators: BTreeSet<String>,
    /// What a run that was killed left, and the next has to name.
    lost: BTreeSet<String>,
    /// What somebody wanted deleted: its files may live a little longer.
    condemned: BTreeSet<String>,
    /// What an import is given: it asks no API, so that a client that another process deletes
    /// meanwhile goes into the files all the same. Or what an operator puts back while the
    /// request that deletes it is on its way.
    given: Option<String>,
    /// How often it was said in this step that a client may exist whose id nobody knows, and
    /// how often of a key.
    open: [usize; 2],
    keys: Vec<KeyId>,
    may_be_absent: bool,
    /// An editor came between two files.
    is_torn: bool,
    /// The pairs that were in the files.
    backups: Vec<(String, String)>,
    violation: Option<String>,
    log: Vec<String>,
    step: Current,
}

/// The step that is taken.
#[derive(Default)]
struct Current {
    events: Vec<Event>,
    lasting: Vec<(Call, Side, io::ErrorKind, i32)>,
    calls: BTreeMap<(Call, bool), usize>,
    points: BTreeMap<&'static str, usize>,
    last_path: PathBuf,
    /// The secret of a new client was written beside its place, and was not taken away.
    is_traced: bool,
    /// Those that lived, and those in the files, when it began.
    lived: BTreeSet<String>,
    had: BTreeSet<String>,
    /// Whether it deletes what the files name.
    deletes: bool,
    /// Whether somebody else changed the files since it began.
    has_company: bool,
}

/// What a process that is killed unwinds with, in place of a process that ends.
struct Killed;

/// What is done at a fail point.
type AtPoint = Rc<dyn Fn(&'static str)>;

thread_local! {
    static AT_POINT: RefCell<Option<AtPoint>> = const { RefCell::new(None) };
}

/// Has the fail points lead to the life that is walked on the same thread.
fn watch_points() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for name in POINTS {
            let reached = move || {
                if let Some(at) = AT_POINT.with_borrow(Option::clone) {
                    at(name);
                }
            };
            fail::cfg_callback(name, reached).unwrap();
        }
    });
}

pub(super) struct Life {
    stage: Arc<Stage>,
    directory: TempDir,
    profile: Profile,
    secrets: SecretsDir,
    known: Mutex<Known>,
}

type Held<'a> = MutexGuard<'a, Known>;

impl Life {
    pub(super) fn new(stage: &Arc<Stage>, has_client: bool) -> Arc<Self> {
        let client = OauthClient::new(
            "tazlab-bootstrap",
            &["auth_keys", "devices"],
            &["tag:tazpod"],
        );
        stage.simulator.begin_anew(&Setup {
            clients: vec![client.clone()],
            ..Setup::default()
        });
        // In memory, where there is such a place: a life is thousands of writes to the disk.
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        let directory = directory.unwrap();
        let [profile, _] = Profile::built_in();
        let environment = Environment::default();
        let secrets = SecretsDir::find(Some(directory.path()), None, &environment).unwrap();
        let life = Self {
            stage: Arc::clone(stage),
            directory,
            profile,
            secrets,
            known: Mutex::default(),
        };
        if has_client {
            life.put(&client.id, &client.secret);
        } else {
            stage.simulator.revoke_client(&client.id);
            life.known().may_be_absent = true;
        }
        Arc::new(life)
    }

    fn known(&self) -> Held<'_> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happened, with numbers for ids.
    pub(super) fn log(&self) -> String {
        let mut text = self.known().log.join("\n  ");
        for (number, client) in self.stage.simulator.all_clients().iter().enumerate() {
            text = text.replace(&client.id, &format!("[client {}]", number + 1));
        }
        for (number, key) in self.stage.simulator.keys().iter().enumerate() {
            text = text.replace(&key.id, &format!("[key {}]", number + 1));
        }
        text
    }

    /// How many calls of each kind the step took.
    pub(super) fn calls(&self) -> Vec<(Call, usize)> {
        let known = self.known();
        let before = known
            .step
            .calls
            .iter()
            .filter(|((_, is_before), _)| *is_before);
        before.map(|((call, _), count)| (*call, *count)).collect()
    }

    pub(super) fn points(&self) -> Vec<(&'static str, usize)> {
        let points = self.known().step.points.clone();
        points.into_iter().collect()
    }

    fn say(&self, what: String) {
        self.known().log.push(what);
    }

    fn broken(&self, what: String) {
        let mut known = self.known();
        known.log.push(format!("BROKEN: {what}"));
        known.violation.get_or_insert(what);
    }

    fn name(&self, id: &str) {
        self.known().named.insert(id.to_owned());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn put(&self, id: &str, secret: &str) {
        for (name, value) in [(ID, id), (SECRET, secret)] {
            let path = self.path(name);
            fs::remove_file(&path).ok();
            let file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path);
            io::Write::write_all(&mut file.unwrap(), value.as_bytes()).unwrap();
        }
    }

    /// The clients that work, each with its secret.
    fn clients(&self) -> BTreeMap<String, String> {
        let all = self.stage.simulator.clients().into_iter();
        all.map(|client| (client.id, client.secret)).collect()
    }

    fn is_alive(&self, id: &str) -> bool {
        self.clients().contains_key(id)
    }

    /// The pair that readers find, and the client that its secret is of.
    fn pair(&self) -> Result<Option<(String, String, String)>, CredentialError> {
        // Nothing is in the way of who only looks.
        let points = AT_POINT.take();
        let calls = disturbance::set(None);
        let read = client_from_files(&self.profile, &self.secrets);
        drop(calls);
        AT_POINT.set(points);
        let Some(account) = read? else {
            return Ok(None);
        };
        let Credential::OauthClient { id, secret } = account.credential else {
            unreachable!("files have an OAuth client");
        };
        let secret = secret.expose_secret().to_owned();
        let own = secret.split('-').nth(2).unwrap_or_default().to_owned();
        Ok(Some((id, secret, own)))
    }

    fn in_files(&self) -> BTreeSet<String> {
        match self.pair() {
            Ok(Some((id, _, own))) => [id, own].into(),
            _ => BTreeSet::new(),
        }
    }

    /// Whether anything in the directory names it.
    fn is_traceable(&self, id: &str) -> bool {
        let mut entries = fs::read_dir(self.directory.path()).unwrap();
        entries.any(|entry| {
            let text = fs::read_to_string(entry.unwrap().path());
            text.is_ok_and(|text| text.contains(id))
        })
    }

    /// Promise: whatever happens, the files name a client that works.
    fn look(&self, when: &str) {
        let alive = self.clients();
        let pair = self.pair();
        let known = self.known();
        let wrong = match pair {
            Ok(Some((id, secret, own))) => {
                let works = alive.get(&own) == Some(&secret);
                let is_condemned = known.condemned.contains(&id)
                    || known.condemned.contains(&own)
                    || known.given.as_ref() == Some(&own);
                let is_whole = id == own || known.is_torn;
                if is_condemned || (works && is_whole) {
                    None
                } else if works {
                    Some(format!(
                        "the files have the id {id} and the secret of {own}"
                    ))
                } else {
                    Some(format!("the files name client {id}, which does not work"))
                }
            }
            Ok(None) | Err(CredentialError::HalfOfFiles { .. }) if known.may_be_absent => None,
            Ok(None) => Some("the files are gone".to_owned()),
            Err(error) => Some(format!("the files cannot be used: {error}")),
        };
        drop(known);
        if let Some(wrong) = wrong {
            self.broken(format!("{when}: {wrong}"));
        }
    }

    /// Has the events of this moment happen. Whether the call is to fail.
    fn reached(self: &Arc<Self>, moment: Moment) -> io::Result<()> {
        let mut due = Vec::new();
        self.known().step.events.retain(|event| {
            let is_due = event.moment() == moment;
            if is_due {
                due.push(event.clone());
            }
            !is_due
        });
        let mut outcome = Ok(());
        for event in due {
            self.say(format!("  {event}"));
            match event {
                Event::Fails {
                    call,
                    side,
                    error,
                    lasts,
                    ..
                } => {
                    let error = io::Error::from(error);
                    let code = error.raw_os_error().unwrap_or_default();
                    if lasts {
                        self.known()
                            .step
                            .lasting
                            .push((call, side, error.kind(), code));
                    }
                    outcome = Err(error);
                }
                Event::Killed(_) => resume_unwind(Box::new(Killed)),
                Event::Api(_, trouble) => {
                    let fault = trouble.response.fault();
                    self.stage
                        .simulator
                        .misbehave(trouble.at, fault, trouble.times);
                }
                Event::Beside(_, act) => {
                    self.known().step.has_company = true;
                    self.beside(act);
                    self.look("after another process");
                }
                Event::Edited(moment, edit) => {
                    self.known().step.has_company |= moment != Moment::Beginning;
                    self.edit(edit, moment != Moment::Beginning);
                    if matches!(moment, Moment::Point("secret-opened", _)) {
                        self.known().given = self.pair().ok().flatten().map(|(.., own)| own);
                    }
                    self.look("after an edit");
                }
            }
        }
        outcome
    }

    fn at_call(self: &Arc<Self>, call: Call, path: &Path, side: Side) -> io::Result<()> {
        let is_before = side == Side::Before;
        let count = {
            let mut known = self.known();
            let step = &mut known.step;
            if !path.as_os_str().is_empty() {
                path.clone_into(&mut step.last_path);
            }
            let is_secret = step
                .last_path
                .to_string_lossy()
                .ends_with("secret.tailmint-new");
            match call {
                Call::Write if is_secret && !is_before => step.is_traced = true,
                // Failed or not, from here on it may be gone.
                Call::Remove if is_secret => step.is_traced = false,
                _ => {}
            }
            let count = step.calls.entry((call, is_before)).or_default();
            *count += 1;
            *count - 1
        };
        // What is written beside them is no file that is read.
        let changes = matches!(call, Call::Create | Call::Remove | Call::Rename);
        if changes && !is_before {
            self.look(&format!("after {call:?} {}", path.display()));
        }
        self.reached(Moment::Call(call, side, count))?;
        let known = self.known();
        let mut lasting = known.step.lasting.iter();
        match lasting.find(|(of, at, ..)| (*of, *at) == (call, side)) {
            Some((.., code)) => Err(io::Error::from_raw_os_error(*code)),
            None => Ok(()),
        }
    }

    fn at_point(self: &Arc<Self>, name: &'static str) {
        // What is done here passes points and makes calls itself.
        let points = AT_POINT.take();
        let calls = disturbance::set(None);
        let count = {
            let mut known = self.known();
            let count = known.step.points.entry(name).or_default();
            *count += 1;
            *count - 1
        };
        if name == "client-before-deleting" && self.known().step.deletes {
            let doomed = self.in_files();
            self.known().condemned.extend(doomed);
        }
        // Otherwise nothing has changed since the last look.
        if name == "client-deleted" {
            self.look(name);
        }
        let reached = catch_unwind(AssertUnwindSafe(|| {
            self.reached(Moment::Point(name, count)).ok();
        }));
        drop(calls);
        AT_POINT.set(points);
        if let Err(killed) = reached {
            resume_unwind(killed);
        }
    }

    fn edit(&self, edit: Edit, comes_between: bool) {
        if comes_between {
            self.known().is_torn = true;
        }
        // They know whose files they change.
        let mut had = self.in_files();
        had.extend(fs::read_to_string(self.path(ID)).map(|id| id.trim().to_owned()));
        self.known().operators.extend(had);
        let names: &[&str] = match edit {
            Edit::Another => {
                let client = self.another();
                self.put(&client.id, &client.secret);
                &[]
            }
            Edit::Back => {
                let alive = self.clients();
                let backups = self.known().backups.clone();
                if let Some((id, secret)) = backups.iter().rfind(|it| alive.contains_key(&it.0)) {
                    self.put(id, secret);
                }
                &[]
            }
            Edit::RemoveBoth => &[ID, SECRET],
            Edit::RemoveId => &[ID],
            Edit::RemoveSecret => &[SECRET],
        };
        for name in names {
            self.known().may_be_absent = true;
            fs::remove_file(self.path(name)).ok();
        }
    }

    /// A client that an operator created, and knows.
    fn another(&self) -> OauthClient {
        let client = OauthClient::new(
            "tazlab-bootstrap",
            &["auth_keys", "devices"],
            &["tag:tazpod"],
        );
        self.stage.simulator.add_client(client.clone());
        self.known().operators.insert(client.id.clone());
        client
    }

    /// Another process does this, if the lock lets it.
    fn beside(self: &Arc<Self>, act: Act) {
        let interrupt = Interrupt::default();
        // It does not wait.
        interrupt.raise();
        std::thread::scope(|scope| {
            let stage = &self.stage;
            let done = || {
                stage
                    .other_runtime
                    .block_on(self.perform(&stage.other, act, false, &interrupt))
            };
            scope.spawn(done).join().unwrap();
        });
    }

    pub(super) fn take(self: &Arc<Self>, step: &Step) -> Result<(), String> {
        let never = |event: &Event| matches!(event, Event::Api(_, trouble) if trouble.response == Response::Never);
        let minter = if step.events.iter().any(never) {
            &self.stage.hasty
        } else {
            &self.stage.minter
        };
        self.say(format!("{}", step.act));
        self.run(minter, step.act, step.typo, &step.events);
        self.check()
    }

    fn run(self: &Arc<Self>, minter: &Minter, act: Act, typo: bool, events: &[Event]) -> bool {
        self.known().step = Current {
            deletes: act == Act::Delete,
            events: events.to_vec(),
            lived: self.clients().into_keys().collect(),
            ..Current::default()
        };
        self.reached(Moment::Beginning).ok();
        let had = self.in_files();
        {
            let mut known = self.known();
            known.operators.retain(|id| !had.contains(id));
            known.step.had = had;
        }
        let interrupt = Interrupt::default();
        let at_call = {
            let life = Arc::clone(self);
            Rc::new(move |call, path: &Path, side| {
                // What is done here passes points itself.
                let points = AT_POINT.take();
                let reached = catch_unwind(AssertUnwindSafe(|| life.at_call(call, path, side)));
                AT_POINT.set(points);
                reached.unwrap_or_else(|killed| resume_unwind(killed))
            })
        };
        let at_point = {
            let life = Arc::clone(self);
            Rc::new(move |name| life.at_point(name))
        };
        let ended = {
            AT_POINT.set(Some(at_point));
            let _calls = disturbance::set(Some(at_call));
            let ended = catch_unwind(AssertUnwindSafe(|| {
                let whole = self.perform(minter, act, typo, &interrupt);
                self.stage.runtime.block_on(whole)
            }));
            AT_POINT.set(None);
            ended
        };
        self.stage.simulator.forgive();
        let given = self.known().given.take();
        if let Some(id) = given.filter(|id| !self.is_alive(id)) {
            self.known().condemned.insert(id);
        }
        match ended {
            Ok(done) => done,
            Err(killed) if killed.is::<Killed>() => {
                self.after_kill();
                false
            }
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Nobody is told by a run that was killed. What it left behind is in the directory, or
    /// the next run finds it at the API.
    fn after_kill(&self) {
        let alive = self.clients();
        let in_files = self.in_files();
        let mut known = self.known();
        let Current {
            lived,
            had,
            is_traced,
            ..
        } = &known.step;
        let lost: Vec<_> = alive
            .into_keys()
            .filter(|id| !in_files.contains(id) && !self.is_traceable(id))
            .filter(|id| had.contains(id) || (!lived.contains(id) && !is_traced))
            .collect();
        known.lost.extend(lost);
    }

    /// Promise: what lives on is in the files, or was named to somebody.
    fn check(&self) -> Result<(), String> {
        self.look("when it ended");
        let in_files = self.in_files();
        let alive = self.clients();
        let live_keys: BTreeSet<_> = {
            let keys = self.stage.simulator.live_keys().into_iter();
            keys.map(|key| key.id).collect()
        };
        let mut known = self.known();
        let is_known = |known: &Known, id: &String| {
            known.named.contains(id) || known.operators.contains(id) || known.lost.contains(id)
        };
        let unknown: Vec<_> = alive
            .keys()
            .filter(|id| !in_files.contains(*id) && !is_known(&known, id))
            .filter(|id| !self.is_traceable(id))
            .cloned()
            .collect();
        let owned: BTreeSet<_> = known.keys.iter().map(ToString::to_string).collect();
        let unknown_keys: Vec<_> = live_keys
            .iter()
            .filter(|id| !owned.contains(*id) && !is_known(&known, id))
            .cloned()
            .collect();
        let [clients, keys] = known.open;
        known.open = [0, 0];
        for (unknown, open, what) in [(&unknown, clients, "client"), (&unknown_keys, keys, "key")] {
            if unknown.len() > open {
                let wrong = format!("{what} {} lives, and nobody was told", unknown.join(", "));
                known.log.push(format!("BROKEN: {wrong}"));
                known.violation.get_or_insert(wrong);
            }
        }
        // Somebody was told that there may be one.
        known.named.extend(unknown);
        known.named.extend(unknown_keys);
        // What was said of one before it was in the files says nothing of what comes next.
        known.named.retain(|id| !in_files.contains(id));
        known.lost.retain(|id| !in_files.contains(id));
        known.condemned.retain(|id| !alive.contains_key(id));
        if !in_files.is_empty() {
            known.may_be_absent = false;
            known.is_torn = in_files.len() == 2;
        }
        if let Ok(Some((id, secret, own))) = self.pair()
            && id == own
            && known.backups.last().is_none_or(|(last, _)| *last != id)
        {
            known.backups.push((id, secret));
        }
        match known.violation.take() {
            Some(violation) => Err(violation),
            None => Ok(()),
        }
    }

    /// Nothing is in the way any more: the next run succeeds, clears up, and names all that
    /// lives on.
    pub(super) fn end(self: &Arc<Self>, by_rotation: bool) -> Result<(), String> {
        let act = match self.pair() {
            Ok(Some(_)) if by_rotation => Act::Rotate(Old::Deleted),
            _ => Act::Create { replace: true },
        };
        self.say(format!("{act}, with nothing in the way"));
        // The one who runs it is told all that there is.
        self.known().lost.clear();
        let stage = Arc::clone(&self.stage);
        if !self.run(&stage.patient, act, false, &[]) {
            return Err("the next run failed".to_owned());
        }
        self.check()?;
        let mut names: Vec<_> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        if names != [ID, SECRET] {
            return Err(format!("the next run leaves {names:?}"));
        }
        Ok(())
    }

    fn owner(&self, typo: bool) -> Owner {
        let key = self.stage.simulator.api_key();
        let tailnet = if typo { "exmaple.com" } else { "-" };
        let variables = [
            ("TAILSCALE_API_KEY", key.as_str()),
            ("TAILSCALE_TAILNET", tailnet),
        ];
        Owner::from_env(&Environment::from(variables), Kind::OauthClient).unwrap()
    }

    /// Does it as the command does. Whether it succeeded, and all that it says was believed.
    async fn perform(&self, minter: &Minter, act: Act, typo: bool, interrupt: &Interrupt) -> bool {
        let owner = self.owner(typo);
        let tell = |stray: &Stray| {
            self.say(format!("    told: {stray:?}"));
            if let Stray::CutOff(Some(id)) | Stray::Replaced(id) = stray {
                self.name(id.as_str());
            }
        };
        let clients = Clients {
            minter,
            owner: &owner,
            profile: &self.profile,
            secrets_dir: &self.secrets,
            interrupt,
            tell: &tell,
        };
        match act {
            Act::Create { replace } => {
                let was_there = [ID, SECRET].iter().any(|it| self.path(it).exists());
                let created = clients.create(replace).await;
                match created {
                    Ok(client) => {
                        self.say(format!("    created {}", client.id));
                        if was_there && !replace && !self.known().step.has_company {
                            self.broken("it replaced what it was not to replace".to_owned());
                        }
                        self.others(&clients, &[client.id]).await
                    }
                    Err(error) => self.failed(&error),
                }
            }
            Act::Rotate(old) => {
                let grace = match old {
                    Old::Deleted => Grace::Delete(Duration::ZERO),
                    Old::DeletedLater => Grace::Delete(Duration::from_millis(1)),
                    Old::Kept => Grace::Keep,
                };
                match clients.rotate(grace).await {
                    Ok(rotated) => {
                        self.say(format!(
                            "    created {}, the old one: {:?}",
                            rotated.client.id, rotated.old
                        ));
                        let old = match rotated.old {
                            OldClient::Deleted(id) => {
                                self.is_gone(&id);
                                id
                            }
                            OldClient::Kept(id) | OldClient::InUse(id) | OldClient::Left(id, _) => {
                                self.name(id.as_str());
                                id
                            }
                        };
                        self.others(&clients, &[rotated.client.id, old]).await
                    }
                    Err(error) => self.failed(&error),
                }
            }
            Act::Import { back, replace } => self.import(back, replace, interrupt, &tell).await,
            Act::Delete => {
                {
                    let doomed = self.in_files();
                    let mut known = self.known();
                    known.condemned.extend(doomed);
                    known.may_be_absent = true;
                }
                match clients.delete().await {
                    Ok(deleted) => {
                        self.say(format!("    {deleted:?}"));
                        let id = match deleted {
                            Deleted::Client(id) | Deleted::FilesOnly(id) => {
                                self.is_gone(&id);
                                Some(id)
                            }
                            Deleted::Nothing => None,
                        };
                        self.others(&clients, id.as_slice()).await
                    }
                    Err(error) => self.failed(&error),
                }
            }
            Act::Mint { reusable } => self.mint(minter, reusable).await,
            Act::Revoke(before) => self.revoke(minter, before).await,
        }
    }

    async fn others(&self, clients: &Clients<'_>, known: &[KeyId]) -> bool {
        match clients.others(known).await {
            Ok(others) => {
                for id in others {
                    self.say(format!("    told: {id} is another"));
                    self.name(id.as_str());
                }
                true
            }
            Err(error) => {
                self.say(format!("    which others there are is not known: {error}"));
                true
            }
        }
    }

    async fn import(
        &self,
        back: bool,
        replace: bool,
        interrupt: &Interrupt,
        tell: &dyn Fn(&Stray),
    ) -> bool {
        let alive = self.clients();
        let backups = self.known().backups.clone();
        let last = backups.into_iter().rfind(|it| alive.contains_key(&it.0));
        let (id, secret) = if let Some(pair) = last.filter(|_| back) {
            pair
        } else {
            let client = self.another();
            (client.id, client.secret)
        };
        self.known().given = Some(id.clone());
        let outputs = json!({
            "bootstrap_id": { "value": id },
            "bootstrap_secret": { "value": secret },
        })
        .to_string();
        let profiles = [self.profile.clone()];
        let imported = import(
            &outputs,
            &self.profile,
            &profiles,
            &self.secrets,
            replace,
            interrupt,
            tell,
        );
        match imported.await {
            Ok(id) => {
                self.say(format!("    imported {id:?}"));
                true
            }
            Err(error) => self.failed(&error),
        }
    }

    async fn mint(&self, minter: &Minter, reusable: bool) -> bool {
        let Ok(Some(account)) = client_from_files(&self.profile, &self.secrets) else {
            return false;
        };
        let mut asked = self.profile.key.clone();
        asked.capabilities.reusable = reusable;
        match minter.mint(&account, &asked).await {
            Ok(minted) => {
                self.say(format!("    minted {}", minted.details.id));
                self.is_as_asked(&minted.details.id, minted.key.expose_secret(), &asked);
                self.known().keys.push(minted.details.id);
                true
            }
            Err(error) => {
                self.say(format!("    failed: {error}"));
                self.left(&error);
                false
            }
        }
    }

    /// Promise: what was granted is what was asked for.
    fn is_as_asked(&self, id: &KeyId, text: &str, asked: &KeyProperties) {
        let keys = self.stage.simulator.live_keys();
        let Some(key) = keys.iter().find(|key| key.id == id.as_str()) else {
            return self.broken(format!("key {id} was handed over and is not valid"));
        };
        let can = &asked.capabilities;
        let tags: Vec<_> = can.tags.iter().map(|tag| tag.as_str().to_owned()).collect();
        let is_so = key.key == text
            && key.tags == tags
            && (key.reusable, key.ephemeral, key.preauthorized)
                == (can.reusable, can.ephemeral, can.preauthorized)
            && key.expiry_seconds == u64::from(asked.expiry.as_secs());
        if !is_so {
            self.broken(format!("key {id} is not what was asked for: {key:?}"));
        }
    }

    async fn revoke(&self, minter: &Minter, before: usize) -> bool {
        let account: Option<Account> = client_from_files(&self.profile, &self.secrets)
            .ok()
            .flatten();
        let id = {
            let known = self.known();
            let at = known.keys.len().checked_sub(before + 1);
            at.map(|at| known.keys[at].clone())
        };
        let (Some(account), Some(id)) = (account, id) else {
            return false;
        };
        let revoked = minter.revoke(&account, &id).await;
        let live = self.stage.simulator.live_keys();
        if revoked.is_ok() && live.iter().any(|key| key.id == id.as_str()) {
            self.broken(format!("key {id} is said to be revoked, and is valid"));
        }
        revoked.is_ok()
    }

    fn is_gone(&self, id: &KeyId) {
        if self.is_alive(id.as_str()) {
            self.broken(format!("client {id} is said to be deleted, and works"));
        }
    }

    fn failed(&self, error: &ClientsError) -> bool {
        self.say(format!("    failed: {error}"));
        let mut cause = error;
        loop {
            match cause {
                ClientsError::Api(error) => self.left(error),
                ClientsError::OneStepLeft { old: Some(id), .. } => self.name(id.as_str()),
                ClientsError::Undone {
                    id,
                    deleted,
                    cause: next,
                } => {
                    if *deleted {
                        self.is_gone(id);
                    } else {
                        self.name(id.as_str());
                    }
                    cause = next;
                    continue;
                }
                _ => {}
            }
            return false;
        }
    }

    fn left(&self, error: &MintError) {
        if let Some(kind) = error.left_open {
            self.known().open[usize::from(kind == Kind::AuthKey)] += 1;
        }
        for left in &error.left_behind {
            if !left.is_deleted {
                self.name(left.id.as_str());
            } else if left.kind == Kind::OauthClient {
                self.is_gone(&left.id);
            }
        }
    }
}
