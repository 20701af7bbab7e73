use std::fmt::Write;

use crate::contender::Contender;

/// The measurements as a table: medians, and in brackets where half of them lie.
pub(crate) fn of(contenders: &[Contender]) -> String {
    let mut table = String::from(
        "| | wall ms | CPU ms | peak MiB | TCP connections | TLS handshakes |\n|---|---|---|---|---|---|",
    );
    for contender in contenders {
        let (wall, cpu) = (contender.wall(), contender.cpu());
        let row = format!(
            "\n| {} | {:.1} ({:.1}-{:.1}) | {:.1} ({:.1}-{:.1}) | {:.1} | {} | {} |",
            contender.name,
            wall.median,
            wall.quarter,
            wall.three_quarters,
            cpu.median,
            cpu.quarter,
            cpu.three_quarters,
            contender.peak().median / 1024.0,
            contender.connections().median,
            contender.handshakes().median,
        );
        table
            .write_str(&row)
            .expect("a string takes all that is written");
    }
    table
}
