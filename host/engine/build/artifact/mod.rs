//! Builds what others can use, the component and its contract, from the sources. The
//! suite includes this module too, to see that another directory gives the same bytes.

pub(crate) mod compose;
mod contract;
pub(crate) mod guest;
mod metadata;

use std::{fs, path::Path};

/// The bytes that are handed out.
pub(crate) struct Artifact {
    /// The gate in front of the minter, as one component.
    pub(crate) component: Vec<u8>,
    /// The package `tailmint:api`, encoded as tools and registries take it.
    pub(crate) wit: Vec<u8>,
}

impl Artifact {
    /// Builds the guests of the workspace in a target directory of their own, and
    /// composes them.
    pub(crate) fn build(workspace: &Path, target_dir: &Path) -> Result<Self, String> {
        let [gate, minter] =
            guest::build(["tailmint-gate", "tailmint-minter"], workspace, target_dir)?;
        let composition =
            compose::in_front(&compose::component(&gate)?, &compose::component(&minter)?)?;
        Ok(Self {
            component: metadata::add(
                &composition,
                "tailmint",
                "Mints, reads and revokes Tailscale auth keys; sends requests to api.tailscale.com and nowhere else",
            )?,
            wit: metadata::add(
                &contract::encode(&workspace.join("wit"))?,
                "tailmint:api",
                "The contract of tailmint's component: auth keys, credentials and typed errors",
            )?,
        })
    }

    /// What a crate carries that was packed: `release/crates/build` put it there.
    #[allow(dead_code, reason = "the suite builds from the sources alone")]
    pub(crate) fn carried(directory: &Path) -> Result<Self, String> {
        let read = |name: &str| {
            let path = directory.join(name);
            fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        Ok(Self {
            component: read("component.wasm")?,
            wit: read("api.wit.wasm")?,
        })
    }

    /// What the component asks for.
    pub(crate) fn imports(&self) -> Result<Vec<String>, String> {
        let decoded = wit_component::decode(&self.component)
            .map_err(|error| format!("the component cannot be read: {error:#}"))?;
        let wit_component::DecodedWasm::Component(resolve, world) = decoded else {
            return Err("the component is a WIT package".to_owned());
        };
        let keys = resolve.worlds[world].imports.keys();
        Ok(keys.map(|key| resolve.name_world_key(key)).collect())
    }
}
