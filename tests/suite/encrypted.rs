//! OAuth clients that are in no file but the encrypted credentials of systemd. A script
//! stands in for `systemd-creds`; `release/systemd/check` has the real one.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use insta::assert_snapshot;
use tailmint_simulator::{Endpoint, Fault, Setup};

use crate::{
    case::Case,
    ran::Ran,
    service::mount,
    tailnet::{in_mount_namespace, is_really_root},
    world::{World, sha256},
};

/// It gives the digest of what it reads in place of what it would encrypt, and writes down
/// how it was called.
const STAND_IN: &str = r#"echo "$*" >> "$here/calls"
env > "$here/environment"
n=$(wc -l < "$here/calls")
. "$here/more"
sha256sum | cut -d ' ' -f 1"#;

struct Store {
    world: World,
}

impl Store {
    /// A tailnet without clients, and a script that does this before it encrypts.
    fn new(more: &str) -> Self {
        let world = World::with(&Setup {
            clients: Vec::new(),
            tags: vec!["tag:tazpod".to_owned(), "tag:k8s-operator".to_owned()],
            ..Setup::default()
        });
        let bin = world.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let here = bin.display();
        world.write("bin/more", more);
        let text = format!("#!/bin/sh\nhere='{here}'\n{STAND_IN}\n");
        let program = world.write("bin/systemd-creds", &text);
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { world }
    }

    fn directory(&self) -> PathBuf {
        self.world.path().join("store")
    }

