//! What the system's table of users says about who runs this.

use nix::unistd::{Uid, User};
use rustix::process::{geteuid, getuid};
use tailmint_core::{Environment, Invoker};

/// The variables of this process, with the home directory of the user where `$HOME` does
/// not say it, and with who had this run as another user: by `sudo` (`$SUDO_UID`) or by
/// `doas` (`$DOAS_USER`).
pub fn environment_of_process() -> Environment {
    let mut environment = Environment::from_process();
    if let Some(invoker) = invoker(&environment) {
        environment = environment.with_invoker(invoker);
    }
    // The table may be on another machine: it is asked only where nothing else says it.
    if environment.home_variable().is_none()
        && let Ok(Some(user)) = User::from_uid(Uid::effective())
        && user.dir.is_absolute()
    {
        environment = environment.with_home(user.dir);
    }
    environment
}

/// The invoker whose files root may read in place of its own: root can read everything.
/// Nobody else reads files on behalf of another.
pub(crate) fn invoker_of_root(environment: &Environment) -> Option<&Invoker> {
    environment.invoker().filter(|_| geteuid().is_root())
}

fn invoker(environment: &Environment) -> Option<Invoker> {
    let user = geteuid();
    // A program with the bit for another user does not believe its environment.
    if getuid() != user {
        return None;
    }
    let uid = environment.get("SUDO_UID").and_then(|uid| uid.to_str());
    let name = environment.get("DOAS_USER").and_then(|name| name.to_str());
    let found = match (uid, name) {
        (Some(uid), _) => User::from_uid(Uid::from_raw(uid.parse().ok()?)),
        (None, Some(name)) => User::from_name(name),
        (None, None) => return None,
    };
    let found = found.ok().flatten()?;
    let invoker = Invoker {
        uid: found.uid.as_raw(),
        gid: found.gid.as_raw(),
        name: found.name,
        home: found.dir,
    };
    (invoker.uid != user.as_raw() && invoker.home.is_absolute()).then_some(invoker)
}
