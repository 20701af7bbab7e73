//! Systems that let programs do less.

use crate::world::World;

/// As `MemoryDenyWriteExecute=yes` does on newer kernels: `PR_SET_MDWE` with
/// `PR_MDWE_REFUSE_EXEC_GAIN` (prctl(2)), which what is started inherits.
const REFUSE_EXEC_GAIN: &str = r#"
    my $prctl = (POSIX::uname())[4] eq "x86_64" ? 157 : 167;
    syscall($prctl, 65, 1, 0, 0, 0) == 0 or exit 77;
    exec @ARGV;
"#;

#[test]
fn a_key_is_minted_where_no_memory_may_become_executable() {
    let world = World::new();
    let ran = world
        .tailmint(&["mint"])
        .started_by("perl", &["-MPOSIX", "-e", REFUSE_EXEC_GAIN])
        .run();
    if ran.code == 77 {
        println!("skipped: this kernel has no PR_SET_MDWE (Linux 6.3)");
        return;
    }
    assert_eq!(ran.code, 0, "{ran}");
    let [key] = &world.simulator.keys()[..] else {
        panic!("{ran}");
    };
    assert_eq!(ran.stdout.trim_end(), key.key);
}
