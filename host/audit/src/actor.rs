use serde::Serialize;
use tailmint_api::OutsideText;
use tailmint_core::Environment;

/// Who runs this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Actor {
    /// The user's number, which the system vouches for.
    pub uid: u32,
    /// The user's name, as the environment says.
    pub user: Option<String>,
    /// The process.
    pub pid: u32,
}

impl Actor {
    /// Who runs this process.
    pub fn from_process(environment: &Environment) -> Self {
        let name = environment
            .get("SUDO_USER")
            .or_else(|| environment.get("USER"))
            .or_else(|| environment.get("LOGNAME"));
        Self {
            uid: rustix::process::getuid().as_raw(),
            user: name.map(|name| OutsideText::new(&name.to_string_lossy()).into_string()),
            pid: std::process::id(),
        }
    }
}
