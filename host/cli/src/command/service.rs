use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::{Map, Value, json};
use tailmint::Class;
use tailmint_operator::environment_of_process;
use tailmint_operator::service::{LastEnd, Service, ServiceError, Systemd, UnitStatus};

use crate::{
    arguments::{self, Global, Root, ServiceCommand, ServiceInstall},
    failure::Failure,
    print,
};

pub(crate) fn service(global: &Global, service: &arguments::Service) -> Result<ExitCode, Failure> {
    match &service.command {
        ServiceCommand::Install(install) => self::install(global, install),
        ServiceCommand::Status => status(global),
        ServiceCommand::Remove { root, dry_run } => remove(global, root, *dry_run),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// A command of systemd, word by word.
type Words = Vec<OsString>;

fn words(all: &[&str]) -> Words {
    all.iter().map(OsString::from).collect()
}

fn shown(words: &Words) -> String {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Where the files are, and the systemd that is to know of them: none where they are
/// another machine's.
fn place(root: &Root) -> Result<(Service, Option<Systemd>), Failure> {
    if let Some(root) = &root.root {
        return Ok((Service::new(root), None));
    }
    let systemd = Systemd::find(&environment_of_process())?;
    systemd.runs_this_machine()?;
    Ok((Service::new(Path::new("/")), Some(systemd)))
}

/// The systemctl of this machine, for an image.
fn find_for_image(enable: &Words) -> Result<Systemd, Failure> {
    Systemd::find(&environment_of_process()).map_err(|_| {
        Failure::new(
            Class::Usage,
            "--enable takes systemctl, and there is none in $PATH".to_owned(),
            Some(format!(
                "leave --enable out, and where there is one, run: {}",
                shown(enable)
            )),
        )
    })
}

fn install(global: &Global, install: &ServiceInstall) -> Result<(), Failure> {
    let program = match (&install.program, &install.root.root) {
        (Some(program), _) => program.clone(),
        (None, Some(_)) => PathBuf::from("/usr/local/bin/tailmint"),
        (None, None) => std::env::current_exe().map_err(|error| {
            Failure::new(
                Class::Usage,
                format!("where this program is cannot be found out: {error}"),
                Some("name it with --program".to_owned()),
            )
        })?,
    };
    let (service, systemd) = place(&install.root)?;
    let installation = service.installation(&program, install.profile.as_deref())?;
    let mut commands = Vec::new();
    if let Some(root) = &install.root.root {
        if install.enable {
            let mut enable = words(&["systemctl"]);
            enable.push(
                [OsString::from("--root="), root.into()]
                    .into_iter()
                    .collect(),
            );
            enable.extend(words(&["enable", Service::UNIT]));
            commands.push(enable);
        }
    } else {
        commands.push(words(&["systemctl", "daemon-reload"]));
        let mut create = words(&["systemd-tmpfiles", "--create"]);
        create.push(service.tmpfiles()?.into());
        commands.push(create);
        if install.enable {
            commands.push(words(&["systemctl", "enable", "--now", Service::UNIT]));
        }
    }
    // Before anything is written.
    let systemd = match (systemd, commands.first()) {
        (None, Some(enable)) => Some(find_for_image(enable)?),
        (systemd, _) => systemd,
    };
    let mut told = Told::new(global, install.dry_run);
    for path in &installation.unchanged {
        told.file("unchanged", "is there already", path)?;
    }
    if !install.dry_run {
        installation.write()?;
    }
    for path in installation.files() {
        let verb = told.verb("is written", "would be written");
        told.file("written", verb, path)?;
    }
    told.run(&commands, systemd.as_ref(), "the files are written")?;
    if let Some(name) = &installation.variable {
        told.add("variables", name.clone());
        told.say(&format!(
            "the profile reads its token from ${name}, which the unit does not set: systemctl edit {}, with LoadCredential=token:PATH and Environment={name}=file:%d/token",
            Service::UNIT
        ))?;
    }
    let next = (!install.enable && install.root.root.is_none() && !install.dry_run)
        .then_some("to join now and at each boot: systemctl enable --now tailmint-up.service");
    told.end(next)
}

fn remove(global: &Global, root: &Root, dry_run: bool) -> Result<(), Failure> {
    let (service, systemd) = place(root)?;
    let files = service.removal()?;
    let mut told = Told::new(global, dry_run);
    let units: Vec<_> = Service::units_of(&files).collect();
    // An earlier run may have stopped half-way.
    if systemd.is_some() && !units.is_empty() {
        let mut stop = words(&["systemctl", "disable", "--now"]);
        stop.extend(words(&units));
        told.run(&[stop], systemd.as_ref(), "nothing is removed")?;
    }
    for path in &files {
        if !dry_run {
            std::fs::remove_file(path).map_err(|error| ServiceError::file(path, &error))?;
        }
        let verb = told.verb("is removed", "would be removed");
        told.file("removed", verb, path)?;
    }
    if systemd.is_some() {
        let reload = words(&["systemctl", "daemon-reload"]);
        told.run(&[reload], systemd.as_ref(), "the files are removed")?;
    }
    if let Some(path) = service.in_effect_without()?.filter(|_| !dry_run) {
        let path = path.display();
        // Both had one name: what stopped the one stopped the other.
        let words = match systemd {
            Some(_) => format!(
                "{path} is in effect now, and is not enabled: systemctl enable --now {}",
                Service::UNIT
            ),
            None => format!("{path} is in effect now"),
        };
        told.say(&words)?;
    }
    told.end((!dry_run).then_some(
        "the machine stays joined, and /etc/tailmint, /var/lib/tailmint and /etc/credstore.encrypted are as they were",
    ))
}

/// What was done, in the two ways of saying it.
struct Told {
    is_json: bool,
    dry_run: bool,
    json: Map<String, Value>,
}

impl Told {
    fn new(global: &Global, dry_run: bool) -> Self {
        Self {
            is_json: global.json,
            dry_run,
            json: Map::from_iter([("dry-run".to_owned(), dry_run.into())]),
        }
    }

    fn file(&mut self, list: &str, done: &str, path: &Path) -> Result<(), Failure> {
        let shown = path.display();
        self.add(list, shown.to_string());
        self.say(&format!("{shown} {done}"))
    }

    /// A verb for what is done to a file.
    fn verb(&self, done: &'static str, would: &'static str) -> &'static str {
        if self.dry_run { would } else { done }
    }

    /// Runs the commands, one after the other. Where one fails it is said what was done
    /// before, and which are left to run.
    fn run(
        &mut self,
        commands: &[Words],
        systemd: Option<&Systemd>,
        done: &str,
    ) -> Result<(), Failure> {
        let shown: Vec<_> = commands.iter().map(shown).collect();
        for (index, command) in commands.iter().enumerate() {
            if let Some(systemd) = systemd.filter(|_| !self.dry_run) {
                systemd.run(command).map_err(|error| {
                    let left = shown[index..].join("; ");
                    Failure::from(error).saying(done, format!("mend that, then run: {left}"))
                })?;
            }
            self.add("commands", shown[index].clone());
            let verb = self.verb("ran", "would run");
            self.say(&format!("{verb}: {}", shown[index]))?;
        }
        Ok(())
    }

    fn add(&mut self, list: &str, text: String) {
        let list = self.json.entry(list).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(text.into());
        }
    }

    fn say(&self, words: &str) -> Result<(), Failure> {
        if self.is_json {
            return Ok(());
        }
        print::written(words)
    }

    fn end(self, next: Option<&str>) -> Result<(), Failure> {
        if let Some(next) = next {
            self.say(next)?;
        }
        if self.is_json {
            print::written(&Value::Object(self.json).to_string())?;
        }
        Ok(())
    }
}

fn status(global: &Global) -> Result<(), Failure> {
    let systemd = Systemd::find(&environment_of_process())?;
    systemd.runs_this_machine()?;
    let units = systemd.status()?;
    if global.json {
        let all = units.iter().map(|unit| {
            let properties = unit.properties();
            let properties = properties.map(|(name, value)| (name.to_owned(), value.into()));
            (unit.name().to_owned(), Value::Object(properties.collect()))
        });
        return print::written(&Value::Object(all.collect()).to_string());
    }
    let [up, timer, stopped, daemon] = &units[..] else {
        return Err(Failure::internal("systemctl says nothing of some units"));
    };
    for line in in_words(up, timer, stopped, daemon) {
        print::written(&line)?;
    }
    let in_effect = Path::new(up.get("FragmentPath"));
    if let Some(hidden) = Service::new(Path::new("/")).hidden_by(in_effect) {
        print::written(&format!(
            "it hides the unit of a package, {}; to use that one: tailmint service remove, and then systemctl enable --now {}",
            hidden.display(),
            Service::UNIT
        ))?;
    }
    Ok(())
}

/// How the units are, a line for each thing that a person may want to change.
fn in_words(
    up: &UnitStatus,
    timer: &UnitStatus,
    stopped: &UnitStatus,
    daemon: &UnitStatus,
) -> Vec<String> {
    let name = up.name();
    if !up.is_there() {
        return vec![format!("{name} is not installed: tailmint service install")];
    }
    if up.get("LoadState") == "masked" {
        return vec![format!(
            "{name} is masked, so that nothing starts it: systemctl unmask {name}"
        )];
    }
    let mut lines = vec![format!("{name} is installed: {}", up.get("FragmentPath"))];
    lines.push(match up.get("UnitFileState") {
        "enabled" => "this machine joins when it boots".to_owned(),
        _ => format!("this machine does not join when it boots: systemctl enable --now {name}"),
    });
    lines.push(last_run(up));
    if stopped.is_active() {
        lines.push(format!(
            "it waits for a person: mend what the journal says, then systemctl restart {name}"
        ));
    } else if timer.is_active() {
        lines.push(
            "the timer runs: it looks again and again whether the machine is still joined"
                .to_owned(),
        );
    } else {
        lines.push(
            "the timer does not run: nothing looks whether the machine is still joined".to_owned(),
        );
    }
    if !daemon.is_active() {
        let how = if daemon.is_there() {
            "tailscaled does not run: systemctl start tailscaled.service"
        } else {
            "tailscaled is not installed: https://tailscale.com/download"
        };
        lines.push(how.to_owned());
    }
    lines
}

fn last_run(up: &UnitStatus) -> String {
    let journal = "journalctl --unit=tailmint-up";
    let state = (up.get("ActiveState"), up.get("SubState"));
    if state == ("activating", "start") {
        return "it runs now".to_owned();
    }
    let again = match state {
        ("activating", _) => "; it tries again within a minute",
        _ => "",
    };
    let at = up.get("ExecMainExitTimestamp");
    let at = if at.is_empty() {
        String::new()
    } else {
        format!(" at {at}")
    };
    let (how, means) = match up.last_end() {
        None => return "it has not run since the machine booted".to_owned(),
        Some(LastEnd::Succeeded) => return format!("it succeeded{at}"),
        Some(LastEnd::Exited(status)) => (format!("with exit status {status}"), meaning(status)),
        Some(LastEnd::Signal(signal)) => (format!("by signal {signal}"), ""),
        Some(LastEnd::TimedOut) => (
            "because it took too long".to_owned(),
            "See whether the API and tailscaled respond: tailmint check.",
        ),
        Some(LastEnd::Other(word)) => (format!("with what systemd calls {word}"), ""),
        Some(_) => ("in a way that is not known here".to_owned(), ""),
    };
    format!("it failed{at} {how}{again}. {means} See: {journal}").replace("  ", " ")
}

/// What an exit status of the unit says.
fn meaning(status: u8) -> &'static str {
    match status {
        // systemd's own (systemd.exec(5)), for what it did before it ran the program.
        203 => "systemd could not run the program: tailmint service install.",
        243 => {
            "Its encrypted credentials are not for this machine, or are damaged: tailmint clients create --systemd --replace, or tailmint clients encrypt --replace."
        }
        200.. => "That is a status of systemd's own: man systemd.exec.",
        status => {
            let class = Class::ALL.iter().find(|it| it.exit_status() == status);
            class.map_or("", |class| class.description())
        }
    }
}
