//! Limits of the process, and standard streams that are closed: whatever is missing is told
//! before anything is sent, or nothing is missing.

use std::fs;

use serde_json::json;

use crate::{
    case::Case,
    credential_files::{give_to, set_mode},
    ran::Ran,
    tailnet::is_really_root,
    world::{World, sha256},
};

const USER: u32 = 12345;

/// Does this in the shell that becomes the command.
fn after<'a>(case: Case<'a>, shell: &str) -> Case<'a> {
    case.started_by("sh", &["-c", &format!(r#"{shell}; exec "$@""#), "sh"])
}

/// With this redirection.
fn redirected<'a>(case: Case<'a>, redirection: &str) -> Case<'a> {
    let script = format!(r#"exec "$@" {redirection}"#);
    case.started_by("sh", &["-c", &script, "sh"])
}

/// It did its work, or said in a line why not, and what to do.
fn assert_told(ran: &Ran, what: &str) {
    // Where the loader finds no room for the C library it says so itself.
    let is_loader = ran.stderr.contains("error while loading shared libraries");
    if ran.code == 0 || is_loader {
        return;
    }
    let told = format!("{what}: {ran}");
    assert!(ran.code < 126, "{told}");
    assert!(!ran.stderr.contains("panic"), "{told}");
    // A check says it among its findings.
    let is_finding = ran.stdout.contains("failed ");
    let is_error = ran.stderr.starts_with("error: ") && ran.stderr.contains("hint: ");
    assert!(is_finding || is_error, "{told}");
}

/// What is run under each limit.
fn under(shell: &str) {
    for arguments in [
        &["mint"][..],
        &["check"],
        &["audit", "verify"],
        &["exec", "--", "true"],
    ] {
        let world = World::new();
        let ran = after(world.tailmint(arguments), shell).run();
        let what = format!("{shell}; {arguments:?}");
        assert_told(&ran, &what);
        let keys = world.simulator.keys();
        let creates = ran.code == 0 && ["mint", "exec"].contains(&arguments[0]);
        assert_eq!(keys.len(), usize::from(creates), "{what}: {ran}");
        if arguments == ["mint"] && creates {
            assert_eq!(ran.stdout.trim_end(), keys[0].key, "{what}");
        }
    }
}

#[test]
fn open_files() {
    for count in 3..=22 {
        under(&format!("ulimit -n {count}"));
    }
}

#[test]
fn address_space() {
    for size in [100_000, 200_000, 262_143, 262_144, 400_000] {
        under(&format!("ulimit -v {size}"));
    }
}

#[test]
fn stack() {
    for size in [100, 256, 1023, 1024, 4096] {
        under(&format!("ulimit -s {size}"));
    }
}

/// None of these has to do with what a mint needs.
#[test]
fn other_limits() {
    for limit in [
        "ulimit -l 0",
        "ulimit -m 0",
        "ulimit -c 0",
        "ulimit -t 60",
        "ulimit -d 200000",
    ] {
        let world = World::new();
        let ran = after(world.tailmint(&["mint"]), limit).run();
        assert_eq!(ran.code, 0, "{limit}: {ran}");
    }
}

/// What cannot be written down is not sent.
#[test]
fn size_of_files() {
    let world = World::new();
    let ran = after(world.tailmint(&["mint"]), "ulimit -f 0").run();
    assert_eq!(ran.code, 11, "{ran}");
    assert!(ran.stderr.contains("File too large"), "{ran}");
    assert_eq!(world.simulator.keys().len(), 0);
    let ran = after(world.tailmint(&["check"]), "ulimit -f 0").run();
    assert_told(&ran, "check");
    let ran = after(world.tailmint(&["policy", "show"]), "ulimit -f 0").run();
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn a_file_for_the_output_that_may_not_grow_is_told() {
    let world = World::new();
    let file = fs::File::create(world.path().join("output")).unwrap();
    let case = after(world.tailmint(&["policy", "show"]), "ulimit -f 0");
    let ran = case.stdout(file).run();
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("File too large"), "{ran}");
    assert_told(&ran, "policy show");
}

#[test]
fn processes_of_the_user() {
    if !is_really_root() {
        println!("skipped: it takes root to be another user");
        return;
    }
    let set = "ulimit -u 0 2>/dev/null || ulimit -p 0";
    for arguments in [
        &["mint"][..],
        &["check"],
        &["audit", "verify"],
        &["exec", "--", "true"],
    ] {
        let world = World::new();
        set_mode(world.path(), 0o755);
        give_to(USER, world.path());
        let program = world.path().join("tailmint");
        let case = world.tailmint(arguments).of_user(USER, &program);
        let ran = after(case, set).for_user(USER).run();
        assert_told(&ran, &format!("{arguments:?}"));
    }
}

#[test]
fn standard_streams_that_are_closed() {
    for closed in ["<&-", "2>&-", "<&- 2>&-"] {
        let world = World::new();
        let ran = redirected(world.tailmint(&["mint"]), closed).run();
        assert_eq!(ran.code, 0, "{closed}: {ran}");
        let keys = world.simulator.live_keys();
        assert_eq!(ran.stdout.trim_end(), keys[0].key, "{closed}");
    }
}

/// The key is printed there: without it none is minted.
#[test]
fn standard_output_that_cannot_be_written_to() {
    for output in [">&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-", "1</dev/null"] {
        for arguments in [&["mint"][..], &["mint", "--json"], &["env"]] {
            let world = World::new();
            let ran = redirected(world.tailmint(arguments), output).run();
            assert_eq!(ran.code, 2, "{output}: {ran}");
            let is_heard = !output.contains("2>&-");
            assert_eq!(ran.stderr.contains("standard output is closed"), is_heard);
            assert_eq!(world.simulator.connections(), 0);
        }
    }
}

#[test]
fn what_else_is_printed_to_a_closed_standard_output_is_told() {
    let world = World::new();
    for arguments in [
        &["policy", "show"][..],
        &["keys", "list"],
        &["man"],
        &["check"],
    ] {
        world.run(&["mint"]);
        let ran = redirected(world.tailmint(arguments), ">&-").run();
        assert_eq!(ran.code, 1, "{arguments:?}: {ran}");
        assert_told(&ran, &format!("{arguments:?}"));
    }
}

#[test]
fn whoever_wants_no_output_says_so() {
    for output in [">/dev/null", "1<>/dev/null"] {
        let world = World::new();
        let ran = redirected(world.tailmint(&["mint"]), output).run();
        assert_eq!(ran.code, 0, "{output}: {ran}");
        assert_eq!(world.simulator.live_keys().len(), 1, "{output}");
    }
}

/// An audit log whose entries are whole, and say what no host writes.
#[test]
fn an_audit_log_with_times_that_nobody_lives_to_see() {
    let times = [
        "9999-12-31T23:59:59Z",
        "999999999-01-01T00:00:00Z",
        "-009999-01-02T01:59:59Z",
        "",
    ];
    for time in times {
        for expiry in [
            json!(i64::MAX),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(3600),
            json!(0),
        ] {
            let world = World::new();
            let entry = json!({
                "decision": "allow",
                "event": "decision",
                "expiry_seconds": expiry,
                "rule": "create-auth-key",
                "run": "1",
                "time": time,
            });
            let log = world.write("log", &line(&entry));
            for arguments in [
                &["audit", "verify"][..],
                &["audit", "show"],
                &["keys", "revoke", "--minted"],
            ] {
                let ran = world
                    .tailmint(arguments)
                    .arg("--audit-file")
                    .arg(&log)
                    .run();
                assert!(![101, 134].contains(&ran.code), "{entry}: {ran}");
                assert!(!ran.stderr.contains("panic"), "{entry}: {ran}");
            }
        }
    }
}

/// The first line of an audit log, with the hash that is due to it.
fn line(entry: &serde_json::Value) -> String {
    let mut whole = json!({ "v": 1, "seq": 1, "prev": "0".repeat(64) });
    let members = entry.as_object().unwrap().clone();
    whole.as_object_mut().unwrap().extend(members);
    let text = whole.to_string();
    let hash = sha256(text.as_bytes());
    format!(
        "{},\"hash\":\"{hash}\"}}\n",
        text.strip_suffix('}').unwrap()
    )
}
