use wasm_metadata::{
    AddMetadata, AddMetadataField::Set, Description, Homepage, Licenses, Source, Version,
};

/// Writes into the bytes what registries show of them.
pub(crate) fn add(bytes: &[u8], name: &str, description: &'static str) -> Result<Vec<u8>, String> {
    let failed = |error| format!("the metadata of {name} could not be written: {error:#}");
    let repository = env!("CARGO_PKG_REPOSITORY");
    let mut metadata = AddMetadata::default();
    metadata.name = Set(name.to_owned());
    metadata.description = Set(Description::new(description));
    metadata.homepage = Set(Homepage::new(repository).map_err(failed)?);
    metadata.licenses = Set(Licenses::new(env!("CARGO_PKG_LICENSE")).map_err(failed)?);
    metadata.source = Set(Source::new(repository).map_err(failed)?);
    metadata.version = Set(Version::new(env!("CARGO_PKG_VERSION")));
    metadata.to_wasm(bytes).map_err(failed)
}
