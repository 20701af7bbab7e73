//! What is written down, and what stands nowhere.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tailmint_simulator::{Endpoint, Fault};

use crate::lab::{Lab, holds_any};

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn both_audit_logs_have_the_number_of_the_request() {
    let Some(lab) = Lab::ready() else { return };
    let (lease, id) = lab.key();
    lab.done(&["lease", "revoke", "-sync", &lease]);
    let own = lines(&lab.audit_file());
    let minting = own.iter().find(|it| it["key"] == id.as_str()).unwrap();
    assert_eq!(minting["operation"], "mint");
    let request = minting["request"].as_str().unwrap();
    let vaults = lines(&lab.at("vault-audit.log"));
    let paths: BTreeSet<_> = vaults
        .iter()
        .filter(|it| it["request"]["id"] == request)
        .map(|it| it["request"]["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, BTreeSet::from(["ts/creds/web"]));
    // All of it is one chain, also over the processes that wrote it.
    assert!(own.iter().all(|it| it["policy"] == own[0]["policy"]));
    let verification = tailmint_audit::verify(&lab.audit_file());
    assert!(verification.is_ok());
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_secret_stands_in_a_file_a_log_or_an_environment() {
    let Some(lab) = Lab::ready() else { return };
    let (lease, _) = lab.key();
    lab.done(&["write", "-f", "ts/config/rotate-root"]);
    lab.key();
    lab.done(&["lease", "revoke", "-sync", &lease]);
    // What others say is not repeated either.
    let secret = lab.simulator.keys()[0].key.clone();
    lab.simulator
        .misbehave(Endpoint::Keys, Fault::answer(400, &[], &secret), 1);
    assert_eq!(lab.vault(&["read", "ts/creds/web"]).code, 2);
    let process = lab.engine_process().unwrap();
    let mut searched = 0;
    for path in files(&lab.at("")) {
        let shown = path.display().to_string();
        if shown.ends_with("vault-audit.log") || shown.contains("/plugins/") {
            continue;
        }
        lab.assert_no_secret(&fs::read(&path).unwrap(), &shown);
        searched += 1;
    }
    assert!(searched >= 5, "{searched} files");
    // Vault's audit device has the hash of it in its place.
    let audit = fs::read(lab.at("vault-audit.log")).unwrap();
    lab.assert_no_secret(&audit, "the audit device");
    assert!(String::from_utf8_lossy(&audit).contains("hmac-sha256:"));
    for name in ["environ", "cmdline"] {
        // Nobody but root reads the environment of a process that leaves no core.
        let path = format!("/proc/{process}/{name}");
        lab.assert_no_secret(&fs::read(path).unwrap_or_default(), name);
    }
    // What is searched for is there to be found where it belongs.
    let given = lab.json("read", "ts/creds/web").to_string();
    let key = lab.simulator.keys().pop().unwrap().key;
    assert!(holds_any(given.as_bytes(), &[key]));
}
