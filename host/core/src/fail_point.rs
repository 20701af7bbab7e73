/// A point at which tests end the process as `kill -9` does, or hold it with
/// `return(hold)` until they let it go on, by the name that they give in
/// `$FAILPOINTS`. Nothing at all unless the program is built for that.
pub fn fail_point(name: &str) {
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
    #[cfg(feature = "failpoints")]
    fail::fail_point!(name, |how: Option<String>| {
        use rustix::process::{Signal, getpid, kill_process};
        let signal = match how.as_deref() {
            Some("hold") => Signal::STOP,
            _ => Signal::KILL,
        };
        kill_process(getpid(), signal).ok();
    });
}
