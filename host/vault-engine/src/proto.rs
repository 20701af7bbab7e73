//! The messages and services of Vault's protocol, generated from `proto/`: a test sees to it
//! that they are current.

#![allow(
    clippy::all,
    clippy::pedantic,
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]

/// What Vault serves to the engine.
pub(crate) mod called {
    include!("../generated/called/pb.rs");
}

/// What the engine serves to Vault.
pub(crate) mod served {
    include!("../generated/served/pb.rs");
}

/// What go-plugin asks for.
pub(crate) mod plugin {
    include!("../generated/served/plugin.rs");
}

/// The plugin's version.
pub(crate) mod logical {
    include!("../generated/served/logical.rs");
}

/// Whether one process serves several mounts.
pub(crate) mod multiplexing {
    include!("../generated/served/pluginutil.multiplexing.rs");
}

/// gRPC's own health check.
pub(crate) mod health {
    include!("../generated/served/grpc.health.v1.rs");
}
