use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use tailmint::Interrupt;
use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failure;

/// The signals that end a command: the first one asks it to undo what it did,
/// the second one ends it as it is.
#[derive(Clone)]
pub(super) struct Signals(Arc<AtomicU8>);

const ENDING: [SignalKind; 3] = [
    SignalKind::hangup(),
    SignalKind::interrupt(),
    SignalKind::terminate(),
];

impl Signals {
    /// Raises the interrupt when one comes.
    pub(super) fn raise(interrupt: &Interrupt) -> Result<Self, Failure> {
        let first = Arc::new(AtomicU8::new(0));
        for kind in ENDING {
            let mut coming = signal(kind).map_err(|error| {
                Failure::internal(&format!("signals cannot be listened to: {error}"))
            })?;
            let code = 128 + u8::try_from(kind.as_raw_value()).unwrap_or(0);
            let first = Arc::clone(&first);
            let interrupt = interrupt.clone();
            tokio::spawn(async move {
                while coming.recv().await.is_some() {
                    if first.swap(code, Ordering::Relaxed) != 0 {
                        std::process::exit(code.into());
                    }
                    interrupt.raise();
                }
            });
        }
        Ok(Self(first))
    }

    /// The exit status for the signal that came, if one did.
    pub(super) fn exit_code(&self) -> Option<u8> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            code => Some(code),
        }
    }
}
