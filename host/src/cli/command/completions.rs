use std::{io::Write, process::ExitCode};

use clap::CommandFactory;

use crate::cli::{arguments::Arguments, failure::Failure};

pub(in crate::cli) fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tailmint", &mut script);
    written(&script)
}

pub(in crate::cli) fn man() -> Result<ExitCode, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command())
        .render(&mut page)
        .map_err(|error| Failure::internal(&format!("the page cannot be made: {error}")))?;
    written(&page)
}

fn written(text: &[u8]) -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::internal(&format!(
            "standard output cannot be written to: {error}"
        ))),
    }
}
