//! `tailmint exec`.

use insta::assert_snapshot;

use crate::world::World;

#[test]
fn runs_the_command_with_the_key_and_passes_its_status_on() {
    let world = World::new();
    let ran = world.run(&["exec", "--", "sh", "-c", r#"echo "$TS_AUTHKEY"; exit 7"#]);
    let keys = world.simulator.live_keys();
    assert_eq!((ran.stdout, ran.code), (format!("{}\n", keys[0].key), 7));
}

#[test]
fn the_signal_that_ends_the_command_is_passed_on() {
    let world = World::new();
    let ran = world.run(&["exec", "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(ran.code, 128 + 9);
}

#[test]
fn no_key_is_made_for_a_command_that_is_not_there() {
    let world = World::new();
    let ran = world.run(&["exec", "--", "no-such-command"]);
    assert_snapshot!(ran, @"
    exit status: 127
    --- stderr
    error: there is no command no-such-command
    hint: give a command that is in $PATH, or its path
    ");
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn the_key_of_a_command_that_cannot_be_run_is_revoked() {
    let world = World::new();
    let path = world.write("broken", "#!/no/such/interpreter\n");
    let mut permissions = path.metadata().unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&path, permissions).unwrap();
    let ran = world.run(&["exec", "--", path.to_str().unwrap()]);
    assert_snapshot!(ran, @"
    exit status: 126
    --- stderr
    error: [dir]/broken cannot be run: No such file or directory (os error 2); key [key 1] has been revoked
    ");
    assert_eq!(world.simulator.live_keys().len(), 0);
}
