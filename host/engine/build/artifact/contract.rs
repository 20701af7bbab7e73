use std::path::Path;

use wit_parser::Resolve;

/// Encodes the WIT package in the directory, with the packages that it names, as one
/// file.
pub(crate) fn encode(folder: &Path) -> Result<Vec<u8>, String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_dir(folder)
        .map_err(|error| format!("{}: {error:#}", folder.display()))?;
    wit_component::encode(&resolve, package)
        .map_err(|error| format!("{} could not be encoded: {error:#}", folder.display()))
}
