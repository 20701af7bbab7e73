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

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    #[test]
    fn clones_are_the_same_interrupt_and_it_is_waited_for() {
        let interrupt = Interrupt::default();
        let other = interrupt.clone();
        assert!(!other.is_raised());
        let mut raised = pin!(other.raised());
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(raised.as_mut().poll(&mut context), Poll::Pending);
        interrupt.raise();
        assert!(other.is_raised());
        assert_eq!(raised.as_mut().poll(&mut context), Poll::Ready(()));
        let late = pin!(other.raised());
        assert_eq!(late.poll(&mut context), Poll::Ready(()));
    }
}
