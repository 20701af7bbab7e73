//! Linux: Landlock for files, ports and signals, seccomp for system calls. Both hold for the
//! thread that asks and for those that it starts, and cannot be taken back.

use std::{fs, path::Path};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath, PathFd,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
};

use super::{Confined, Confinement, Limit, given_up};

/// The newest version of Landlock's interface that the rules are written for. An older
/// kernel has fewer of them.
const NEWEST: ABI = ABI::V6;

/// Confines this thread as far as the kernel can. Where there is another thread, which stays
/// as it is, no limit is said to hold.
pub(super) fn confine(list: &Confinement) -> Confined {
    let is_alone = is_alone();
    let abi = match restrict(list).map(|status| status.landlock) {
        Ok(LandlockStatus::Available { effective_abi, .. }) if is_alone => effective_abi,
        Ok(_) | Err(_) => ABI::Unsupported,
    };
    let filtered = given_up::give_up(list.has_local_sockets());
    Confined::default()
        .with(Limit::Files, abi >= ABI::V1)
        .with(Limit::Ports, abi >= ABI::V4)
        .with(Limit::Signals, abi >= ABI::V6)
        .with(Limit::Calls, is_alone && filtered.is_ok())
}

/// Whether this is the only thread. Where the system does not say so, which takes `/proc`, it
/// is believed: commands begin no other.
fn is_alone() -> bool {
    fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1)
        || fs::metadata("/proc/self/task").is_err()
}

fn restrict(list: &Confinement) -> Result<RestrictionStatus, RulesetError> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    for path in list.read() {
        rules = allow(rules, path, AccessFs::ReadFile | AccessFs::ReadDir)?;
    }
    for path in list.written() {
        rules = allow(rules, path, written())?;
    }
    for port in list.ports() {
        rules = rules.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    rules.restrict_self()
}

/// What may be done in a directory that is written to. Nothing in it is run, and no device
/// is created.
fn written() -> BitFlags<AccessFs> {
    AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::MakeSym
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
}

/// Allows it of the path, where there is something.
fn allow<R: RulesetCreatedAttr>(
    rules: R,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<R, RulesetError> {
    let Ok(opened) = PathFd::new(path) else {
        return Ok(rules);
    };
    // A file has nothing in it that could be listed.
    let access = if path.is_dir() {
        access
    } else {
        access & AccessFs::from_file(NEWEST)
    };
    rules.add_rule(PathBeneath::new(opened, access))
}
