use std::{path::PathBuf, sync::OnceLock};

use crate::go;

/// Vault's own command. `None` where there is no Go, which in CI is an error.
pub(super) fn program() -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let flags = ["build", "-tags=minimal", "-trimpath", "-ldflags=-s -w"];
        let step = [&flags[..], &["github.com/hashicorp/vault"]].concat();
        go::build("vault", "a real Vault", &[&step])
    });
    Some(directory.as_ref()?.join("vault"))
}
