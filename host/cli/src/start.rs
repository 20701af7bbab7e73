//! What this process was started with, looked at before the standard library changes it: it
//! opens `/dev/null` in place of a standard stream that is closed, and ignores SIGPIPE.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use libc::{SIG_IGN, c_int};

/// The signals that were ignored, and those that were blocked: bit `n - 1` is signal `n`.
static IGNORED: AtomicU64 = AtomicU64::new(0);
static BLOCKED: AtomicU64 = AtomicU64::new(0);

static HAS_OUTPUT: AtomicBool = AtomicBool::new(false);

/// The highest signal: there are 64 on Linux, 31 on macOS. FreeBSD has more, which nobody
/// sends to a program that does not ask for them.
pub(super) const LAST_SIGNAL: c_int = if cfg!(target_vendor = "apple") {
    31
} else {
    64
};

/// The loader calls what is in this section before `main`, in which the standard library
/// begins.
#[used]
#[expect(
    unsafe_code,
    reason = "nothing safe runs before the standard library; this calls the system, and \
              neither allocates nor panics"
)]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[cfg_attr(
    target_vendor = "apple",
    unsafe(link_section = "__DATA,__mod_init_func")
)]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    HAS_OUTPUT.store(is_open(libc::STDOUT_FILENO), Ordering::Relaxed);
    let (mut ignored, mut blocked) = (0, 0);
    let mask = mask();
    for signal in 1..=LAST_SIGNAL {
        let bit = 1 << (signal - 1);
        if disposition(signal) == Some(SIG_IGN) {
            ignored |= bit;
        }
        if is_member(&mask, signal) {
            blocked |= bit;
        }
    }
    IGNORED.store(ignored, Ordering::Relaxed);
    BLOCKED.store(blocked, Ordering::Relaxed);
}

/// Whether standard output was open.
pub(super) fn has_output() -> bool {
    HAS_OUTPUT.load(Ordering::Relaxed)
}

/// Whether the signal was ignored.
pub(super) fn ignored(signal: c_int) -> bool {
    IGNORED.load(Ordering::Relaxed) & (1 << (signal - 1)) != 0
}

/// Whether the signal was blocked.
pub(super) fn blocked(signal: c_int) -> bool {
    BLOCKED.load(Ordering::Relaxed) & (1 << (signal - 1)) != 0
}

/// What happens when the signal comes; `None` for one that the C library keeps for itself.
#[expect(
    unsafe_code,
    reason = "the C library is asked, and writes to a place for it"
)]
pub(super) fn disposition(signal: c_int) -> Option<libc::sighandler_t> {
    // SAFETY: all zeroes are a value of it, and nothing is set.
    unsafe {
        let mut found: libc::sigaction = std::mem::zeroed();
        (libc::sigaction(signal, std::ptr::null(), &raw mut found) == 0)
            .then_some(found.sa_sigaction)
    }
}

#[expect(
    unsafe_code,
    reason = "the system is asked for a number, which may be none"
)]
fn is_open(descriptor: c_int) -> bool {
    // SAFETY: nothing is written to, and any number may be asked for.
    unsafe { libc::fcntl(descriptor, libc::F_GETFD) != -1 }
}

#[expect(
    unsafe_code,
    reason = "the C library is asked, and writes to a place for it"
)]
fn mask() -> libc::sigset_t {
    // SAFETY: all zeroes are a value of it, and nothing is set.
    unsafe {
        let mut mask: libc::sigset_t = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut mask);
        mask
    }
}

#[expect(unsafe_code, reason = "the C library reads a set that is whole")]
fn is_member(mask: &libc::sigset_t, signal: c_int) -> bool {
    // SAFETY: it is a reference.
    unsafe { libc::sigismember(mask, signal) == 1 }
}
