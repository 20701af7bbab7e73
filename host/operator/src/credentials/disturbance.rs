//! What a test does at each call to the system, and at each fail point, of this thread.

use std::{cell::RefCell, io, path::Path, rc::Rc};

use super::system::Call;

/// Where this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    /// The call was carried out. It may be said to have failed even so.
    After,
}

/// Says whether the call is to fail.
pub(crate) type Disturbance = Rc<dyn Fn(Call, &Path, Side) -> io::Result<()>>;

thread_local! {
    static CURRENT: RefCell<Option<Disturbance>> = const { RefCell::new(None) };
}

/// Puts it back where it was, whatever happens meanwhile.
pub(crate) struct Restored(Option<Disturbance>);

impl Drop for Restored {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Has this done at each call from here on, until what is returned is dropped.
#[must_use]
pub(crate) fn set(disturbance: Option<Disturbance>) -> Restored {
    Restored(CURRENT.replace(disturbance))
}

pub(super) fn disturb(call: Call, path: &Path, side: Side) -> io::Result<()> {
    let Some(disturbance) = CURRENT.with_borrow(Option::clone) else {
        return Ok(());
    };
    // What it does itself is not disturbed.
    let _restored = set(None);
    disturbance(call, path, side)
}
