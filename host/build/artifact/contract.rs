use std::path::Path;

use wit_parser::Resolve;

/// The WIT package in the folder, with what it names of others, as one file.
pub(crate) fn encode(folder: &Path) -> Result<Vec<u8>, String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_dir(folder)
        .map_err(|error| format!("{}: {error:#}", folder.display()))?;
    wit_component::encode(&resolve, package, false)
        .map_err(|error| format!("{} could not be encoded: {error:#}", folder.display()))
}
