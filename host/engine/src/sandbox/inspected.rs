use tailmint_core::{Denial, digest::sha256};
use tailmint_policy::{ComponentFacts, Policy};
use wasmparser::{Parser, Payload};

use super::EmbeddedComponent;

/// What can be read off a component without running it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspected {
    /// The SHA-256 of its bytes in hexadecimal digits.
    pub digest: String,
    /// Its size.
    pub bytes: usize,
    /// What it asks of its runtime: all that it can ever name.
    pub imports: Vec<String>,
    /// What it offers.
    pub exports: Vec<String>,
}

/// Why something is not a component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InspectError(String);

impl Inspected {
    /// Reads a component.
    ///
    /// # Errors
    /// The bytes are not a component.
    pub fn parse(bytes: &[u8]) -> Result<Self, InspectError> {
        let mut found = Self {
            digest: sha256(bytes),
            bytes: bytes.len(),
            imports: Vec::new(),
            exports: Vec::new(),
        };
        if !Parser::is_component(bytes) {
            return Err(InspectError("it is not a component".to_owned()));
        }
        // Only the outermost component asks the host.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(|error| broken(&error))? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let import = import.map_err(|error| broken(&error))?;
                        found.imports.push(import.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let export = export.map_err(|error| broken(&error))?;
                        found.exports.push(export.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        found.imports.sort();
        found.exports.sort();
        Ok(found)
    }

    /// Whether it is the one that is built in.
    pub fn is_built_in(&self) -> bool {
        self.digest == EmbeddedComponent::digest()
    }

    /// Whether the policy lets it run.
    ///
    /// # Errors
    /// Why it may not run.
    pub fn check(&self, policy: &Policy) -> Result<(), Denial> {
        let imports = self.imports.iter().map(String::as_str).collect();
        policy.check_component(&ComponentFacts::new(
            &self.digest,
            self.is_built_in(),
            imports,
        ))
    }

    /// What an import lets a component do.
    pub fn describe_import(import: &str) -> &'static str {
        let name = import.split('@').next().unwrap_or(import);
        match name {
            "wasi:http/outgoing-handler" => "send HTTP requests, each as far as the policy lets it",
            "wasi:http/types" => "put requests together and read responses",
            "wasi:io/error" => "say why a stream broke",
            "wasi:io/poll" => "wait for responses",
            "wasi:io/streams" => "write and read bodies",
            _ if name.starts_with("wasi:cli/") => {
                "read arguments and the environment, write to the terminal"
            }
            _ if name.starts_with("wasi:clocks/") => "tell the time",
            _ if name.starts_with("wasi:filesystem/") => "read and write files",
            _ if name.starts_with("wasi:random/") => "get random numbers",
            _ if name.starts_with("wasi:sockets/") => "open connections of its own",
            _ => "something that is not known here",
        }
    }
}

fn broken(error: &wasmparser::BinaryReaderError) -> InspectError {
    InspectError(format!("it is broken: {error}"))
}
