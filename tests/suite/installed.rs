use std::io::Write;

/// Whether the test can be run with a program that not every machine has. In CI it has to
/// be there; elsewhere a line says what was skipped.
pub(crate) fn is_installed(found: bool, program: &str, what: &str) -> bool {
    assert!(
        found || std::env::var_os("CI").is_none(),
        "{program} is not installed, and CI is to test {what}"
    );
    if !found {
        say(&format!(
            "skipped: {what} needs {program}, which is not installed"
        ));
    }
    found
}

/// Past the test runner, which shows what a test prints only if it fails.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}
