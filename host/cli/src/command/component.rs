use std::{path::Path, process::ExitCode};

use serde_json::json;
use tailmint::Class;
use tailmint::component::{EmbeddedComponent, Inspected};
use tailmint_operator::{component_file, environment_of_process, policy_file};

use crate::{
    arguments::{Component, ComponentCommand, Global},
    checksums::Checksums,
    failure::Failure,
    new_files::NewFiles,
    print,
};

pub(crate) fn component(global: &Global, component: &Component) -> Result<ExitCode, Failure> {
    match &component.command {
        ComponentCommand::Inspect { file } => inspect(global, file.as_deref()),
        ComponentCommand::Export {
            file,
            wit,
            checksum,
        } => export(file, wit.as_deref(), checksum.as_deref()),
    }
}

/// Says what it is. The exit status is that of a policy error where the policy
/// does not let it run.
fn inspect(global: &Global, file: Option<&Path>) -> Result<ExitCode, Failure> {
    let found = match file {
        None => Inspected::parse(EmbeddedComponent::bytes()),
        Some(path) => {
            let bytes = component_file::read(path).map_err(|error| unusable(path, &error))?;
            Inspected::parse(&bytes)
        }
    };
    let shown = file.unwrap_or(Path::new("the built-in component"));
    let found = found.map_err(|error| unusable(shown, &error))?;
    let policy = policy_file::load(global.policy.as_deref(), &environment_of_process())?;
    let denial = found.check(&policy).err();
    if global.json {
        print::written(
            &json!({
                "sha256": found.digest,
                "bytes": found.bytes,
                "imports": found.imports,
                "exports": found.exports,
                "built-in": found.is_built_in(),
                "denied": denial.as_ref().map(ToString::to_string),
            })
            .to_string(),
        )?;
    } else {
        print::written(&format!("sha256 {}", found.digest))?;
        print::written(&format!("{} bytes", found.bytes))?;
        for import in &found.imports {
            print::written(&format!(
                "imports {import}: {}",
                Inspected::describe_import(import)
            ))?;
        }
        for export in &found.exports {
            print::written(&format!("exports {export}"))?;
        }
        print::written(&match &denial {
            None => "the policy lets it run".to_owned(),
            Some(denial) => format!("the policy does not let it run: {denial}"),
        })?;
    }
    Ok(match denial {
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::from(Class::Policy.exit_status()),
    })
}

fn export(path: &Path, wit: Option<&Path>, checksum: Option<&Path>) -> Result<ExitCode, Failure> {
    let mut parts = vec![(path, EmbeddedComponent::bytes())];
    parts.extend(wit.map(|path| (path, EmbeddedComponent::wit())));
    let mut files = NewFiles::default();
    let mut write = |path: &Path, content: &[u8]| {
        let written = files.write(path, content);
        written.map_err(|error| unusable(path, &error))
    };
    for (path, content) in &parts {
        write(path, content)?;
    }
    if let Some(file) = checksum {
        let mut checksums = Checksums::new(file);
        for (path, content) in &parts {
            let added = checksums.add(path, content);
            added.map_err(|error| unusable(file, &error))?;
        }
        write(file, checksums.text().as_bytes())?;
    }
    files
        .keep()
        .map_err(|(path, error)| unusable(&path, &error))?;
    let digest = EmbeddedComponent::digest();
    print::written(&format!("{}: sha256 {digest}", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn unusable(path: &Path, error: &impl std::fmt::Display) -> Failure {
    Failure::new(
        Class::Usage,
        format!("{}: {error}", path.display()),
        Some("give another file".to_owned()),
    )
}
