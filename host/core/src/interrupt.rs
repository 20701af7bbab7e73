use tokio::sync::watch;

/// Asks a call to stop and to undo what it did.
///
/// Clones of it are the same interrupt. A request that may have created a key is not
/// abandoned: its response is awaited, and the key is revoked.
#[derive(Clone, Debug)]
pub struct Interrupt(watch::Sender<bool>);

impl Default for Interrupt {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Interrupt {
    /// Asks to stop. There is no way back.
    pub fn raise(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is raised.
    pub async fn raised(&self) {
        // Only fails when all senders are gone, and this is one.
        self.0.subscribe().wait_for(|raised| *raised).await.ok();
    }
}
