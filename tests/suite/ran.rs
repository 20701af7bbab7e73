use std::{fmt, process::Output, sync::LazyLock};

use regex::{Captures, Regex};

use crate::world::World;

/// How a run of the command ended. It displays as snapshots have it: the exit status
/// and what was printed, without what differs from run to run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    shown: String,
}

impl Ran {
    pub(crate) fn new(output: Output, world: &World) -> Self {
        let code = code(output.status);
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let mut shown = format!("exit status: {code}\n");
        for (name, text) in [("stdout", &stdout), ("stderr", &stderr)] {
            if !text.is_empty() {
                shown += &format!("--- {name}\n{text}");
            }
            if !text.is_empty() && !text.ends_with('\n') {
                shown += "[no newline]\n";
            }
        }
        // As glibc says it; musl has words of its own.
        let shown = shown.replace("Symbolic link loop", "Too many levels of symbolic links");
        let shown = limits_of_new_kernel(&shown);
        Self {
            code,
            shown: world.steady(&shown),
            stdout,
            stderr,
        }
    }

    /// Displays one text in place of another, which differs from run to run.
    pub(crate) fn replacing(mut self, varying: &str, steady: &str) -> Self {
        self.shown = self.shown.replace(varying, steady);
        self
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The same as a new kernel would have it said, whatever the kernel here limits: that is for
/// `confined.rs` to look at.
pub(crate) fn limits_of_new_kernel(text: &str) -> String {
    static SAID: LazyLock<[Regex; 2]> = LazyLock::new(|| {
        [
            r"(?m)^(?:\x1b\[[0-9;]*m)*warned(?<end>(?:\x1b\[[0-9;]*m)*) confinement: the kernel limits .*\n .*$",
            r"(?m)^(?<before>.*confine(?:d|ment): the kernel limits ).*$",
        ]
        .map(|pattern| Regex::new(pattern).unwrap())
    });
    let text = SAID[0].replace_all(text, |found: &Captures<'_>| {
        let green = if found["end"].is_empty() {
            ""
        } else {
            "\u{1b}[32m"
        };
        format!(
            "{green}passed{} confinement: the kernel limits .",
            &found["end"]
        )
    });
    let all = "${before}files, TCP ports, signals and system calls";
    SAID[1].replace_all(&text, all).into_owned()
}

fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or(status.signal().map(|signal| 128 + signal))
        .unwrap()
}
