//! Systems that let programs do less.

use insta::assert_snapshot;

use crate::world::World;

/// As `MemoryDenyWriteExecute=yes` does on newer kernels: `PR_SET_MDWE` with
/// `PR_MDWE_REFUSE_EXEC_GAIN` (prctl(2)), which what is started inherits.
const REFUSE_EXEC_GAIN: &str = r#"
    my $prctl = (POSIX::uname())[4] eq "x86_64" ? 157 : 167;
    syscall($prctl, 65, 1, 0, 0, 0) == 0 or exit 77;
    exec @ARGV;
"#;

#[test]
fn a_system_that_lets_no_memory_become_executable_is_named() {
    let world = World::new();
    let ran = world
        .tailmint(&["mint"])
        .started_by("perl", &["-MPOSIX", "-e", REFUSE_EXEC_GAIN])
        .run();
    if ran.code == 77 {
        println!("skipped: this kernel has no PR_SET_MDWE (Linux 6.3)");
        return;
    }
    assert_snapshot!(ran, @"
    exit status: 1
    --- stderr
    error: the sandbox could not be set up: the system does not let this program make its code executable (Permission denied (os error 13))
    hint: allow it: MemoryDenyWriteExecute=no in the unit of systemd; with SELinux, the permission execmem
    ");
    assert_eq!(world.simulator.requests().len(), 0);
}
