use std::fmt::Write;

use crate::{contender::Contender, spread::Spread};

/// The measurements as a table: medians, and in brackets where half of them lie.
pub(crate) fn of(contenders: &[Contender]) -> String {
    let mut table = String::from(
        "| way | program | wall ms | CPU ms | peak MiB | TCP connections | TLS handshakes | round trips |\n|---|---|---|---|---|---|---|---|",
    );
    for contender in contenders {
        let trips = contender.round_trips().median;
        let row = format!(
            "\n| {} | {} | {} | {} | {:.1} | {} | {} | {} |",
            contender.way,
            contender.name,
            spread(contender.wall()),
            spread(contender.cpu()),
            contender.peak().median / 1024.0,
            contender.connections().median,
            contender.handshakes().median,
            if trips > 0.0 {
                trips.to_string()
            } else {
                "-".to_owned()
            },
        );
        table
            .write_str(&row)
            .expect("a string takes all that is written");
    }
    table
}

fn spread(of: Spread) -> String {
    format!(
        "{:.1} ({:.1}-{:.1})",
        of.median, of.quarter, of.three_quarters
    )
}
