use tailmint_core::Invoker;

/// Where half of a profile's OAuth client comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The file of this name in the secrets directory.
    File(String),
    /// What this command prints.
    Command(CredentialCommand),
}

/// A command that prints a value. No shell has a part in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialCommand {
    /// The program, by its name in `$PATH` or by its absolute path.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// As whom root runs it: the user whose configuration says so.
    pub user: Option<Invoker>,
}

impl CredentialCommand {
    /// The command with the program first.
    ///
    /// # Errors
    /// There is no program, or it is a path that depends on where one stands.
    pub fn new(words: Vec<String>) -> Result<Self, &'static str> {
        let mut words = words.into_iter();
        let program = words.next().unwrap_or_default();
        let is_relative = program.contains('/') && !program.starts_with('/');
        if program.is_empty() || is_relative {
            return Err("give a program by its name or its absolute path, and its arguments");
        }
        Ok(Self {
            program,
            arguments: words.collect(),
            user: None,
        })
    }
}
