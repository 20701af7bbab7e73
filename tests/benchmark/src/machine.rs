use std::{
    fmt::{self, Display},
    fs,
    num::NonZeroUsize,
    thread,
};

/// What kind of machine the figures are from: the ratios too differ from one to another.
pub(crate) struct Machine {
    cores: Option<usize>,
    cpu: Option<String>,
    kernel: Option<String>,
}

impl Machine {
    /// This one, as far as it says what it is.
    pub(crate) fn this() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
        Self {
            // Those that this process may run on.
            cores: thread::available_parallelism().ok().map(NonZeroUsize::get),
            cpu: model_name(&cpuinfo),
            kernel: kernel.map(|it| it.trim().to_owned()),
        }
    }
}

/// The name of the first CPU. Not every architecture's kernel tells one.
fn model_name(cpuinfo: &str) -> Option<String> {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(member, _)| member.trim() == "model name")
        .map(|(_, name)| name.trim().to_owned())
}

impl Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = || "unknown".to_owned();
        write!(
            f,
            "cores: {}, CPU: {}, kernel: {}",
            self.cores.map_or_else(unknown, |it| it.to_string()),
            self.cpu.clone().unwrap_or_else(unknown),
            self.kernel.clone().unwrap_or_else(unknown),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_model_name_is_the_cpu() {
        let x86 = "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC: 2\n\
                   processor\t: 1\nmodel name\t: another\n";
        assert_eq!(model_name(x86).as_deref(), Some("AMD EPYC: 2"));
    }

    #[test]
    fn what_is_not_told_is_unknown() {
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        let machine = Machine {
            cores: Some(2),
            cpu: model_name(arm),
            kernel: None,
        };
        let expected = "cores: 2, CPU: unknown, kernel: unknown";
        assert_eq!(machine.to_string(), expected);
    }
}
