//! The contract in Rust, as `wit-bindgen` writes it. Its types are those of the whole
//! crate, on every target. On others than wasm its calls of the host are stubs that
//! panic, and nothing calls them there.
//!
//! The `Debug` that comes with the types prints secrets: nothing here formats a
//! [`Credential`](exports::tailmint::api::types::Credential) or what was created.

#![expect(clippy::pedantic, reason = "generated")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "minter",
    generate_all,
});
