use std::{
    error::Error,
    fmt::{self, Display},
};

use crate::{
    contest::Contest,
    decision,
    parts::Parts,
    place::{FLOOR, GET_AUTHKEY, SCRIPT, TAILMINT},
    way::{FAR_ROUND_TRIP_MS, ROUND_TRIPS},
};

/// The figures that are promised.
pub(crate) struct Measured {
    figures: Vec<Figure>,
}

struct Figure {
    name: &'static str,
    unit: &'static str,
    is: f64,
    /// `None` where no limit holds on every machine: such a figure is for people.
    at_most: Option<f64>,
}

impl Measured {
    pub(crate) fn of(
        contest: &Contest,
        parts: &Parts,
        binary_bytes: u64,
    ) -> Result<Self, Box<dyn Error>> {
        let find = |name| contest.on_loopback(name);
        let ours = find(TAILMINT).ok_or("tailmint was not measured")?;
        let script = find(SCRIPT).ok_or("the script was not measured")?;
        let figure = |name, unit, is, at_most| Figure {
            name,
            unit,
            is,
            at_most,
        };
        let wall = ours.wall().median;
        let cpu = ours.cpu().median;
        let mut figures = vec![
            figure(
                "wall time, of the script's",
                "",
                wall / script.wall().median,
                Some(0.13),
            ),
            figure(
                "CPU time, of the script's",
                "",
                cpu / script.cpu().median,
                Some(0.08),
            ),
            figure(
                "peak memory",
                "MiB",
                ours.peak().median / 1024.0,
                Some(12.0),
            ),
            figure(
                "stripped binary",
                "MB",
                binary_bytes as f64 / 1e6,
                Some(10.0),
            ),
            figure("policy decision", "us", decision::microseconds(), Some(5.0)),
            figure(
                "sandbox of a process that mints once",
                "ms",
                parts.one_shot_ms(),
                None,
            ),
            figure(
                "sandbox of each later mint in a pool",
                "us",
                parts.each_later_us(),
                None,
            ),
        ];
        for (name, other) in [
            ("wall time, of get-authkey's", GET_AUTHKEY),
            ("wall time, of the native floor's", FLOOR),
        ] {
            if let Some(other) = find(other) {
                figures.push(figure(name, "", wall / other.wall().median, None));
            }
        }
        if let Some(far) = contest.on_the_longest_way() {
            let bound = ROUND_TRIPS * FAR_ROUND_TRIP_MS;
            figures.push(figure(
                "wall time on the longest way, of its round trips",
                "",
                far.wall().median / bound,
                None,
            ));
        }
        Ok(Self { figures })
    }

    pub(crate) fn check(&self) -> Result<(), Box<dyn Error>> {
        let over = |figure: &&Figure| figure.at_most.is_some_and(|limit| figure.is > limit);
        match self.figures.iter().find(over) {
            Some(figure) => Err(format!("tailmint takes more than it may: {}", figure.name).into()),
            None => Ok(()),
        }
    }
}

impl Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Figure {
            name,
            unit,
            is,
            at_most,
        } in &self.figures
        {
            write!(f, "{name}: {is:.3} {unit}")?;
            match at_most {
                Some(limit) => writeln!(f, " (at most {limit})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
