//! A model of the life of a client and its keys: whatever is done, in any order, while the
//! system, the API, other processes and operators do what they do, the files name a client
//! that works, and what lives on is in somebody's hands or named.
//!
//! A walk is a list of steps, drawn at random. A walk that fails is made as short as it still
//! fails, and printed with what happened in it.

mod life;
mod step;

use std::{fs, num::NonZero, sync::Arc, thread};

use proptest::test_runner::{
    Config, FileFailurePersistence, RngSeed, TestCaseError, TestError, TestRunner,
};

use crate::credentials::disturbance::Side;
use life::{Life, Stage};
use step::{Act, CHANGES, ERRORS, Event, Moment, Old, POINTS, Step, walk};

/// How many walks a run takes: the same in each, so that a change is judged by itself.
/// `TAILMINT_WALKS=100000` takes others, and more.
const WALKS: u32 = 5_000;

fn taken(stage: &Arc<Stage>, has_client: bool, steps: &[Step]) -> (Result<(), String>, Arc<Life>) {
    let life = Life::new(stage, has_client);
    let taken = steps.iter().try_for_each(|step| life.take(step));
    (taken.and_then(|()| life.end(steps.len() % 2 == 1)), life)
}

/// The walk as a list, and what happened in it.
fn told(has_client: bool, steps: &[Step], stage: &Arc<Stage>) -> String {
    let begins = if has_client {
        "a client is there"
    } else {
        "no client is there"
    };
    let mut text = format!("a walk, as short as it fails:\n  0. {begins}\n");
    for (number, step) in steps.iter().enumerate() {
        text += &format!("  {}. {step}\n", number + 1);
    }
    let (_, life) = taken(stage, has_client, steps);
    text += &format!("what happened:\n  {}\n", life.log());
    text
}

fn walks(count: u32, seed: RngSeed) {
    let stage = Arc::new(Stage::new());
    let mut runner = TestRunner::new(Config {
        cases: count,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        max_shrink_iters: 2_000,
        rng_seed: seed,
        ..Config::default()
    });
    let outcome = runner.run(&walk(), |(has_client, steps)| {
        let (taken, _) = taken(&stage, has_client, &steps);
        taken.map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, (has_client, steps))) => {
            panic!("{reason}\n{}", told(has_client, &steps, &stage));
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_files_name_a_client_that_works_and_what_lives_on_is_named() {
    let asked = std::env::var("TAILMINT_WALKS").ok();
    let count = asked.as_ref().map_or(WALKS, |count| count.parse().unwrap());
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(8);
    let threads = u32::try_from(threads).unwrap();
    thread::scope(|scope| {
        for thread in 0..threads {
            let share = count / threads + u32::from(thread < count % threads);
            let seed = match asked {
                Some(_) => RngSeed::Random,
                None => RngSeed::Fixed(thread.into()),
            };
            scope.spawn(move || walks(share, seed));
        }
    });
}

/// What each of these does is walked through one call and one fail point after the other.
fn thorough() -> Vec<(bool, Act)> {
    let import = Act::Import {
        back: false,
        replace: true,
    };
    vec![
        (false, Act::Create { replace: false }),
        (true, Act::Create { replace: true }),
        (true, Act::Rotate(Old::Deleted)),
        (true, Act::Rotate(Old::DeletedLater)),
        (true, import),
        (true, Act::Delete),
    ]
}

fn step(act: Act, events: Vec<Event>) -> Step {
    Step {
        act,
        typo: false,
        events,
    }
}

fn assert_holds(stage: &Arc<Stage>, has_client: bool, steps: &[Step]) {
    let (outcome, _) = taken(stage, has_client, steps);
    if let Err(reason) = outcome {
        panic!("{reason}\n{}", told(has_client, steps, stage));
    }
}

#[test]
fn every_call_may_fail_and_every_point_be_the_last() {
    let stage = Arc::new(Stage::new());
    let mut met = Vec::new();
    let mut passed = Vec::new();
    let killed = step(
        Act::Rotate(Old::Deleted),
        vec![Event::Killed(Moment::Point("client-files-synced", 0))],
    );
    let half = step(
        Act::Rotate(Old::Deleted),
        vec![Event::Killed(Moment::Point(
            "client-files-secret-renamed",
            0,
        ))],
    );
    for (has_client, act) in thorough() {
        // What a run that was killed left is there to be cleared up, or to be finished.
        let looks = matches!(act, Act::Rotate(Old::Deleted) | Act::Import { .. });
        for before in [None, Some(&killed), Some(&half)] {
            let clears_up = matches!(act, Act::Rotate(Old::Deleted) | Act::Delete);
            if before.is_some() && !clears_up {
                continue;
            }
            let walk = |events| {
                let mut steps: Vec<Step> = before.into_iter().cloned().collect();
                steps.push(step(act, events));
                steps
            };
            let life = Life::new(&stage, has_client);
            for step in walk(Vec::new()) {
                life.take(&step).unwrap();
            }
            let mut turn = ERRORS.iter().cycle();
            for (call, times) in life.calls() {
                for after in 0..times {
                    let fails = |side, error| Event::Fails {
                        call,
                        side,
                        after,
                        error,
                        lasts: false,
                    };
                    let error = *turn.next().unwrap();
                    // Most calls only look: they are gone through once.
                    if CHANGES.contains(&call) {
                        assert_holds(&stage, has_client, &walk(vec![fails(Side::Before, error)]));
                        assert_holds(&stage, has_client, &walk(vec![fails(Side::After, error)]));
                    } else if before.is_none() && looks {
                        assert_holds(&stage, has_client, &walk(vec![fails(Side::Before, error)]));
                    }
                }
                met.push(call);
            }
            for (name, times) in life.points() {
                for after in 0..times {
                    let dies = Event::Killed(Moment::Point(name, after));
                    assert_holds(&stage, has_client, &walk(vec![dies]));
                }
                passed.push(name);
            }
        }
    }
    for call in step::CALLS {
        assert!(met.contains(&call), "{call:?} is made nowhere");
    }
    for name in POINTS {
        assert!(passed.contains(&name), "{name} is passed nowhere");
    }
}

/// The names of the fail points in the code of this directory.
fn points_in(directory: &str) -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut points = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap_or_default();
        for part in text.split("fail_point(\"").skip(1) {
            points.push(part.split('"').next().unwrap().to_owned());
        }
    }
    points
}

#[test]
fn every_fail_point_is_walked_over() {
    let mut points = points_in("src/clients");
    points.extend(points_in("src/credentials"));
    points.sort();
    points.dedup();
    assert_eq!(points, POINTS);
}
