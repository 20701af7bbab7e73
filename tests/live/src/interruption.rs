//! Signals that end a run, so that it removes what it created.

use std::{
    io, process,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use tokio::signal::unix::{SignalKind, signal};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// What is set when a signal comes.
///
/// # Errors
/// The signals cannot be waited for.
pub fn flag() -> io::Result<&'static AtomicBool> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut signals = Vec::new();
    {
        let _inside = runtime.enter();
        for kind in [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ] {
            signals.push(signal(kind)?);
        }
    }
    let [mut interrupt, mut terminate, mut hangup]: [_; 3] =
        signals.try_into().unwrap_or_else(|_| process::abort());
    thread::spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                INTERRUPTED.store(true, Ordering::Relaxed);
                eprintln!("Removing what was created. This does not end before it is done.");
            }
        });
    });
    Ok(&INTERRUPTED)
}
