/// A place at which tests end the process as `kill -9` does, by the name that they
/// give in `$FAILPOINTS`. Nothing at all unless the program is built for that.
pub(crate) fn fail_point(name: &str) {
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
    #[cfg(feature = "failpoints")]
    fail::fail_point!(name, |_| {
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::KILL).ok();
    });
}
