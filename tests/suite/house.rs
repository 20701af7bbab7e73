//! The house: which crate may use which, no circles between the modules of a crate, and
//! every exported type in the file of its name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use syn::{Item, UseTree, Visibility, visit::Visit};

use crate::world::workspace;

/// What each crate may use of the others, in one direction.
const ARROWS: [(&str, &[&str]); 10] = [
    ("tailmint-api", &[]),
    ("tailmint-minter", &["tailmint-api"]),
    ("tailmint-gate", &["tailmint-api"]),
    ("tailmint-core", &["tailmint-api"]),
    ("tailmint-policy", &["tailmint-api", "tailmint-core"]),
    ("tailmint-audit", &["tailmint-api", "tailmint-core"]),
    (
        "tailmint",
        &[
            "tailmint-api",
            "tailmint-audit",
            "tailmint-core",
            "tailmint-policy",
        ],
    ),
    (
        "tailmint-operator",
        &[
            "tailmint",
            "tailmint-api",
            "tailmint-audit",
            "tailmint-core",
            "tailmint-policy",
        ],
    ),
    (
        "tailmint-cli",
        &[
            "tailmint",
            "tailmint-api",
            "tailmint-audit",
            "tailmint-core",
            "tailmint-operator",
            "tailmint-policy",
            // With the feature `demo`.
            "tailmint-simulator",
        ],
    ),
    (
        "tailmint-vault-engine",
        &[
            "tailmint",
            "tailmint-api",
            "tailmint-audit",
            "tailmint-core",
            "tailmint-operator",
            "tailmint-policy",
        ],
    ),
];

/// What whoever embeds the library does not compile: the command line, and what only
/// operators need.
const NOT_FOR_EMBEDDERS: [&str; 11] = [
    "annotate-snippets",
    "anstream",
    "clap",
    "clap_complete",
    "clap_mangen",
    "indicatif",
    // A process belongs to who embeds the library: it confines none.
    "landlock",
    "seccompiler",
    "tailmint-operator",
    "tempfile",
    "which",
];

/// What only the secrets engine of Vault speaks, and the command does not compile.
const NOT_FOR_THE_COMMAND: [&str; 5] = [
    "p521",
    "prost",
    "tailmint-vault-engine",
    "tonic",
    "tonic-prost",
];

