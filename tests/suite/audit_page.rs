//! The page of an audit report in a real browser, and the picture of it in the documents.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    installed::is_installed,
    world::{World, workspace},
    written_log::{By, ME, WrittenLog},
};

/// When the month of the picture ends.
const END: &str = "2026-11-26T12:00:00Z";

/// The most that the picture may have, in bytes.
const MOST_PICTURE: u64 = 200_000;

/// The browser, by the names that it has on Debian and elsewhere.
fn browser() -> Option<PathBuf> {
    let given = env::var_os("CHROMIUM").map(PathBuf::from);
    let usual = ["chromium", "chromium-browser", "google-chrome"];
    given.or_else(|| usual.iter().find_map(|name| which::which(name).ok()))
}

/// The directory with what drives the browser, installed as its lock file says.
fn kit() -> PathBuf {
    let kit = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    let from = workspace().join("tests/report");
    fs::create_dir_all(&kit).unwrap();
    for name in ["look.js", "package.json", "package-lock.json"] {
        fs::copy(from.join(name), kit.join(name)).unwrap();
    }
    let wanted = fs::read(kit.join("package-lock.json")).unwrap();
    let stamp = kit.join("installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return kit;
    }
    let npm = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(&kit)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&npm.stderr);
    assert!(npm.status.success(), "npm ci in {}: {said}", kit.display());
    fs::write(stamp, wanted).unwrap();
    kit
}

/// What the browser says of the page, or `None` where there is no browser.
fn look(page: &Path, picture: Option<&Path>) -> Option<Value> {
    let programs = ["node", "npm"].iter().all(|it| which::which(it).is_ok());
    let browser = browser().filter(|_| programs);
    let what = "the page of the audit report in a browser";
    if !is_installed(
        browser.is_some(),
        "chromium (apt-get install chromium, and Node.js)",
        what,
    ) {
        return None;
    }
    let kit = kit();
    let ran = Command::new("node")
        .arg("look.js")
        .arg(page)
        .args(picture)
        .env("CHROMIUM", browser?)
        .current_dir(kit)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "look.js: {said}");
    Some(serde_json::from_slice(&ran.stdout).unwrap())
}

/// Writes the page as the command does.
fn page(world: &World, log: &WrittenLog, arguments: &[&str]) -> PathBuf {
    let file = log.save(world);
    let page = world.path().join("report.html");
    let ran = world
        .bare(&["audit", "report", "--until", END, "--audit-file"])
        .arg(&file)
        .arg("--html")
        .arg(&page)
        .args(arguments)
        .run();
    assert!(page.exists(), "{ran}");
    page
}

/// The page is as it should be, in light, in dark and on paper.
fn is_in_order(seen: &Value) {
    for nothing in ["messages", "requests", "hidden", "wide"] {
        assert_eq!(seen[nothing], serde_json::json!([]), "{nothing}");
    }
    for media in ["light", "dark", "print"] {
        assert_eq!(seen["violations"][media], serde_json::json!([]), "{media}");
        // It was looked at.
        assert!(seen["checked"][media].as_u64().unwrap() > 20, "{seen}");
    }
}

#[test]
fn a_page_is_readable_for_everybody_and_asks_for_nothing() {
    let world = World::new();
    let log = a_month();
    if let Some(seen) = look(&page(&world, &log, &["--since", "30d"]), None) {
        is_in_order(&seen);
    }
}

#[test]
fn a_page_about_nothing_and_one_about_a_changed_log_are_too() {
    let world = World::new();
    let empty = WrittenLog::new();
    if let Some(seen) = look(&page(&world, &empty, &[]), None) {
        is_in_order(&seen);
    }
    fs::remove_file(world.path().join("report.html")).unwrap();
    let mut changed = a_month();
    changed.text = changed.text.replacen("tag:lab", "tag:<b>", 3) + "{\"v\":1,\"se";
    let head = "0".repeat(64);
    let arguments = ["--since", "2026-11-20", "--head", &head];
    if let Some(seen) = look(&page(&world, &changed, &arguments), None) {
        is_in_order(&seen);
    }
}

