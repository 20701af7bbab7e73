use std::{
    collections::HashMap,
    error::Error,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use tailmint_benchmark::task::{Client, Seen, Work};
use tailmint_simulator::{OauthClient, Recorded, Setup, Simulator};

/// Tasks that mint at once.
const TASKS: usize = 64;
/// Mints one after the other.
const SEQUENTIAL: usize = 1_000;
/// What memory may grow by from the hundredth of them to the last.
const MAX_GROWTH_KIB: i64 = 5 * 1024;

/// Mints with one `Minter` in a process of its own, and looks on both sides for what
/// went wrong.
pub(crate) fn run(program: &Path, seconds: u64) -> Result<(), Box<dyn Error>> {
    let clients: Vec<_> = (0..TASKS)
        .map(|task| {
            let tag = format!("tag:task-{task}");
            OauthClient::new(&format!("task-{task}"), &["auth_keys"], &[&tag])
        })
        .collect();
    let simulator = Simulator::start(&Setup {
        clients: clients.clone(),
        ..Setup::default()
    })?;
    let folder = tempfile::tempdir()?;
    let ca = folder.path().join("ca.pem");
    simulator.write_ca(&ca)?;
    let clients: Vec<_> = clients
        .iter()
        .map(|client| Client {
            id: client.id.clone(),
            secret: client.secret.clone(),
            tag: client.tags[0].clone(),
        })
        .collect();
    let seen = hand_over(
        program,
        &Work {
            to: simulator.address().to_string(),
            ca: ca.display().to_string(),
            clients: clients.clone(),
            sequential: SEQUENTIAL,
            seconds,
        },
    )?;
    let crossed = crossed(&simulator.requests(), &clients);
    println!(
        "{SEQUENTIAL} mints one after the other: {:.2} ms each, 99 of 100 within {:.2} ms; \
         memory {:+.1} MiB after the hundredth, descriptors {} then, {} at the end",
        seen.p50_ms,
        seen.p99_ms,
        seen.growth_kib as f64 / 1024.0,
        seen.descriptors[0],
        seen.descriptors[1],
    );
    println!(
        "{TASKS} tasks for {:.0} s: {} mints, {:.0} a second, {:.0} for each second of a core; \
         {} errors, {} requests of one task with what is another's; \
         {} connections, peak {:.1} MiB",
        seen.elapsed_s,
        seen.mints,
        seen.mints as f64 / seen.elapsed_s,
        seen.mints as f64 / seen.cpu_s,
        seen.errors.len(),
        crossed.len(),
        simulator.connections(),
        seen.peak_kib as f64 / 1024.0,
    );
    for wrong in seen.errors.iter().chain(&crossed).take(5) {
        println!("  {wrong}");
    }
    let sound = seen.errors.is_empty()
        && crossed.is_empty()
        && seen.growth_kib <= MAX_GROWTH_KIB
        && seen.descriptors[0] == seen.descriptors[1];
    if sound {
        Ok(())
    } else {
        Err("a minter that is used by many does not do what it should".into())
    }
}

fn hand_over(program: &Path, work: &Work) -> Result<Seen, Box<dyn Error>> {
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(serde_json::to_string(work)?.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err("the minting process failed".into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The requests for keys whose description is not of the client that the token was
/// given to, and the answers with another description than was asked for.
fn crossed(requests: &[Recorded], clients: &[Client]) -> Vec<String> {
    let mut owners = HashMap::new();
    let mut crossed = Vec::new();
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    for request in requests {
        let Some(answer) = &request.answer else {
            continue;
        };
        let answer = json(&answer.body);
        if let Some(token) = answer["access_token"].as_str() {
            let form = request.form();
            let id = form.iter().find(|(name, _)| name == "client_id");
            let client = clients
                .iter()
                .find(|client| id.is_some_and(|(_, id)| *id == client.id));
            owners.insert(format!("Bearer {token}"), client);
            continue;
        }
        let asked = json(&request.body)["description"].clone();
        let owner = request
            .header("authorization")
            .and_then(|bearer| owners.get(bearer).copied().flatten());
        let task = owner.map(|client| client.tag.trim_start_matches("tag:"));
        let own = asked
            .as_str()
            .and_then(|text| text.split(' ').next())
            .is_some_and(|name| Some(name) == task);
        if !own || answer["description"] != asked {
            crossed.push(format!("{asked} with the token of {task:?}"));
        }
    }
    crossed
}
