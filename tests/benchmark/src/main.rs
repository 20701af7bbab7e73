//! What a mint costs: whole processes, alternating, against the simulator over
//! TLS, on loopback and from further away; the parts of one; and many at once.

mod arguments;
mod contender;
mod contest;
mod decision;
mod limit;
mod machine;
mod measured;
mod parts;
mod place;
mod programs;
mod relay;
mod scale;
mod spread;
mod table;
mod way;

use std::error::Error;

use arguments::{Arguments, Command};
use clap::Parser;
use contest::Contest;
use machine::Machine;
use measured::Measured;
use parts::Parts;
use programs::Programs;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let programs = Programs::build()?;
    if let Some(Command::Scale { seconds }) = arguments.command {
        return scale::run(&programs.scale, seconds);
    }
    println!("{}\n", Machine::this());
    let contest = Contest::hold(&programs, arguments.runs, arguments.beside.as_deref())?;
    println!("{contest}\n");
    let parts = Parts::measure(&programs, arguments.runs)?;
    println!("{}\n", parts.table());
    let measured = Measured::of(&contest, &parts, programs.tailmint.metadata()?.len())?;
    println!("{measured}");
    if arguments.check {
        measured.check()?;
    }
    Ok(())
}
