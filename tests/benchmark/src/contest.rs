use std::{
    error::Error,
    fmt::{self, Display},
    path::Path,
};

use tailmint_simulator::{Setup, Simulator};

use crate::{
    contender::Contender,
    place::{Place, TAILMINT},
    programs::Programs,
    table,
    way::Way,
};

/// All that can mint, each on every way to the API, by turns.
pub(crate) struct Contest {
    contenders: Vec<Contender>,
    runs: usize,
}

impl Contest {
    pub(crate) fn hold(
        programs: &Programs,
        runs: usize,
        beside: Option<&Path>,
    ) -> Result<Self, Box<dyn Error>> {
        let simulator = Simulator::start(&Setup::default())?;
        let place = Place::new(&simulator)?;
        let ways = Way::all(simulator.address())?;
        let mut contenders = Vec::new();
        for way in &ways {
            contenders.extend(place.contenders(way, programs, beside));
        }
        let each = contenders.len() / ways.len();
        let way = |index: usize| &ways[index / each];
        for (index, contender) in contenders.iter_mut().enumerate() {
            // Once without counting: files are read from disk the first time.
            contender.mint(&simulator, way(index))?;
            contender.forget();
        }
        for run in 0..runs {
            for (index, contender) in contenders.iter_mut().enumerate() {
                // What waits for a relay most of the time varies little.
                if index < each || run % 2 == 0 {
                    contender.mint(&simulator, way(index))?;
                }
            }
        }
        Ok(Self { contenders, runs })
    }

    /// The one of this name on the first of the ways, loopback.
    pub(crate) fn on_loopback(&self, name: &str) -> Option<&Contender> {
        self.contenders.iter().find(|it| it.name == name)
    }

    /// tailmint on the longest way.
    pub(crate) fn on_the_longest_way(&self) -> Option<&Contender> {
        self.contenders.iter().rfind(|it| it.name == TAILMINT)
    }
}

impl Display for Contest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\n{} runs each, by turns; half as many through the relays, which delay every byte \
             but cannot delay the TCP handshake",
            table::of(&self.contenders),
            self.runs,
        )
    }
}
