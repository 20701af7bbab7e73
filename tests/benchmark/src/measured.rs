use std::{
    error::Error,
    fmt::{self, Display},
};

use crate::{
    contender::Contender,
    contest::Contest,
    decision,
    limit::Limit,
    parts::Parts,
    place::{FLOOR, GET_AUTHKEY, IDENTITY, LEANEST, OWNER, SCRIPT, TAILMINT},
    way::{FAR_ROUND_TRIP_MS, ROUND_TRIPS},
};

/// The figures that are promised.
pub(crate) struct Measured {
    figures: Vec<Figure>,
}

struct Figure {
    name: String,
    unit: &'static str,
    is: f64,
    /// `None` where no limit holds on every machine: such a figure is for people.
    limit: Option<Limit>,
}

impl Figure {
    fn new(name: impl Into<String>, unit: &'static str, is: f64, limit: Option<Limit>) -> Self {
        Self {
            name: name.into(),
            unit,
            is,
            limit,
        }
    }

    /// The wall time as a share of another's.
    fn wall(ours: &Contender, whose: &str, other: &Contender, limit: Option<Limit>) -> Self {
        let share = ours.wall().median / other.wall().median;
        Self::new(format!("wall time, of {whose}"), "", share, limit)
    }

    /// The CPU time as a share of another's.
    fn cpu(ours: &Contender, whose: &str, other: &Contender, limit: Option<Limit>) -> Self {
        let share = ours.cpu().median / other.cpu().median;
        Self::new(format!("CPU time, of {whose}"), "", share, limit)
    }
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
        let leanest = find(LEANEST).ok_or("the leanest script was not measured")?;
        let at_most = |limit| Some(Limit::AtMost(limit));
        let faster = Some(Limit::Below(1.0));
        let mut figures = vec![
            Figure::wall(ours, "the script's", script, at_most(0.13)),
            Figure::cpu(ours, "the script's", script, at_most(0.08)),
            Figure::wall(ours, "the leanest script's", leanest, faster),
            Figure::cpu(ours, "the leanest script's", leanest, None),
        ];
        if let Some(owner) = find(OWNER) {
            figures.extend([
                Figure::wall(ours, "the owner's flow", owner, faster),
                Figure::cpu(ours, "the owner's flow", owner, None),
            ]);
        }
        if let Some(identity) = find(IDENTITY) {
            let more = identity.cpu().median - ours.cpu().median;
            figures.push(Figure::new(
                "CPU time more with an identity token",
                "ms",
                more,
                None,
            ));
        }
        let peak = ours.peak().median / 1024.0;
        let binary = binary_bytes as f64 / 1e6;
        figures.extend([
            Figure::new("peak memory", "MiB", peak, at_most(12.0)),
            Figure::new("stripped binary", "MB", binary, at_most(11.6)),
            Figure::new(
                "policy decision",
                "us",
                decision::microseconds(),
                at_most(5.0),
            ),
            Figure::new(
                "sandbox of a process that mints once",
                "ms",
                parts.one_shot_ms(),
                None,
            ),
            Figure::new(
                "sandbox of each later mint in a pool",
                "us",
                parts.each_later_us(),
                None,
            ),
        ]);
        for (whose, other) in [
            ("get-authkey's", GET_AUTHKEY),
            ("the native floor's", FLOOR),
        ] {
            if let Some(other) = find(other) {
                figures.push(Figure::wall(ours, whose, other, None));
            }
        }
        if let Some(far) = contest.on_the_longest_way() {
            let bound = ROUND_TRIPS * FAR_ROUND_TRIP_MS;
            figures.push(Figure::new(
                "wall time on the longest way, of its round trips",
                "",
                far.wall().median / bound,
                None,
            ));
        }
        Ok(Self { figures })
    }

    pub(crate) fn check(&self) -> Result<(), Box<dyn Error>> {
        let over = |it: &&Figure| it.limit.is_some_and(|limit| !limit.admits(it.is));
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
            limit,
        } in &self.figures
        {
            write!(f, "{name}: {is:.3} {unit}")?;
            match limit {
                Some(limit) => writeln!(f, " ({limit})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
