use std::process::ExitCode;

use clap::CommandFactory;

use crate::{arguments::Arguments, failure::Failure, print};

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tailmint", &mut script);
    print::bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}