    fn case(&self, arguments: &[&str]) -> Case<'_> {
        let path = format!("{}:/usr/bin:/bin", self.world.path().join("bin").display());
        let case = self.world.as_owner(&["clients"]).args(arguments);
        let case = case.arg("--credstore").arg(self.directory());
        case.env("PATH", path)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.case(arguments).run()
    }

    fn create(&self) -> Ran {
        self.run(&["create", "--systemd"])
    }

    fn read(&self, name: &str) -> String {
        let text = fs::read_to_string(self.directory().join(name)).unwrap();
        text.trim_end().to_owned()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory()).into_iter().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn calls(&self) -> String {
        let calls = fs::read_to_string(self.world.path().join("bin/calls"));
        calls.unwrap_or_default()
    }

    /// No client lives, and nothing is in the store.
    fn assert_nothing_is_left(&self) {
        assert_eq!(self.world.simulator.clients().len(), 0);
        assert_eq!(self.names(), [""; 0]);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

const ID: &str = "tailscale-oauth-client-id";
const SECRET: &str = "tailscale-oauth-client-secret";

#[test]
fn a_client_is_created_and_is_in_no_other_file() {
    let store = Store::new("");
    assert_snapshot!(store.create(), @"
    exit status: 0
    --- stdout
    bootstrap: created OAuth client [client 1]
    ");
    let [client] = &store.world.simulator.clients()[..] else {
        panic!("not one client");
    };
    assert_eq!(store.read(ID), sha256(client.id.as_bytes()));
    assert_eq!(store.read(SECRET), sha256(client.secret.as_bytes()));
    assert_eq!(store.names(), [ID, SECRET]);
    assert_eq!(mode(&store.directory()), 0o700);
    assert_eq!(mode(&store.directory().join(SECRET)), 0o600);
    assert!(!store.world.secrets().join(SECRET).exists());
    // Neither its arguments nor its variables have a secret in them.
    assert_snapshot!(store.calls(), @"
    encrypt --name=tailscale-oauth-client-secret - -
    encrypt --name=tailscale-oauth-client-secret - -
    encrypt --name=tailscale-oauth-client-id - -
    ");
    let environment = fs::read(store.world.path().join("bin/environment")).unwrap();
    store
        .world
        .assert_no_secret(&environment, "the environment");
    let environment = String::from_utf8(environment).unwrap();
    assert!(!environment.contains("TAILSCALE"), "{environment}");
}

#[test]
fn each_profile_has_its_own_two() {
    let store = Store::new("");
    let ran = store.run(&["create", "--systemd", "--all", "--json"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(ran.stdout.lines().count(), 2);
    assert_eq!(store.names().len(), 4);
    assert_eq!(store.world.simulator.clients().len(), 2);
}

#[test]
fn a_client_that_cannot_be_encrypted_is_deleted() {
    // The first is the trial, then the secret and the id.
    for call in [2, 3] {
        let more = format!("[ $n -lt {call} ] || {{ echo the chip is gone >&2; exit 1; }}");
        let store = Store::new(&more);
        let ran = store.create();
        insta::allow_duplicates! {
            assert_snapshot!(ran, @"
            exit status: 10
            --- stderr
            error: systemd-creds does not encrypt: the chip is gone; OAuth client [client 1] was created, and has been deleted
            hint: run it as root, and see whether systemd-creds works: systemd-creds setup
            ");
        }
        store.assert_nothing_is_left();
    }
}

#[test]
fn a_client_that_cannot_be_deleted_either_is_named() {
    let store = Store::new("[ $n -lt 2 ] || exit 1");
    let fault = Fault::Answer {
        status: 403,
        headers: Vec::new(),
        body: r#"{"message":"calling actor does not have enough permissions to perform this function"}"#.to_owned(),
    };
    store.world.simulator.misbehave(Endpoint::Key, fault, 1);
    assert_snapshot!(store.create(), @"
    exit status: 10
    --- stderr
    error: systemd-creds does not encrypt: exit status: 1; OAuth client [client 1] was created, and could not be deleted
    hint: delete it: tailmint clients delete --id [client 1]
    ");
    assert_eq!(store.names(), [""; 0]);
}

#[test]
fn a_credential_that_somebody_else_writes_meanwhile_stays() {
    for name in [ID, SECRET] {
        let more = format!("[ $n -lt 3 ] || echo mine > \"$here/../store/{name}\"");
        let store = Store::new(&more);
        let ran = store.create();
        assert_eq!(ran.code, 10, "{ran}");
        assert!(ran.stderr.contains("cannot be written"), "{ran}");
        assert!(ran.stderr.contains("has been deleted"), "{ran}");
        assert_eq!(store.world.simulator.clients().len(), 0);
        assert_eq!(store.names(), [name]);
        assert_eq!(store.read(name), "mine");
    }
}

#[test]
fn what_can_be_found_out_is_found_out_before_a_client_is_created() {
    // Whatever encrypts does not.
    let store = Store::new("echo no chip >&2; exit 1");
    assert_snapshot!(store.create(), @"
    exit status: 10
    --- stderr
    error: systemd-creds does not encrypt: no chip
    hint: run it as root, and see whether systemd-creds works: systemd-creds setup
    ");
    // It prints nothing.
    let silent = Store::new("exit 0");
    assert_snapshot!(silent.create(), @"
    exit status: 10
    --- stderr
    error: systemd-creds does not encrypt: it printed nothing
    hint: run it as root, and see whether systemd-creds works: systemd-creds setup
    ");
    // There is one already.
    let present = Store::new("");
    fs::create_dir(present.directory()).unwrap();
    fs::write(present.directory().join(ID), "old").unwrap();
    assert_snapshot!(present.create(), @"
    exit status: 10
    --- stderr
    error: [dir]/store/tailscale-oauth-client-id exists already
    hint: a unit may use the client in it; to write another one over it, give --replace
    ");
    assert_eq!(present.read(ID), "old");
    // The directory is a file.
    let file = Store::new("");
    fs::write(file.directory(), "").unwrap();
    assert_snapshot!(file.create(), @"
    exit status: 10
    --- stderr
    error: [dir]/store cannot be written: File exists (os error 17)
    hint: see who may write there, and whether there is room: [dir]/store
    ");
    for store in [&store, &silent, &present, &file] {
        assert_eq!(store.world.simulator.requests().len(), 0);
    }
    store.assert_nothing_is_left();
}

#[test]
fn without_a_program_that_encrypts_it_is_said_what_to_do() {
    let world = World::new();
    let case = world.as_owner(&["clients", "create", "--systemd"]);
    let case = case.env("PATH", "/none").arg("--credstore");
    assert_snapshot!(case.arg(world.path().join("store")).run(), @"
    exit status: 2
    --- stderr
    error: there is no systemd-creds in $PATH
    hint: it is part of systemd since version 250; without it, leave --systemd out, and give the unit files that root alone may read
    ");
    assert_eq!(world.simulator.requests().len(), 0);
}

#[test]
fn a_directory_without_encryption_makes_no_sense() {
    let store = Store::new("");
    assert_snapshot!(store.run(&["create"]), @"
    exit status: 2
    --- stderr
    error: --credstore is where --systemd writes to
    hint: give --systemd too
    ");
    assert_eq!(store.world.simulator.requests().len(), 0);
}

#[test]
fn the_client_of_the_files_is_encrypted_too() {
    let store = Store::new("");
    assert_snapshot!(store.run(&["encrypt"]), @"
    exit status: 10
    --- stderr
    error: there is no OAuth client: neither [dir]/secrets/tailscale-oauth-client-id nor [dir]/secrets/tailscale-oauth-client-secret
    hint: put the client's id and secret there, mode 0600, or give --secrets-dir
    ");
    assert_eq!(store.world.as_owner(&["clients", "create"]).run().code, 0);
    assert_snapshot!(store.run(&["encrypt"]), @"
    exit status: 0
    --- stdout
    bootstrap: OAuth client [client 1] is encrypted; its files are unchanged
    --- stderr
    note: bootstrap: to rotate or delete the client of the files ends the encrypted one too; after that, run tailmint clients encrypt --replace --profile bootstrap, or remove the files now
    ");
    let [client] = &store.world.simulator.clients()[..] else {
        panic!("not one client");
    };
    assert_eq!(store.read(ID), sha256(client.id.as_bytes()));
    assert_eq!(store.read(SECRET), sha256(client.secret.as_bytes()));
    assert!(store.world.secrets().join(SECRET).exists());
    assert_eq!(store.run(&["encrypt"]).code, 10);
}

#[test]
fn nobody_changes_the_files_while_they_are_encrypted() {
    let store = Store::new(
        "flock --nonblock \"$here/../secrets\" true
        [ $? = 1 ] || { echo nobody holds them >&2; exit 1; }",
    );
    assert_eq!(store.world.as_owner(&["clients", "create"]).run().code, 0);
    let ran = store.run(&["encrypt"]);
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn a_client_that_may_be_encrypted_too_is_named_when_it_goes() {
    if !is_really_root() {
        return;
    }
    in_mount_namespace(|| {
        let store = Store::new("");
        // A machine's own /etc may have no such directory.
        let etc = store.world.path().join("etc");
        let copied = Command::new("cp").arg("-a").arg("/etc").arg(&etc).status();
        assert!(copied.unwrap().success());
        fs::create_dir_all(etc.join("credstore.encrypted")).unwrap();
        fs::write(etc.join("credstore.encrypted").join(SECRET), "").unwrap();
        mount(&etc, "/etc");
        let clients = |name: &str| store.world.as_owner(&["clients", name]).run();
        assert_eq!(clients("create").code, 0);
        assert_snapshot!(clients("rotate"), @"
        exit status: 0
        --- stdout
        bootstrap: created OAuth client [client 2], deleted [client 1]
        --- stderr
        warning: bootstrap: /etc/credstore.encrypted/tailscale-oauth-client-secret is unchanged; if OAuth client [client 1] was in it, units have none now: tailmint clients encrypt --replace --profile bootstrap
        ");
        assert_snapshot!(clients("delete"), @"
        exit status: 0
        --- stdout
        bootstrap: OAuth client [client 2] is deleted, with its files
        --- stderr
        warning: bootstrap: /etc/credstore.encrypted/tailscale-oauth-client-secret is unchanged; if OAuth client [client 2] was in it, units have none now: remove the encrypted id and secret, or run tailmint clients create --systemd --replace
        ");
        // What lives on is no reason to say so.
        assert_eq!(clients("create").code, 0);
        let kept = store.world.as_owner(&["clients", "rotate", "--keep-old"]);
        let kept = kept.run();
        assert!(!kept.stderr.contains("credstore"), "{kept}");
    });
}

/// For the store's script: it decrypts to what is in a file.
const DECRYPTS: &str = "[ $1 != decrypt ] || { cat \"$here/decrypted\"; exit; }";

/// A store with a client, and that client's id.
fn with_a_client(more: &str) -> (Store, String) {
    let store = Store::new(&format!("{DECRYPTS}\n{more}"));
    let ran = store.create();
    assert_eq!(ran.code, 0, "{ran}");
    let id = store.world.simulator.clients()[0].id.clone();
    store.world.write("bin/decrypted", &id);
    (store, id)
}

#[test]
fn a_client_is_replaced_and_the_old_one_is_named() {
    let (store, old) = with_a_client("");
    assert_snapshot!(store.run(&["create", "--systemd", "--replace"]), @"
    exit status: 0
    --- stdout
    bootstrap: created OAuth client [client 2]
    --- stderr
    warning: OAuth client [client 1] was in the files before, and still exists; if nobody uses it, delete it: tailmint clients delete --id [client 1]
    ");
    let clients = store.world.simulator.clients();
    let new = clients.iter().find(|client| client.id != old).unwrap();
    assert_eq!(store.read(ID), sha256(new.id.as_bytes()));
    assert_eq!(store.read(SECRET), sha256(new.secret.as_bytes()));
    assert_eq!(store.names(), [ID, SECRET]);
    let asked = format!(
        "decrypt --name={ID} {} -\n",
        store.directory().join(ID).display()
    );
    assert!(store.calls().contains(&asked), "{}", store.calls());
    // Nor does it take a machine that can still decrypt the old one.
    fs::remove_file(store.world.path().join("bin/decrypted")).unwrap();
    let ran = store.run(&["create", "--systemd", "--replace"]);
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn a_client_that_cannot_be_replaced_stays() {
    // Calls 1 to 3 were the first client's, 4 is the trial and 5 decrypts.
    for call in [4, 6, 7] {
        let (store, old) = with_a_client(&format!("[ $n -ne {call} ] || exit 1"));
        let ran = store.run(&["create", "--systemd", "--replace"]);
        assert_eq!(ran.code, 10, "{ran}");
        let [client] = &store.world.simulator.clients()[..] else {
            panic!("not one client");
        };
        assert_eq!(client.id, old);
        assert_eq!(store.read(ID), sha256(client.id.as_bytes()));
        assert_eq!(store.read(SECRET), sha256(client.secret.as_bytes()));
        assert_eq!(store.names(), [ID, SECRET]);
    }
    // The second of the two cannot be moved there.
    let (store, _) = with_a_client("");
    let before = store.read(SECRET);
    fs::remove_file(store.directory().join(ID)).unwrap();
    fs::create_dir(store.directory().join(ID)).unwrap();
    let ran = store.run(&["create", "--systemd", "--replace"]);
    assert_eq!(ran.code, 10, "{ran}");
    assert_eq!(store.read(SECRET), before);
    assert_eq!(store.names(), [ID, SECRET]);
    assert_eq!(store.world.simulator.clients().len(), 1);
}

#[test]
fn the_client_of_the_files_replaces_the_encrypted_one() {
    let (store, old) = with_a_client("");
    assert_eq!(store.world.as_owner(&["clients", "create"]).run().code, 0);
    let ran = store.run(&["encrypt", "--replace"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("was in the files before"), "{ran}");
    let clients = store.world.simulator.clients();
    let new = clients.iter().find(|client| client.id != old).unwrap();
    assert_eq!(store.read(ID), sha256(new.id.as_bytes()));
    assert_eq!(store.read(SECRET), sha256(new.secret.as_bytes()));
}

#[cfg(feature = "failpoints")]
#[test]
fn a_client_of_a_run_that_was_killed_is_named_by_the_next() {
    let store = Store::new("");
    let killed = store.case(&["create", "--systemd"]);
    let killed = killed.env("FAILPOINTS", "client-made=return").run();
    assert_eq!(killed.code, 128 + 9, "{killed}");
    assert_eq!(store.names(), [""; 0]);
    assert_snapshot!(store.create(), @"
    exit status: 0
    --- stdout
    bootstrap: created OAuth client [client 2]
    --- stderr
    warning: OAuth client [client 1] has the same description, and still exists; if nobody uses it, delete it: tailmint clients delete --id [client 1]
    ");
}
