//! The recipes without a standing secret: each creates its federated identity, and mints with
//! tokens that it takes.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use serde_json::Value;
use tailmint_simulator::{
    FederatedIdentity, Issuer, Setup,
    sources::{Platform, Source},
};

use super::{page::Page, workbench::Workbench};
use crate::{
    consumers::Consumers,
    stand_in::status,
    tailnet::{in_mount_namespace, is_really_root},
    world::sha256,
};

/// What the files of the pages call the federated identity.
const CLIENT_ID: &str = "TexampleCNTRL-kexampleCNTRL";

/// A bench where the identity of a page is the only credential.
struct Identified {
    bench: Workbench,
    identity: FederatedIdentity,
    issuer: Issuer,
    /// The page's configuration and policy.
    files: [String; 2],
}

impl Identified {
    /// Creates the identity as the page says, under the client id of its files.
    fn of(page: &mut Page) -> Self {
        let bench = Workbench::with(&Setup {
            tags: vec!["tag:ci".to_owned()],
            ..Setup::default()
        });
        let world = &bench.world;
        let simulator = &world.simulator;
        world.policy(&page.take("toml"));
        let mut shell = bench.command("sh");
        shell
            .args(["-e", "-c", &page.take("sh")])
            .env("TAILSCALE_API_KEY", simulator.api_key())
            .env("TAILSCALE_TAILNET", "-");
        let printed = bench.succeeds(shell);
        let mut identity = simulator.identities().pop().unwrap();
        for part in [&identity.id, &identity.audience] {
            assert!(printed.contains(part), "{printed}");
        }
        assert_eq!(identity.scopes, ["auth_keys"]);
        assert_eq!(identity.tags, ["tag:ci"]);
        identity.audience = identity.audience.replace(&identity.id, CLIENT_ID);
        CLIENT_ID.clone_into(&mut identity.id);
        simulator.add_identity(identity.clone());
        let issuer = Issuer::start_as(simulator, &identity.issuer).unwrap();
        // That of the machine which has created the identity, and all other credentials.
        fs::remove_dir_all(world.path().join(".config")).unwrap();
        fs::remove_dir_all(world.secrets()).unwrap();
        bench
            .machine
            .write("in.json", &status("Running", &["tag:ci"]));
        // As sudo takes a command behind its own flags.
        bench.put(
            "sudo",
            r#"while [ "${1#-}" != "$1" ]; do shift; done; exec "$@""#,
        );
        Self {
            bench,
            identity,
            issuer,
            files: Default::default(),
        }
    }

    /// The same with the configuration and the policy that are next on the page.
    fn with_files(mut self, page: &mut Page) -> Self {
        self.files = [page.take("toml"), page.take("toml")];
        self
    }

    /// The same with something else in both files.
    fn replacing(mut self, from: &str, to: &str) -> Self {
        self.files = self.files.map(|text| text.replace(from, to));
        self
    }

    /// Writes the files where tailmint looks without a flag.
    fn at_home(&self) {
        let [config, policy] = &self.files;
        self.bench.world.config(config);
        self.bench.world.policy(policy);
    }

    /// Writes the files to `ci`, as a runner that lets all write them.
    fn in_repository(&self) {
        let directory = self.bench.world.path().join("work/ci");
        fs::create_dir(&directory).unwrap();
        for (name, text) in ["config.toml", "policy.toml"].iter().zip(&self.files) {
            let file = self.bench.file(&format!("ci/{name}"), text);
            set_mode(&file, 0o666);
        }
        set_mode(&directory, 0o777);
    }

    fn subject(&self) -> String {
        self.identity.subject.replace('*', "x")
    }

    /// A token that the identity takes.
    fn token(&self) -> String {
        let audience = self.identity.audience.as_str();
        let mut claims = self.issuer.claims(audience, &self.subject());
        for (claim, pattern) in &self.identity.custom_claim_rules {
            claims[claim] = pattern.replace('*', "x").into();
        }
        self.issuer.sign(&claims)
    }