/// What would let the policy touch the world.
const NOT_FOR_THE_POLICY: [&str; 6] = ["hyper", "mio", "rustix", "socket2", "tempfile", "wasmtime"];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(workspace())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The crates that a crate is compiled with.
fn tree(package: &str) -> BTreeSet<String> {
    let tree = cargo(&[
        "tree",
        "--offline",
        "--locked",
        "--package",
        package,
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

/// What cargo says of the workspace.
fn metadata() -> Value {
    let said = cargo(&[
        "metadata",
        "--offline",
        "--locked",
        "--no-deps",
        "--format-version",
        "1",
    ]);
    serde_json::from_str(&said).unwrap()
}

#[test]
fn arrows_between_the_crates_go_one_way() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let mut seen = 0;
    for (name, allowed) in ARROWS {
        let package = packages.iter().find(|it| it["name"] == name).unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            let is_ours = other.starts_with("tailmint") && dependency["kind"].is_null();
            assert!(!is_ours || allowed.contains(&other), "{name} uses {other}");
            seen += usize::from(is_ours);
        }
    }
    assert!(seen >= 15, "{seen} arrows");
    // Whoever adds a crate says here what it may use.
    let houses = packages.iter().filter(|package| {
        let manifest = package["manifest_path"].as_str().unwrap();
        ["guest", "host"]
            .iter()
            .any(|house| Path::new(manifest).starts_with(workspace().join(house)))
    });
    assert_eq!(houses.count(), ARROWS.len());
}

#[test]
fn an_embedder_compiles_no_command_line_and_no_operator() {
    let tree = tree("tailmint");
    assert!(tree.contains("wasmtime"), "{tree:?}");
    for name in NOT_FOR_EMBEDDERS {
        assert!(!tree.contains(name), "an embedder compiles {name}");
    }
}

#[test]
fn the_command_does_not_compile_the_engine_for_vault() {
    for (name, is_there) in [("tailmint-cli", false), ("tailmint-vault-engine", true)] {
        let tree = tree(name);
        assert!(tree.contains("tailmint-operator"), "{tree:?}");
        for other in NOT_FOR_THE_COMMAND {
            assert_eq!(tree.contains(other), is_there, "{name} with {other}");
        }
    }
    let metadata = metadata();
    // What is built without further words is the command alone.
    let default = metadata["workspace_default_members"].as_array().unwrap();
    assert_eq!(default.len(), 1);
    assert!(
        default[0].as_str().unwrap().contains("host/cli"),
        "{default:?}"
    );
}

#[test]
fn the_policy_touches_no_file_and_no_network() {
    let tree = tree("tailmint-policy");
    for name in NOT_FOR_THE_POLICY {
        assert!(!tree.contains(name), "the policy has {name}");
    }
    for (path, text) in sources("host/policy/src") {
        for word in ["std::fs", "std::net", "std::env", "SystemTime", "Instant"] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

/// The crates whose modules are looked at.
const CRATES: [&str; 10] = [
    "guest/api/src",
    "guest/gate/src",
    "guest/minter/src",
    "host/audit/src",
    "host/cli/src",
    "host/core/src",
    "host/engine/src",
    "host/operator/src",
    "host/policy/src",
    "host/vault-engine/src",
];

fn sources(root: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut directories = vec![workspace().join(root)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// The modules right below the root of a crate, each with those that it uses.
fn uses(root: &str) -> BTreeMap<String, BTreeSet<String>> {
    let base = workspace().join(root);
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut files = Vec::new();
    for (path, text) in sources(root) {
        let own = path.strip_prefix(&base).unwrap();
        let first = own.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs").to_owned();
        graph.entry(module.clone()).or_default();
        files.push((module, own.iter().count(), text));
    }
    let modules: BTreeSet<_> = graph.keys().cloned().collect();
    for (module, depth, text) in files {
        let mut found = Found {
            depth,
            names: BTreeSet::new(),
        };
        found.visit_file(&syn::parse_file(&text).unwrap());
        let others = found.names.into_iter().filter(|name| *name != module);
        let others = others.filter(|name| modules.contains(name));
        graph.get_mut(&module).unwrap().extend(others);
    }
    // The root only gathers what the others have.
    for root in ["lib", "main", "internals"] {
        graph.remove(root);
    }
    graph
}

/// The first names behind `crate::` and behind `super::` of the root's modules.
struct Found {
    depth: usize,
    names: BTreeSet<String>,
}

impl Found {
    fn tree(&mut self, tree: &UseTree, at_root: bool) {
        match tree {
            UseTree::Path(path) if path.ident == "crate" => self.tree(&path.tree, true),
            UseTree::Path(path) if path.ident == "super" && self.depth == 1 => {
                self.tree(&path.tree, true);
            }
            UseTree::Path(path) if at_root => {
                self.names.insert(path.ident.to_string());
            }
            UseTree::Name(name) if at_root => {
                self.names.insert(name.ident.to_string());
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, at_root)),
            _ => {}
        }
    }
}

impl<'a> Visit<'a> for Found {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.tree(&item.tree, false);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        let is_test = item.attrs.iter().any(|it| it.path().is_ident("cfg"));
        if !is_test {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let mut segments = path.segments.iter();
        if segments.next().is_some_and(|it| it.ident == "crate")
            && let Some(next) = segments.next()
        {
            self.names.insert(next.ident.to_string());
        }
        syn::visit::visit_path(self, path);
    }
}

#[test]
fn no_modules_of_a_crate_use_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for root in CRATES {
        let graph = uses(root);
        for start in graph.keys() {
            // Whether the module is reached from what it uses.
            let mut reached = BTreeSet::new();
            let mut next: Vec<_> = graph[start].iter().collect();
            while let Some(module) = next.pop() {
                if reached.insert(module) {
                    next.extend(graph.get(module).into_iter().flatten());
                }
            }
            if reached.contains(start) {
                circles.push(format!("{root}: {start}, by {:?}", graph[start]));
            }
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

/// Types that share a file with the one that they belong to: its error, its parts, or what
/// it returns.
fn belongs(file: &str, name: &str, others: &[String]) -> bool {
    let plain = |text: &str| text.replace('_', "").to_lowercase();
    let (file, own) = (plain(file), plain(name));
    if own == file || own == format!("{file}error") || file == format!("{own}s") {
        return true;
    }
    // Beside the type of the file's name, small ones that only it uses.
    others.iter().any(|other| plain(other) == file)
}

/// Files that hold several types of one kind, each with the reason.
const SEVERAL: [(&str, &str); 16] = [
    (
        "guest/api/src/operation.rs",
        "one table makes the operations and the rules",
    ),
    (
        "guest/minter/src",
        "the types of the contract are generated",
    ),
    (
        "host/engine/src/internals.rs",
        "the parts for benchmarks and properties",
    ),
    ("host/policy/src/member.rs", "the kinds of members"),
    ("host/policy/src/document.rs", "the table of members"),
    ("host/policy/src/seen.rs", "what the members judge"),
    ("host/cli/src", "a command exports nothing"),
    ("guest/gate/src/allow.rs", "what the one function takes"),
    (
        "host/engine/src/minter/oauth_client.rs",
        "what is known of one, in three ways",
    ),
    (
        "host/engine/src/minter/federated_identity.rs",
        "what is known of one, in two ways",
    ),
    (
        "host/operator/src/clients/",
        "what each operation returns, beside it",
    ),
    (
        "host/operator/src/identities/move_from.rs",
        "what the operation returns, beside it",
    ),
    (
        "host/operator/src/credentials/shape.rs",
        "the shapes of values, judged beside them",
    ),
    (
        "host/operator/src/tailscale/status.rs",
        "what tailscale says of the machine",
    ),
    (
        "host/operator/src/tailscale/program.rs",
        "a module named like its parent says less",
    ),
    (
        "host/operator/src/vault/push",
        "what a delivery needs and what came back",
    ),
];

#[test]
fn every_exported_type_is_in_the_file_of_its_name() {
    let mut elsewhere = Vec::new();
    let mut types = 0;
    for root in CRATES {
        for (path, text) in sources(root) {
            let shown = path
                .strip_prefix(workspace())
                .unwrap()
                .display()
                .to_string();
            if SEVERAL
                .iter()
                .any(|(several, _)| shown.starts_with(several))
            {
                continue;
            }
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let file = match stem {
                "mod" => path
                    .parent()
                    .unwrap()
                    .file_name()
                    .unwrap()
                    .to_str()
                    .unwrap(),
                stem => stem,
            };
            let parent = path.parent().unwrap().file_name().unwrap();
            // `minter/builder.rs` holds `MinterBuilder`.
            let whole = format!("{}{file}", parent.to_str().unwrap());
            let items = syn::parse_file(&text).unwrap().items;
            let names: Vec<String> = items.iter().filter_map(exported).collect();
            types += names.len();
            for name in &names {
                if !belongs(file, name, &names) && !belongs(&whole, name, &names) {
                    elsewhere.push(format!("{shown}: {name}"));
                }
            }
        }
    }
    assert!(types > 60, "{types} types");
    assert!(elsewhere.is_empty(), "{}", elsewhere.join("\n"));
}

fn exported(item: &Item) -> Option<String> {
    let (visibility, name) = match item {
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    matches!(visibility, Visibility::Public(_)).then(|| name.to_string())
}
