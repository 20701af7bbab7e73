//! The picture in the README, made from what the command prints.

use std::{env, fs};

use anstyle_svg::{Term, WIN10_CONSOLE};
use regex::{Captures, Regex};

use crate::{
    ran::limits_of_new_kernel,
    stand_in::{StandIn, running},
    world::{World, workspace},
};

/// A terminal that is wide enough for most lines, and still readable on a web page.
const COLUMNS: usize = 116;

/// The commands, as a user types them.
const COMMANDS: [&[&str]; 4] = [
    &["check"],
    &["up"],
    &["mint", "--tag", "tag:lab"],
    &["audit", "tail", "-n", "5"],
];

#[test]
fn shows_what_the_command_prints() {
    let path = workspace().join("docs/demo.svg");
    let session = wrapped(&session());
    let picture = scaling(&Term::new().palette(WIN10_CONSOLE).render_svg(&session));
    if env::var_os("TAILMINT_BLESS").is_some() {
        fs::write(path, picture).unwrap();
        return;
    }
    let drawn = fs::read_to_string(path).unwrap_or_default();
    assert!(
        drawn == picture,
        "docs/demo.svg does not show what the commands print; draw it anew, and look at it:\n\
         TAILMINT_BLESS=1 cargo test -p tailmint-cli --all-features --test suite picture"
    );
}

/// The commands with what they print, in colours.
fn session() -> String {
    let world = World::new();
    let stand_in = StandIn::new(&world, "NeedsLogin");
    stand_in.write("in.json", &running().replace("a.example", "db.example"));
    let mut session = String::new();
    for arguments in COMMANDS {
        let bin = stand_in.path().parent().unwrap().display().to_string();
        let ran = world
            .tailmint(&["--color", "always"])
            .args(arguments)
            .env("PATH", format!("{bin}:/usr/bin:/bin"))
            .run();
        world.assert_no_secret(ran.stdout.as_bytes(), "the picture");
        session += &format!(
            "\u{1b}[1m$ tailmint {}\u{1b}[0m\n{}{}\n",
            arguments.join(" "),
            limits_of_new_kernel(&ran.stdout),
            ran.stderr
        );
    }
    // What it is for: a machine joins, a key is denied, and both are on record.
    assert!(session.contains("db.example.ts.net joined"), "{session}");
    assert!(session.contains("tag:lab"), "{session}");
    assert_eq!(world.simulator.live_keys().len(), 1);
    steady(&world, session.trim_end())
}

/// The session of a user called `me`, at one moment, on one machine.
fn steady(world: &World, session: &str) -> String {
    let session = world
        .steady(session)
        .replace("[dir]/bin", "/usr/bin")
        .replace("[dir]", "/home/me");
    let mut runs = Vec::new();
    let session = replaced(&session, r"\b[0-9a-f]{16}\b", |run| {
        let run = run[0].to_owned();
        let known = runs.iter().position(|it| *it == run);
        let index = known.unwrap_or_else(|| {
            runs.push(run);
            runs.len() - 1
        });
        let index = u32::try_from(index).unwrap();
        format!("{:016x}", 0x6f0c_2a9d_13b4_e857_u64.rotate_left(8 * index))
    });
    let session = replaced(&session, r"\[key (\d+)\]", |key| {
        format!("kTT{}CNTRL", &key[1])
    });
    let session = replaced(&session, r"\b[0-9a-f]{64}\b", |_| "...".to_owned());
    let session = replaced(&session, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", |_| {
        "2026-11-24T13:21:53".to_owned()
    });
    // On loopback, a request takes about that.
    replaced(&session, r"after \d+ ms", |_| "after 1 ms".to_owned())
}

fn replaced(
    text: &str,
    expression: &str,
    replacement: impl FnMut(&Captures<'_>) -> String,
) -> String {
    let expression = Regex::new(expression).unwrap();
    expression.replace_all(text, replacement).into_owned()
}

/// The text with its longer lines broken between words. Escape sequences take no column.
fn wrapped(text: &str) -> String {
    let escape = Regex::new("\u{1b}[^m]*m").unwrap();
    let mut wrapped = String::new();
    for line in text.lines() {
        let mut column = 0;
        for word in line.split_inclusive(' ') {
            let width = escape.replace_all(word, "").trim_end().chars().count();
            if column + width > COLUMNS {
                wrapped += "\n    ";
                column = 4;
            }
            wrapped += word;
            column += width + 1;
        }
        wrapped.push('\n');
    }
    wrapped.trim_end().to_owned()
}

/// The same picture, which keeps its proportions where it is shown smaller.
fn scaling(picture: &str) -> String {
    replaced(
        picture,
        r#"^<svg width="(\d+)px" height="(\d+)px""#,
        |size| format!("{} viewBox=\"0 0 {} {}\"", &size[0], &size[1], &size[2]),
    )
}
