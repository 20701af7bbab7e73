//! Every seed of the fuzz targets, on the stable toolchain.

use std::path::Path;

use super::TARGETS;

/// The vectors of the destinations, the responses and the files, and what once went
/// wrong.
const LEAST_SEEDS: usize = 290;

#[test]
fn every_seed_passes_its_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    let mut fed = 0;
    for (name, target) in TARGETS {
        let seeds: Vec<_> = folder.join(name).read_dir().unwrap().collect();
        assert!(!seeds.is_empty(), "{name} has no seed");
        for seed in seeds {
            let seed = seed.unwrap().path();
            println!("{}", seed.display());
            target(&std::fs::read(seed).unwrap());
            fed += 1;
        }
    }
    println!("{fed} seeds");
    assert!(fed >= LEAST_SEEDS, "{fed} seeds");
    assert_eq!(folder.read_dir().unwrap().count(), TARGETS.len());
}
