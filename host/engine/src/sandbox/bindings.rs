//! The contract's exports as Rust functions. Its imports are not generated:
//! `wasmtime-wasi-http` has them.

wasmtime::component::bindgen!({
    path: "wit",
    inline: "
        package tailmint:host;

        world calls {
            export tailmint:api/types@0.2.0;
            export tailmint:api/auth-keys@0.2.0;
            export tailmint:api/oauth-clients@0.2.0;
            export tailmint:api/federated-identities@0.2.0;
        }
    ",
    exports: { default: async },
});

pub(crate) use self::exports::tailmint::api::types;
