//! Where in the Vault it gets.

use super::{Vaulted, held, server::Server};

#[test]
fn mount_and_path_can_be_chosen() {
    let Some(server) = Server::start() else {
        return;
    };
    server.vault(&["secrets", "enable", "-path=team/kv", "kv-v2"]);
    let user = Vaulted::to(&server);
    user.config(
        "config.toml",
        "[vault]\nmount = \"team/kv\"\npath = \"tailscale/\"\n",
    );
    for (arguments, place) in [
        (&[][..], "team/kv/tailscale/k8s-operator"),
        (&["--profile", "bootstrap"], "team/kv/tailscale/bootstrap"),
        (&["--path", "a/b"], "team/kv/a/b"),
        (&["--path", "a/c/"], "team/kv/a/c/k8s-operator"),
        (&["--mount", "secret"], "secret/tailscale/k8s-operator"),
        (&["--mount", "secret/"], "secret/tailscale/k8s-operator"),
    ] {
        let ran = user.push(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stdout.starts_with(place), "{}", ran.stdout);
        assert_eq!(held(&server, place)["metadata"]["version"], 1);
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_no_place() {
    let user = Vaulted::at("https://127.0.0.1:1", "", "root");
    for flag in ["--path", "--mount"] {
        for text in [
            "", "/", "a/../b", "..", ".", "a//b", "/a", "a%2fb", "a b", "a?b",
        ] {
            let ran = user.push(&[flag, text]);
            assert_eq!(ran.code, 2, "{flag} {text:?}: {}", ran.stderr);
        }
    }
    let ran = user.push(&["--path", "tazlab-k8s/../other"]);
    insta::assert_snapshot!("relative_path", user.snapshot(&ran));
    user.config("config.toml", "[vault]\n\npath = \"a/../b\"\n");
    let ran = user.push(&[]);
    insta::assert_snapshot!("relative_path_configured", user.snapshot(&ran));
    user.config("config.toml", "[vault]\ntoken = \"root\"\n");
    let ran = user.push(&[]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    // A profile whose name cannot be a part of a path has to have one of its own.
    user.config(
        "config.toml",
        "[profiles.\"a b\"]\ntags = [\"tag:a\"]\nid-file = \"a\"\nsecret-file = \"b\"\n\
         description = \"a\"\n",
    );
    let ran = user.push(&["--profile", "a b"]);
    insta::assert_snapshot!("profile_is_no_segment", user.snapshot(&ran));
}