#[test]
fn the_picture_in_the_documents_is_drawn_by_this_command() {
    let picture = workspace().join("docs/audit-report.png");
    if env::var_os("TAILMINT_BLESS").is_some() {
        let world = World::new();
        let log = a_month();
        let head = log.text.lines().last().unwrap();
        let head: Value = serde_json::from_str(head).unwrap();
        let hash = head["hash"].as_str().unwrap();
        let page = page(&world, &log, &["--since", "2026-10-27", "--head", hash]);
        // Where a reader's own is.
        let text = fs::read_to_string(&page).unwrap();
        let own = world.path().join("written.jsonl").display().to_string();
        let usual = "/home/me/.local/state/tailmint/audit.jsonl";
        fs::write(&page, text.replace(&own, usual)).unwrap();
        look(&page, Some(&picture));
    }
    let size = fs::metadata(&picture).map_or(0, |it| it.len());
    assert!(
        size > 10_000 && size < MOST_PICTURE,
        "docs/audit-report.png has {size} bytes; draw it anew, and look at it:\n\
         TAILMINT_BLESS=1 cargo test -p tailmint-cli --all-features --test suite audit_page"
    );
}

/// A month of a small fleet: more on weekdays, a rotation, a new policy and some denials.
fn a_month() -> WrittenLog {
    let mut log = WrittenLog::new();
    let end: Timestamp = END.parse().unwrap();
    let mut number = 0_u32;
    for day in 0..30_u32 {
        let midnight = end - SignedDuration::from_hours(i64::from(24 * (30 - day)) - 1);
        let client = if day < 17 {
            "kBOOT1CNTRL"
        } else {
            "kBOOT2CNTRL"
        };
        let policy = if day < 12 { 'a' } else { 'b' };
        let version = if day < 20 { "0.1.0" } else { "0.2.0" };
        let component = if day < 20 { 'c' } else { 'd' };
        let by = By {
            client,
            policy,
            component,
            version,
            ..ME
        };
        let ci = By {
            user: "runner",
            uid: 1001,
            pid: 20_000 + day,
            client: "TiCNTRL-kCICNTRL",
            ..by
        };
        let root = By {
            user: "root",
            uid: 0,
            pid: 300 + day,
            ..by
        };
        let is_weekend = day % 7 == 4 || day % 7 == 5;
        // Neither drawn at random nor regular.
        let mints = if is_weekend {
            2
        } else {
            9 + (day * day * 7 + day * 3) % 13
        };
        for mint in 0..mints {
            number += 1;
            let time = midnight + SignedDuration::from_mins(i64::from(mint * 40 % 1200));
            let (who, tag) = match (number * 7 + day) % 10 {
                0..6 => (ci, "tag:ci"),
                6 | 7 => (by, "tag:tazpod"),
                8 => (root, "tag:tazpod"),
                _ => (by, "tag:lab"),
            };
            let id = format!("kT{}{}CNTRL", number % 9, number + 1000);
            let expiry = if number.is_multiple_of(59) {
                30 * 86_400
            } else {
                3600
            };
            log.mint(time, who, &id, tag, expiry);
            if number % 11 == 3 {
                log.delete(time + SignedDuration::from_mins(5), who, "revoke", &id);
            }
        }
        let noon = midnight + SignedDuration::from_hours(20);
        if [9, 10, 11].contains(&day) {
            let reason = "body.expirySeconds: 86400 is more than 3600 seconds";
            (0..day - 7).for_each(|_| log.denial(noon, by, "report", reason));
        }
        if [6, 13, 14, 21, 27].contains(&day) {
            let reason = "body.capabilities.devices.create.tags: \"tag:prod\" is not allowed";
            (0..=day % 5).for_each(|_| log.denial(noon, by, "deny", reason));
        }
        if day == 16 {
            let owner = By {
                client: "kOWNERCNTRL",
                ..root
            };
            log.create_client(noon, owner, "kBOOT2CNTRL");
            log.delete(noon, owner, "delete-client", "kBOOT1CNTRL");
        }
    }
    log
}