    /// Puts a command there that prints a token, if it is called so. The file has the token
    /// in it.
    fn put_printer(&self, command: &str, arguments: &str) {
        let token = self.token();
        let script =
            format!(r#"[ "$*" = '{arguments}' ] || {{ echo "$*" >&2; exit 1; }}; echo {token}"#);
        self.bench.put(command, &script);
    }

    /// The machine joined with a key of the identity. No file has the token in it, but for
    /// those of these names.
    fn assert_joined(&self, names: &[&str]) {
        self.bench.assert_joined();
        self.assert_minted(names);
    }

    /// A key was minted with the identity, and handed over.
    fn assert_minted(&self, names: &[&str]) {
        let simulator = &self.bench.world.simulator;
        let keys = simulator.keys();
        assert_eq!(keys[0].tags, ["tag:ci"]);
        let mut requests = simulator.requests();
        requests.retain(|it| it.path.starts_with("/api/v2/oauth/"));
        let [exchange] = &requests[..] else {
            panic!("{} requests for an access token", requests.len());
        };
        assert_eq!(exchange.path, "/api/v2/oauth/token-exchange");
        self.bench.assert_key_in_no_file_but(&[]);
        for token in simulator.identity_tokens() {
            self.bench.assert_in_no_file_but(&token, names);
        }
    }

    fn yaml(&self, name: &str, text: &str) -> Option<Value> {
        let consumers = Consumers::build()?;
        let file = self.bench.file(name, text);
        Some(consumers.read("yaml", &file).unwrap())
    }

    fn bash(&self, script: &str) -> Command {
        let mut bash = self.bench.command("bash");
        bash.args(["-e", "-c", script]);
        bash
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_job_of_github_joins() {
    let mut page = Page::open("github-actions");
    let found = Identified::of(&mut page).with_files(&mut page);
    let workflow = page.take("yaml");
    page.leave();
    let Some(workflow) = found.yaml("workflow.yaml", &workflow) else {
        return;
    };
    assert_eq!(workflow["permissions"]["id-token"], "write");
    let steps = workflow["jobs"]["deploy"]["steps"].as_array().unwrap();
    let run = steps.last().unwrap()["run"].as_str().unwrap();
    found.in_repository();
    // Both files lead to GitHub's token service, which is not here.
    let output = found.bash(run).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let expected = "$ACTIONS_ID_TOKEN_REQUEST_URL is not set";
    assert!(said.contains(expected), "{said}");
    let found = found.replacing(r#"token-source = "github""#, r#"token-env = "TOKEN""#);
    let found = found.replacing(r#"sources = ["github"]"#, r#"environment = ["TOKEN"]"#);
    fs::remove_dir_all(found.bench.world.path().join("work/ci")).unwrap();
    found.in_repository();
    let mut bash = found.bash(run);
    bash.env("TOKEN", found.token());
    found.bench.succeeds(bash);
    found.assert_joined(&[]);
}

#[test]
fn a_job_of_gitlab_joins() {
    let mut page = Page::open("gitlab");
    let found = Identified::of(&mut page).with_files(&mut page);
    let Some(jobs) = found.yaml(".gitlab-ci.yml", &page.take("yaml")) else {
        return;
    };
    let job = &jobs["deploy"];
    let tokens = job["id_tokens"].as_object().unwrap();
    found.in_repository();
    let script: Vec<_> = job["script"].as_array().unwrap().iter().collect();
    let script: Vec<_> = script.iter().map(|line| line.as_str().unwrap()).collect();
    let mut bash = found.bash(&script.join("\n"));
    for (name, said) in tokens {
        assert_eq!(said["aud"], found.identity.audience);
        bash.env(name, found.token());
    }
    found.bench.succeeds(bash);
    found.assert_joined(&[]);
}

#[test]
fn a_job_of_buildkite_joins() {
    let mut page = Page::open("buildkite");
    let found = Identified::of(&mut page).with_files(&mut page);
    let Some(pipeline) = found.yaml("pipeline.yml", &page.take("yaml")) else {
        return;
    };
    let command = pipeline["steps"][0]["command"].as_str().unwrap();
    found.in_repository();
    let directory = found.bench.world.path().join("work/ci");
    for path in ["config.toml", "policy.toml"].map(|name| directory.join(name)) {
        set_mode(&path, 0o644);
    }
    set_mode(&directory, 0o755);
    let audience = &found.identity.audience;
    let arguments = format!("oidc request-token --audience {audience}");
    found.put_printer("buildkite-agent", &arguments);
    found.bench.succeeds(found.bash(command));
    found.assert_joined(&["buildkite-agent"]);
}

#[test]
fn a_machine_of_aws_joins() {
    let mut page = Page::open("aws");
    let found = Identified::of(&mut page).with_files(&mut page);
    found.at_home();
    let audience = &found.identity.audience;
    let arguments = format!(
        "sts get-web-identity-token --audience {audience} --signing-algorithm ES384 \
         --duration-seconds 300 --query WebIdentityToken --output text"
    );
    found.put_printer("aws", &arguments);
    found.bench.run("sh", &page.take("sh"));
    found.assert_joined(&["aws"]);
}

/// Joins by a platform that is asked for the token once.
fn joins_by(name: &'static str, platform: &Platform) {
    let mut page = Page::open(name);
    let found = Identified::of(&mut page).with_files(&mut page);
    found.at_home();
    let simulator = &found.bench.world.simulator;
    let tokens = found.issuer.mint(&found.subject());
    let source = Source::start(simulator, platform, tokens).unwrap();
    let mut shell = found.bench.command("sh");
    shell.args(["-e", "-c", &page.take("sh")]);
    shell.envs(source.variables());
    found.bench.succeeds(shell);
    assert_eq!(source.requests().len(), 1);
    found.assert_joined(&[]);
}

#[test]
fn a_machine_of_google_joins() {
    joins_by("gcp", &Platform::GcpMetadata);
}

#[test]
fn a_machine_of_azure_joins() {
    joins_by("azure", &Platform::AzureAppService);
}

#[test]
fn a_machine_of_fly_asks_at_its_socket() {
    let mut page = Page::open("fly");
    let found = Identified::of(&mut page).with_files(&mut page);
    let work = found.bench.world.path().join("work");
    for (name, text) in ["config.toml", "policy.toml"].iter().zip(&found.files) {
        found.bench.file(name, text);
    }
    let block = page.take("sh");
    let here = block.replace("/app/", &format!("{}/", work.display()));
    assert_ne!(here, block);
    let mut shell = found.bench.command("sh");
    shell.args(["-e", "-c", &here]);
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(15), "{said}");
    assert!(said.contains("/.fly/api"), "{said}");
}

#[test]
fn a_machine_with_a_file_of_spiffe_joins() {
    let mut page = Page::open("spiffe");
    let found = Identified::of(&mut page);
    let helper = page.take("hcl");
    let value = |name: &str| {
        let name = format!("{name} = ");
        let mut lines = helper.lines();
        let value = lines.find_map(|line| line.trim().strip_prefix(&name));
        value.unwrap().trim_matches('"').to_owned()
    };
    assert_eq!(value("jwt_audience"), found.identity.audience);
    let directory = value("cert_dir");
    let file = value("jwt_svid_file_name");
    let found = found.with_files(&mut page);
    for text in &found.files {
        assert!(text.contains(&format!("\"{directory}/{file}\"")), "{text}");
    }
    let here = found.bench.world.path().join("helper");
    let found = found.replacing(&directory, &here.display().to_string());
    fs::create_dir(&here).unwrap();
    let token = here.join(file);
    fs::write(&token, found.token()).unwrap();
    set_mode(&token, 0o600);
    found.at_home();
    found.bench.run("sh", &page.take("sh"));
    found.assert_joined(&["token"]);
}

/// A volume with the token in it at this path, as the kubelet writes it and a container has it:
/// in memory, open to all that see the mount, and read-only there.
fn project(token: &str, at: &Path) {
    let mount = |arguments: &[&str]| {
        let done = Command::new("mount").args(arguments).arg(at).status();
        assert!(done.unwrap().success(), "{arguments:?}");
    };
    fs::create_dir(at).unwrap();
    mount(&["-t", "tmpfs", "-o", "mode=1777", "tmpfs"]);
    let written = at.join("..2026_11_26_10_00_00.1");
    fs::create_dir(&written).unwrap();
    set_mode(&written, 0o755);
    fs::write(written.join("token"), token).unwrap();
    set_mode(&written.join("token"), 0o644);
    symlink("..2026_11_26_10_00_00.1", at.join("..data")).unwrap();
    symlink("..data/token", at.join("token")).unwrap();
    mount(&["-o", "remount,ro"]);
}

#[test]
fn a_pod_mints_with_the_token_of_its_volume() {
    if !is_really_root() {
        println!("skipped: it takes root to mount a volume");
        return;
    }
    in_mount_namespace(mint_in_a_pod);
}

fn mint_in_a_pod() {
    let mut page = Page::open("kubernetes");
    // Those of a key in a Secret.
    for language in ["sh", "yaml"] {
        page.take(language);
    }
    let found = Identified::of(&mut page).with_files(&mut page);
    let (configure, pod) = (page.take("sh"), page.take("yaml"));
    let Some(consumers) = Consumers::build() else {
        return;
    };
    let bench = &found.bench;
    let file = bench.file("pod.yaml", &pod);
    consumers.read("pod", &file).unwrap();
    let pod = &consumers.read("yaml", &file).unwrap()["spec"];
    let container = &pod["containers"][0];
    let source = &pod["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(source["audience"], found.identity.audience);
    let mount = container["volumeMounts"][0]["mountPath"].as_str().unwrap();
    let path = format!("\"{mount}/{}\"", source["path"].as_str().unwrap());
    for text in &found.files {
        assert!(text.contains(&path), "{text}");
    }
    let at = found.bench.world.path().join("volume");
    project(&found.token(), &at);
    let found = found.replacing(mount, &at.display().to_string());
    let bench = &found.bench;
    for (name, text) in ["config.toml", "policy.toml"].iter().zip(&found.files) {
        bench.file(name, text);
    }
    // A volume with these files is where the pod's command looks for them.
    let mounted = bench.world.path().join("tailmint");
    let kubectl = format!(
        r#"[ "$1 $2 $3" = "create configmap tailmint" ] || exit 1
        mkdir '{0}'
        for argument; do
            case $argument in
                --from-file=*) cp "${{argument#--from-file=}}" '{0}' ;;
            esac
        done"#,
        mounted.display()
    );
    bench.put("kubectl", &kubectl);
    bench.run("sh", &configure);
    bench.put("app", r#"printf %s "$TS_AUTHKEY" | sha256sum"#);
    let words = container["command"].as_array().unwrap();
    let words: Vec<_> = words.iter().map(|word| word.as_str().unwrap()).collect();
    let mut command = bench.command(words[0]);
    for word in &words[1..] {
        command.arg(word.replace("/tailmint/", &format!("{}/", mounted.display())));
    }
    let printed = bench.succeeds(command);
    assert!(printed.starts_with(&sha256(bench.key().as_bytes())));
    found.assert_minted(&["token"]);
    let unmounted = Command::new("umount").arg(&at).status().unwrap();
    assert!(unmounted.success());
}
