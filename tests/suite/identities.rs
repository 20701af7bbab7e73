//! `tailmint identities`: the life of federated identities, and the way from an OAuth client to
//! one.

use std::{
    fs::{self, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tailmint_simulator::{Endpoint, Fault, OauthClient};

use crate::{
    clients::{bare_world, described},
    consumers::Consumers,
    federation::{Federation, SUBJECT},
    interrupted::wait_until,
    ran::Ran,
    world::World,
};

const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// A policy that lets identities of these issuers and subjects be created and changed.
fn allow(world: &World, issuers: &[&str], subjects: &[&str]) {
    let section = |rule: &str| {
        format!(
            "[rule.{rule}.identity]\nissuers = {issuers:?}\nsubjects = {subjects:?}\naudiences = [\"acme\"]\n"
        )
    };
    let (create, update) = (section("create-identity"), section("update-identity"));
    world.policy(&format!("version = 1\n{create}{update}"));
}

fn identities(world: &World, arguments: &[&str]) -> Ran {
    let ran = world.as_owner(&["identities"]).args(arguments).run();
    world.assert_no_secret(ran.stdout.as_bytes(), "standard output");
    ran
}

fn create(world: &World, arguments: &[&str]) -> Ran {
    world
        .as_owner(&["identities", "create"])
        .args(arguments)
        .run()
}

fn files(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.secrets()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// How many requests of this kind arrived.
fn sent(world: &World, line: &str) -> usize {
    let requests = world.simulator.requests();
    requests
        .iter()
        .filter(|it| it.line().starts_with(line))
        .count()
}

const REPOSITORY: [&str; 2] = ["--github", "acme@1234/web@5678"];

#[test]
fn an_identity_for_a_repository_is_created_listed_changed_and_deleted() {
    let world = bare_world();
    allow(&world, &[GITHUB], &["repo:acme@1234/web@5678:*"]);
    let main = [&REPOSITORY[..], &["--ref", "main"]].concat();
    assert_snapshot!(create(&world, &main), @r#"
    exit status: 0
    --- stdout
    created federated identity [identity 1], "tazlab-bootstrap", issuer https://token.actions.githubusercontent.com, subject repo:acme@1234/web@5678:ref:refs/heads/main, rules repository_id=5678 repository_owner_id=1234, audience api.tailscale.com/[identity 1], scopes auth_keys, tags tag:tazpod
    "#);
    let requests = world.simulator.requests();
    assert_eq!(requests.len(), 1);
    let body: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(
        body,
        json!({
            "keyType": "federated",
            "description": "tazlab-bootstrap",
            "scopes": ["auth_keys"],
            "tags": ["tag:tazpod"],
            "issuer": GITHUB,
            "subject": "repo:acme@1234/web@5678:ref:refs/heads/main",
            "customClaimRules": { "repository_id": "5678", "repository_owner_id": "1234" },
        })
    );
    assert_eq!(files(&world), [""; 0]);
    let id = world.simulator.identities()[0].id.clone();

    assert_snapshot!(identities(&world, &["list"]), @r#"
    exit status: 0
    --- stdout
    [identity 1], "tazlab-bootstrap", issuer https://token.actions.githubusercontent.com, subject repo:acme@1234/web@5678:ref:refs/heads/main, rules repository_id=5678 repository_owner_id=1234, audience api.tailscale.com/[identity 1], scopes auth_keys, tags tag:tazpod
    "#);
    let ran = identities(&world, &["list", "--json"]);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(told["id"], id.as_str());
    assert_eq!(told["claim-rules"]["repository_id"], "5678");
    assert_eq!(told["audience"], format!("api.tailscale.com/{id}"));

    let environment = [
        &["update", &id],
        &REPOSITORY[..],
        &["--environment", "prod", "--description", "other"],
    ];
    assert_snapshot!(identities(&world, &environment.concat()), @r#"
    exit status: 0
    --- stdout
    changed federated identity [identity 1], "other", issuer https://token.actions.githubusercontent.com, subject repo:acme@1234/web@5678:environment:prod, rules repository_id=5678 repository_owner_id=1234, audience api.tailscale.com/[identity 1], scopes auth_keys, tags tag:tazpod
    "#);
    let changed = &world.simulator.identities()[0];
    assert_eq!(changed.id, id);
    assert_eq!(changed.subject, "repo:acme@1234/web@5678:environment:prod");
    assert_eq!(sent(&world, "PUT "), 1);

    assert_snapshot!(identities(&world, &["delete", &id, "T1CNTRL-k1CNTRL"]), @"
    exit status: 0
    --- stdout
    federated identity [identity 1] is deleted
    federated identity T1CNTRL-k1CNTRL was not there
    ");
    assert_eq!(world.simulator.identities().len(), 0);
    let ran = identities(&world, &["list"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    let ran = identities(&world, &["delete", "--json", &id]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let verified = world.run(&["audit", "verify"]);
    assert!(
        verified.stdout.contains("none changed"),
        "{}",
        verified.stdout
    );
}

#[test]
fn what_is_created_is_what_the_platform_calls_itself() {
    for (arguments, issuer, subject, rules) in [
        (
            &["--github", "acme/web"][..],
            GITHUB,
            "repo:acme/web:*",
            &[][..],
        ),
        (
            &["--github", "acme/web", "--ref", "refs/tags/v1"],
            GITHUB,
            "repo:acme/web:ref:refs/tags/v1",
            &[],
        ),
        (
            &["--github", "acme/web", "--environment", "prod"],
            GITHUB,
            "repo:acme/web:environment:prod",
            &[],
        ),
        (
            &["--gitlab", "acme/web", "--ref", "main"],
            "https://gitlab.com",
            "project_path:acme/web:ref_type:branch:ref:main",
            &[],
        ),
        (
            &[
                "--gitlab",
                "acme/web",
                "--issuer",
                "https://gitlab.example.com",
            ],
            "https://gitlab.example.com",
            "project_path:acme/web:*",
            &[],
        ),
        (
            &["--kubernetes", "https://k8s.example.com", "infra/joiner"],
            "https://k8s.example.com",
            "system:serviceaccount:infra:joiner",
            &[],
        ),
        (
            &["--gcp", "112233445566778899001"],
            "https://accounts.google.com",
            "112233445566778899001",
            &[],
        ),
        (
            &["--fly", "acme/web"],
            "https://oidc.fly.io/acme",
            "acme:web:*",
            &[],
        ),
        (
            &[
                "--issuer",
                "https://issuer.example.com",
                "--subject",
                "job:*",
                "--rule",
                "ref=refs/heads/main",
                "--rule",
                "\"open.id\".user=a*",
                "--audience",
                "acme",
            ],
            "https://issuer.example.com",
            "job:*",
            &[("\"open.id\".user", "a*"), ("ref", "refs/heads/main")],
        ),
    ] {
        let world = bare_world();
        allow(&world, &[issuer], &[subject]);
        let ran = create(&world, &[arguments, &["--json"]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
        let told: Value = serde_json::from_str(&ran.stdout).unwrap();
        let made = &world.simulator.identities()[0];
        assert_eq!(told["id"], made.id.as_str());
        assert_eq!(told["audience"], made.audience.as_str());
        assert_eq!(
            (made.issuer.as_str(), made.subject.as_str()),
            (issuer, subject)
        );
        let has: Vec<_> = made
            .custom_claim_rules
            .iter()
            .map(|(claim, it)| (claim.as_str(), it.as_str()))
            .collect();
        assert_eq!(has, rules, "{arguments:?}");
    }
}

#[test]
fn an_identity_that_was_just_created_mints() {
    let federation = Federation::new();
    let world = &federation.world;
    let file = federation.file();
    let policy = |id: &str| {
        world.policy(&format!(
            "version = 1\n[identity]\nclient-ids = [{id:?}]\nfiles = [{file:?}]\n[rule.create-identity.identity]\nissuers = [{:?}]\nsubjects = [\"repo:acme/web:*\"]\n",
            federation.issuer.url()
        ));
    };
    policy("T1CNTRL-k1CNTRL");
    let issuer = federation.issuer.url();
    let flags = ["--issuer", issuer, "--subject", "repo:acme/web:*", "--json"];
    let ran = create(world, &flags);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    let (id, audience) = (told["id"].as_str().unwrap(), &told["audience"]);
    policy(id);
    federation.put(&federation.issuer.token(audience.clone(), SUBJECT));
    let ran = world
        .tailmint(&["mint", "--client-id", id, "--id-token-file"])
        .arg(&file)
        .run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn the_policy_lets_nobody_in_by_default() {
    let world = bare_world();
    assert_snapshot!(create(&world, &REPOSITORY), @r#"
    exit status: 12
    --- stderr
    note: every workflow of the repository comes in, on any branch: --ref or --environment lets in fewer
    error: the policy denies it by rule create-identity: body.issuer: "https://token.actions.githubusercontent.com" is not allowed
    hint: to allow it, add "https://token.actions.githubusercontent.com" to rule.create-identity.identity.issuers in [dir]/.config/tailmint/policy.toml
    "#);
    allow(&world, &[GITHUB], &[]);
    assert_snapshot!(create(&world, &REPOSITORY), @r#"
    exit status: 12
    --- stderr
    note: every workflow of the repository comes in, on any branch: --ref or --environment lets in fewer
    error: the policy denies it by rule create-identity: body.subject: "repo:acme@1234/web@5678:*" is not allowed
    hint: to allow it, add "repo:acme@1234/web@5678:*" to rule.create-identity.identity.subjects in [dir]/.config/tailmint/policy.toml
    "#);
    allow(&world, &[GITHUB], &["repo:acme@1234/web@5678:*"]);
    let all = [&REPOSITORY[..], &["--scope", "all"]].concat();
    assert_snapshot!(create(&world, &all), @r#"
    exit status: 12
    --- stderr
    note: every workflow of the repository comes in, on any branch: --ref or --environment lets in fewer
    error: the policy denies it by rule create-identity: body.scopes: "all" is not allowed
    hint: to allow it, add "all" to rule.create-identity.identity.scopes in [dir]/.config/tailmint/policy.toml
    "#);
    let update = [
        &["update", "T1CNTRL-k1CNTRL"],
        &REPOSITORY[..],
        &["--tag", "tag:other"],
    ];
    assert_snapshot!(identities(&world, &update.concat()), @r#"
    exit status: 12
    --- stderr
    note: every workflow of the repository comes in, on any branch: --ref or --environment lets in fewer
    error: the policy denies it by rule update-identity: body.tags: "tag:other" is not allowed
    hint: to allow it, add "tag:other" to rule.update-identity.identity.tags in [dir]/.config/tailmint/policy.toml
    "#);
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn strangers_are_not_let_in() {
    let world = bare_world();
    allow(&world, &[GITHUB, "https://accounts.google.com"], &["*"]);
    let mut said = Vec::new();
    for arguments in [
        &["--issuer", GITHUB, "--subject", "repo:*"][..],
        &["--issuer", GITHUB, "--subject", "*/web:ref:refs/heads/main"],
        &["--issuer", "https://accounts.google.com", "--subject", "1*"],
        &["--github", "acme/*"],
        &["--github", "acme@1234/web"],
        &["--gcp", "joiner@acme.iam.gserviceaccount.com"],
        &["--fly", "acme"],
        &["--kubernetes", "https://k8s.example.com", "joiner"],
        &["--github", "acme/web", "--ref", "*"],
    ] {
        let ran = create(&world, arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        said.push(ran.to_string().replace("exit status: 2\n--- stderr\n", ""));
    }
    assert_snapshot!(said.concat(), @"
    error: https://token.actions.githubusercontent.com signs for all its users, and the subject lets in more than one of them: begin it like repo:OWNER/
    hint: nothing was created; name one owner in the subject, or in a rule
    error: https://token.actions.githubusercontent.com signs for all its users, and the subject lets in more than one of them: begin it like repo:OWNER/
    hint: nothing was created; name one owner in the subject, or in a rule
    error: https://accounts.google.com signs for all its users, and the subject lets in more than one of them: begin it like the unique id of a service account
    hint: nothing was created; name one owner in the subject, or in a rule
    error: a repository of GitHub is OWNER/REPOSITORY, or OWNER@ID/REPOSITORY@ID
    hint: gh api repos/OWNER/REPOSITORY --jq '.owner.id, .id' prints the ids
    error: give the ids of both, OWNER@ID/REPOSITORY@ID, or of none
    hint: gh api repos/OWNER/REPOSITORY --jq '.owner.id, .id' prints the ids
    error: a service account of Google is given by its unique id, of digits alone
    hint: gcloud iam service-accounts describe ACCOUNT --format='value(uniqueId)' prints it
    error: an app of Fly.io is ORGANIZATION/APP
    hint: give it like this, or give --issuer and --subject
    error: a service account of Kubernetes is NAMESPACE/NAME
    hint: give it like this, or give --issuer and --subject
    error: a ref cannot have *, : or blanks in it
    hint: give it like this, or give --issuer and --subject
    ");
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn what_no_identity_can_be_is_told_before_anything_is_sent() {
    let world = bare_world();
    let mut said = Vec::new();
    let subject = ["--subject", "job:*"];
    for arguments in [
        &["--issuer", "http://issuer.example.com"][..],
        &["--issuer", "https://localhost"],
        &["--issuer", "https://10.0.0.1"],
        &["--issuer", "https://issuer.example.com", "--rule", "sub=a"],
        &["--issuer", "https://issuer.example.com", "--rule", "ref"],
        &[
            "--issuer",
            "https://issuer.example.com",
            "--audience",
            "a b",
        ],
        &[
            "--issuer",
            "https://issuer.example.com",
            "--description",
            "a_b",
        ],
    ] {
        let ran = create(&world, &[&subject[..], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        said.push(ran.stderr.lines().next().unwrap_or_default().to_owned());
    }
    assert_snapshot!(said.join("\n"), @"
    error: invalid value 'http://issuer.example.com' for '--issuer <URL>': an issuer begins with https://, such as https://token.actions.githubusercontent.com
    error: invalid value 'https://localhost' for '--issuer <URL>': Tailscale fetches the issuer's keys over the internet: give a host with a public name
    error: invalid value 'https://10.0.0.1' for '--issuer <URL>': Tailscale fetches the issuer's keys over the internet: give a host with a public name
    error: invalid value 'sub=a' for '--rule <CLAIM=PATTERN>': aud, iss and sub are the audience, the issuer and the subject: no rule is about them
    error: invalid value 'ref' for '--rule <CLAIM=PATTERN>': give CLAIM=PATTERN, such as ref=refs/heads/main
    error: invalid value 'a b' for '--audience <TEXT>': an audience has 1 to 512 printable characters without blanks, such as api.tailscale.com/T123CNTRL-k456CNTRL
    error: invalid value 'a_b' for '--description <TEXT>': a description has 1 to 50 letters, digits, hyphens and spaces, and neither begins nor ends with a space
    ");
    // The subject that lets in all.
    let all = ["--issuer", "https://issuer.example.com", "--subject", "*"];
    assert_snapshot!(create(&world, &all), @"
    exit status: 2
    --- stderr
    error: invalid value '*' for '--subject <PATTERN>': * alone lets in everybody who has a token of the issuer: say who may come in

    For more information, try '--help'.
    ");
    let nobody = identities(&world, &["create"]);
    assert_eq!(nobody.code, 2, "{}", nobody.stderr);
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn nobody_is_asked_who_may_not() {
    let world = bare_world();
    allow(&world, &[GITHUB], &["repo:acme@1234/web@5678:*"]);
    let arguments = [&["identities", "create"], &REPOSITORY[..]].concat();
    assert_snapshot!(world.run(&arguments), @"
    exit status: 10
    --- stderr
    note: every workflow of the repository comes in, on any branch: --ref or --environment lets in fewer
    error: there is no credential that may create federated identities
    hint: set TAILSCALE_API_KEY and TAILSCALE_TAILNET, or give --as PROFILE with an OAuth client of the scope federated_keys
    ");
    assert_eq!(world.simulator.connections(), 0);
}

/// A profile `owner` with an OAuth client of these scopes.
fn with_owner(world: &World, scopes: &[&str]) {
    let owner = OauthClient::new("owner", scopes, &["tag:tazpod"]);
    world.simulator.add_client(owner.clone());
    for (name, text) in [("owner-id", &owner.id), ("owner-secret", &owner.secret)] {
        let path = world.secrets().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
    world.config(
        "[profiles.owner]\nid-file = \"owner-id\"\nsecret-file = \"owner-secret\"\ntags = [\"tag:tazpod\"]\n",
    );
}

#[test]
fn a_profile_may_create_them_whose_client_has_the_scope() {
    for (scopes, code) in [
        (&["federated_keys", "auth_keys"][..], 0),
        (&["auth_keys"], 14),
    ] {
        let world = bare_world();
        with_owner(&world, scopes);
        allow(&world, &[GITHUB], &["repo:acme@1234/web@5678:*"]);
        let create = [&["identities", "create", "--as", "owner"], &REPOSITORY[..]].concat();
        let ran = world.run(&create);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert_eq!(world.simulator.identities().len(), usize::from(code == 0));
        let listed = world.run(&["identities", "list", "--as", "owner"]);
        assert_eq!(listed.code, code, "{}", listed.stderr);
        if code == 0 {
            // With the one scope that it takes.
            let form = world.simulator.requests()[0].form();
            let scope = ("scope".to_owned(), "federated_keys".to_owned());
            assert!(form.contains(&scope), "{form:?}");
        } else {
            assert_snapshot!(ran, @r#"
            exit status: 14
            --- stderr
            note: every workflow of the repository comes in, on any branch: --ref or --environment lets in fewer
            error: the credential is not allowed to do this: OAuth client cannot grant scopes "federated_keys"
              the credential is from [dir]/secrets/owner-secret
            hint: give the OAuth client the scope federated_keys (write) in the admin console, or create one that has it
            "#);
        }
    }
}

#[test]
fn an_identity_may_create_others() {
    let scopes = ["auth_keys", "federated_keys"];
    let federation = Federation::granting(&scopes, &["tag:tazpod"]).by_file();
    federation.put(&federation.token());
    let (id, file) = (&federation.identity.id, federation.file());
    federation.world.policy(&format!(
        "version = 1\n[identity]\nclient-ids = [{id:?}]\nfiles = [{file:?}]\n[rule.create-identity.identity]\nissuers = [{GITHUB:?}]\nsubjects = [\"repo:acme@1234/web@5678:*\"]\n"
    ));
    let as_itself = ["identities", "create", "--as", "bootstrap"];
    let ran = federation
        .tailmint(&[&as_itself, &REPOSITORY[..]].concat())
        .run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(federation.world.simulator.identities().len(), 2);
}

#[test]
fn a_lost_response_to_a_creation_leaves_open_whether_there_is_one() {
    let world = bare_world();
    allow(&world, &[GITHUB], &["repo:acme@1234/web@5678:*"]);
    let simulator = &world.simulator;
    simulator.misbehave(Endpoint::Keys, Fault::LoseAnswer, 9);
    assert_snapshot!(create(&world, &REPOSITORY), @"
    exit status: 16
    --- stderr
    note: every workflow of the repository comes in, on any branch: --ref or --environment lets in fewer
    error: no response to the request to create a federated identity: the connection broke; a federated identity may exist (the other side closed it)
    hint: see whether there is a new federated identity, and delete it: tailmint identities list, tailmint identities delete ID; it does not expire
    ");
    assert_eq!(sent(&world, "POST /api/v2/tailnet"), 1);
    assert_eq!(world.simulator.identities().len(), 1);
}

#[test]
fn a_lost_response_to_a_change_leaves_open_whether_it_was_made() {
    for fault in [
        Fault::LoseAnswer,
        Fault::answer(502, &[], "<title>Bad gateway</title>"),
    ] {
        let world = bare_world();
        allow(&world, &[GITHUB], &["repo:acme@1234/web@5678:*"]);
        assert_eq!(create(&world, &REPOSITORY).code, 0);
        let id = world.simulator.identities()[0].id.clone();
        world.simulator.misbehave(Endpoint::Key, fault.clone(), 9);
        let update = [&["update", &id], &REPOSITORY[..], &["--ref", "main"]].concat();
        let ran = identities(&world, &update);
        assert_eq!(ran.code, 16, "{fault:?}: {}", ran.stderr);
        assert_eq!(sent(&world, "PUT "), 1, "{fault:?}");
        if fault == Fault::LoseAnswer {
            assert_snapshot!(ran, @"
            exit status: 16
            --- stderr
            error: no response to the request to change the federated identity: the connection broke; it may have been changed (the other side closed it)
            hint: see in the admin console whether it was changed
            ");
        }
    }
}

#[test]
fn a_change_of_what_is_not_there() {
    let world = bare_world();
    allow(&world, &[GITHUB], &["repo:acme@1234/web@5678:*"]);
    let update = [&["update", "T1CNTRL-k1CNTRL"], &REPOSITORY[..]].concat();
    assert_snapshot!(identities(&world, &update), @"
    exit status: 14
    --- stderr
    note: every workflow of the repository comes in, on any branch: --ref or --environment lets in fewer
    error: there is no such federated identity: not found
      the credential is from $TAILSCALE_API_KEY
    hint: check the names; - stands for the tailnet that the credential belongs to
    ");
}

// Terraform.

#[test]
fn terraform_creates_the_same_identity() {
    let world = bare_world();
    let arguments = [
        &["terraform"],
        &REPOSITORY[..],
        &[
            "--ref",
            "main",
            "--audience",
            "acme",
            "--rule",
            "\"open.id\".user=a\\b${c}%{d}",
            "--tag",
            "tag:tazpod",
            "--tag",
            "tag:k8s-operator",
        ],
    ];
    let ran = identities(&world, &arguments.concat());
    assert_snapshot!(ran, @r#"
    exit status: 0
    --- stdout
    resource "tailscale_federated_identity" "tazlab_bootstrap" {
      description = "tazlab-bootstrap"
      scopes      = ["auth_keys"]
      tags        = ["tag:tazpod", "tag:k8s-operator"]
      issuer      = "https://token.actions.githubusercontent.com"
      subject     = "repo:acme@1234/web@5678:ref:refs/heads/main"
      audience    = "acme"
      custom_claim_rules = {
        "\"open.id\".user"    = "a\\b$${c}%%{d}"
        "repository_id"       = "5678"
        "repository_owner_id" = "1234"
      }
    }

    output "tazlab_bootstrap_client_id" {
      value = tailscale_federated_identity.tazlab_bootstrap.id
    }

    output "tazlab_bootstrap_audience" {
      value = tailscale_federated_identity.tazlab_bootstrap.audience
    }
    "#);
    // Nobody is asked, and no policy is needed.
    assert_eq!(world.simulator.connections(), 0);
    let path = world.write("identity.tf", &ran.stdout);
    if let Some(consumers) = Consumers::build() {
        let read = consumers.read("terraform", &path).unwrap();
        let name = "tailscale_federated_identity.tazlab_bootstrap";
        assert_eq!(
            read,
            json!({
                format!("resource.{name}"): {
                    "description": "tazlab-bootstrap",
                    "scopes": ["auth_keys"],
                    "tags": ["tag:tazpod", "tag:k8s-operator"],
                    "issuer": GITHUB,
                    "subject": "repo:acme@1234/web@5678:ref:refs/heads/main",
                    "audience": "acme",
                    "custom_claim_rules": {
                        "\"open.id\".user": "a\\b${c}%{d}",
                        "repository_id": "5678",
                        "repository_owner_id": "1234",
                    },
                },
                "output.tazlab_bootstrap_client_id": { "value": format!("{name}.id") },
                "output.tazlab_bootstrap_audience": { "value": format!("{name}.audience") },
            })
        );
    }
    if Command::new("terraform").arg("version").output().is_err() {
        println!("skipped: Terraform is not installed");
        return;
    }
    // As its own formatter writes it.
    let mut format = Command::new("terraform")
        .args(["fmt", "-check", "-diff", "-"])
        .env("CHECKPOINT_DISABLE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = format.stdin.take().unwrap();
    stdin.write_all(ran.stdout.as_bytes()).unwrap();
    drop(stdin);
    let output = format.wait_with_output().unwrap();
    let changed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{changed}");
}

// The way from an OAuth client to an identity.

/// A profile that has an identity now, with the files of its OAuth client.
fn moving(scopes: &[&str]) -> Federation {
    let federation = Federation::of(World::with(&described()), scopes, &["tag:tazpod"]).by_file();
    federation.put(&federation.token());
    federation
}

fn move_from(federation: &Federation) -> Ran {
    let world = &federation.world;
    let ran = world
        .as_owner(&["identities", "move-from", "bootstrap"])
        .run();
    world.assert_no_secret(ran.stdout.as_bytes(), "standard output");
    ran
}

const OWN_FILES: [&str; 2] = ["tailscale-oauth-client-id", "tailscale-oauth-client-secret"];

/// The OAuth client and its files are as they were: the profile mints with them once the
/// identity is out of the configuration.
fn assert_untouched(federation: &Federation) {
    let world = &federation.world;
    let there = files(world);
    assert!(
        OWN_FILES.iter().all(|it| there.contains(&(*it).to_owned())),
        "{there:?}"
    );
    assert_eq!(world.simulator.clients().len(), 2);
    world.config("");
    let ran = world.run(&["mint"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// The OAuth client and its files are gone, and the profile mints.
fn assert_moved(federation: &Federation) {
    let world = &federation.world;
    assert!(files(world).iter().all(|name| !name.contains("oauth")));
    assert_eq!(world.simulator.clients().len(), 1);
    federation.put(&federation.token());
    let ran = world.run(&["mint"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn an_identity_that_mints_takes_the_place_of_an_oauth_client() {
    let federation = moving(&["auth_keys"]);
    assert_snapshot!(move_from(&federation), @"
    exit status: 0
    --- stdout
    bootstrap: mints with the federated identity [identity 1]; OAuth client [client 1] is deleted, with its files
    ");
    assert_moved(&federation);
    // The identity is tried before anything is deleted.
    let lines = federation.world.lines();
    assert_eq!(lines[0], "POST /api/v2/oauth/token-exchange");
    assert_eq!(sent(&federation.world, "DELETE "), 1);
    // A second time there is nothing left to do.
    assert_snapshot!(move_from(&federation), @"
    exit status: 0
    --- stdout
    bootstrap: mints with the federated identity [identity 1]; OAuth client: there was none any more
    ");
    assert_moved(&federation);
}

#[test]
fn an_identity_that_does_not_mint_leaves_the_oauth_client_alone() {
    let federation = moving(&["devices:core"]);
    assert_snapshot!(move_from(&federation), @"
    exit status: 14
    --- stderr
    error: the federated identity [identity 1] does not grant the scope auth_keys, but: devices:core
    hint: give the federated identity the scope auth_keys (write) in the admin console; the OAuth client was left as it is
    ");
    assert_untouched(&federation);

    let federation = moving(&["auth_keys"]);
    let audience = federation.identity.audience.as_str();
    federation.put(&federation.issuer.token(audience, "repo:other/web:x"));
    let ran = move_from(&federation);
    assert_eq!(ran.code, 14, "{}", ran.stderr);
    assert_untouched(&federation);

    let federation = moving(&["auth_keys"]);
    fs::remove_file(federation.file()).unwrap();
    let ran = move_from(&federation);
    assert_eq!(ran.code, 10, "{}", ran.stderr);
    assert_untouched(&federation);

    let federation = moving(&["auth_keys"]);
    federation.world.policy("version = 1\n");
    let ran = move_from(&federation);
    assert_eq!(ran.code, 12, "{}", ran.stderr);
    assert_untouched(&federation);
}

#[test]
fn an_oauth_client_that_cannot_be_deleted_keeps_its_files() {
    let federation = moving(&["auth_keys"]);
    let body =
        r#"{"message":"calling actor does not have enough permissions to perform this function"}"#;
    let fault = Fault::answer(403, &[], body);
    federation
        .world
        .simulator
        .misbehave(Endpoint::Key, fault, 1);
    assert_snapshot!(move_from(&federation), @"
    exit status: 14
    --- stderr
    error: the credential is not allowed to do this: calling actor does not have enough permissions to perform this function
    hint: the credential needs the scope oauth_keys (write); an OAuth client's secret is not an API key
    ");
    assert_untouched(&federation);
}

#[test]
fn a_profile_that_has_nothing_to_move() {
    let world = World::with(&described());
    let move_from = |world: &World| {
        world
            .as_owner(&["identities", "move-from", "bootstrap"])
            .run()
    };
    assert_snapshot!(move_from(&world), @"
    exit status: 2
    --- stderr
    error: profile bootstrap has no federated identity to move to
    hint: create one, tailmint identities create, and set client-id and a token source in [profiles.bootstrap] of the configuration
    ");
    let federation = moving(&["auth_keys"]);
    let ran = federation
        .world
        .run(&["identities", "move-from", "bootstrap"]);
    assert_snapshot!(ran, @"
    exit status: 10
    --- stderr
    error: there is no credential that may create OAuth clients
    hint: set TAILSCALE_API_KEY and TAILSCALE_TAILNET, or give --as PROFILE with an OAuth client of the scope oauth_keys
    ");
    assert_untouched(&federation);
}

#[test]
fn a_lost_response_to_the_deletion_keeps_the_files_and_the_next_run_finishes() {
    let federation = moving(&["auth_keys"]);
    let simulator = &federation.world.simulator;
    simulator.misbehave(Endpoint::Key, Fault::LoseAnswer, 9);
    let ran = move_from(&federation);
    assert_ne!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(files(&federation.world).len(), 4);
    federation.world.simulator.forgive();
    let ran = move_from(&federation);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_moved(&federation);
}

#[test]
fn a_signal_ends_it_with_the_files_in_their_place() {
    for (endpoint, line, signals) in [
        (Endpoint::Exchange, "POST /api/v2/oauth/token-exchange", 1),
        // The first lets what has left come to its end.
        (Endpoint::Key, "DELETE ", 2),
    ] {
        let federation = moving(&["auth_keys"]);
        let world = &federation.world;
        world.simulator.misbehave(endpoint, Fault::Silence, 1);
        let child = world
            .as_owner(&["identities", "move-from", "bootstrap"])
            .spawn();
        wait_until("the request", || sent(world, line) == 1);
        for _ in 0..signals {
            kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
            sleep(Duration::from_millis(200));
        }
        let ran = world.finish(child);
        assert_eq!(ran.code, 143, "{line}: {}", ran.stderr);
        assert_untouched(&federation);
    }
}

#[cfg(feature = "failpoints")]
#[test]
fn killed_at_any_point_the_next_run_finishes() {
    for point in ["client-before-deleting", "client-deleted"] {
        let federation = moving(&["auth_keys"]);
        let world = &federation.world;
        let ran = world
            .as_owner(&["identities", "move-from", "bootstrap"])
            .env("FAILPOINTS", format!("{point}=return"))
            .run();
        assert_eq!(ran.code, 128 + 9, "{point}: {}", ran.stderr);
        assert_eq!(files(world).len(), 4, "{point}");
        // Until it is finished the profile says what to do.
        let ran = world.run(&["mint"]);
        assert_eq!(ran.code, 10, "{point}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("identities move-from bootstrap"),
            "{}",
            ran.stderr
        );
        let ran = move_from(&federation);
        assert_eq!(ran.code, 0, "{point}: {}", ran.stderr);
        assert_moved(&federation);
    }
}
