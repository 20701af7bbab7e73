use std::{path::Path, process::ExitCode};

use clap::{Command, CommandFactory};
use tailmint::Class;

use crate::{
    arguments::{Arguments, Man},
    failure::Failure,
    print,
};

/// Prints the manual page of a command, or writes those of all commands to a directory.
pub(crate) fn man(man: &Man) -> Result<ExitCode, Failure> {
    let mut root = Arguments::command();
    if man.directory.is_some() {
        // There is a page of each command anyway: none is needed of how to get help with it.
        root = root
            .disable_help_subcommand(true)
            .mut_subcommands(|command| command.disable_help_subcommand(true));
    }
    // Adds what clap generates by itself, such as the names of the pages.
    root.build();
    if let Some(directory) = &man.directory {
        write_all(root, directory)?;
    } else {
        let command = find(&root, &man.command)?;
        let title = command.get_display_name().unwrap_or("tailmint").to_owned();
        let mut page = Vec::new();
        clap_mangen::Man::new(command.clone())
            .title(title)
            .render(&mut page)
            .map_err(|error| Failure::internal(&format!("the page cannot be made: {error}")))?;
        print::bytes(&page)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_all(root: Command, directory: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            Class::Usage,
            format!("{}: {error}", directory.display()),
            Some("name a directory that you may write to".to_owned()),
        )
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(root, directory).map_err(failed)
}

/// The command of this name: `clients create`.
fn find<'a>(root: &'a Command, names: &[String]) -> Result<&'a Command, Failure> {
    let mut found = root;
    for name in names {
        found = found.find_subcommand(name).ok_or_else(|| {
            Failure::new(
                Class::Usage,
                format!("there is no command {}", names.join(" ")),
                Some("see: tailmint --help".to_owned()),
            )
        })?;
    }
    Ok(found)
}
