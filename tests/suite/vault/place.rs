//! Where in the Vault it gets.

use insta::assert_snapshot;

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
    assert_snapshot!(ran, @"
    exit status: 2
    --- stderr
    error: invalid value 'tazlab-k8s/../other' for '--path <PATH>': a path has no empty segment, no . and no ..

    For more information, try '--help'.
    ");
}

#[test]
fn a_path_in_the_configuration_is_judged_as_any_other() {
    let user = Vaulted::at("https://127.0.0.1:1", "", "root");
    user.config("config.toml", "[vault]\n\npath = \"a/../b\"\n");
    assert_snapshot!(user.push(&[]), @r#"
    exit status: 2
    --- stderr
    error: [dir]/.config/tailmint/config.toml:3:8: a path has no empty segment, no . and no ..
      |
    3 | path = "a/../b"
      |        ^^^^^^^^
    hint: correct the file; docs/guide.md shows one
    "#);
}

#[test]
fn a_token_in_the_configuration_is_refused() {
    let user = Vaulted::at("https://127.0.0.1:1", "", "root");
    user.config("config.toml", "[vault]\ntoken = \"root\"\n");
    let ran = user.push(&[]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}

#[test]
fn a_profile_whose_name_cannot_be_in_a_path_needs_one() {
    let user = Vaulted::at("https://127.0.0.1:1", "", "root");
    user.config(
        "config.toml",
        "[profiles.\"a b\"]\ntags = [\"tag:a\"]\nid-file = \"a\"\nsecret-file = \"b\"\n\
         description = \"a\"\n",
    );
    let ran = user.push(&["--profile", "a b"]);
    assert_snapshot!(ran, @"
    exit status: 2
    --- stderr
    error: a path has letters, digits, -, ., _, @ and / only
    hint: name another path, without / at its end
    ");
}
