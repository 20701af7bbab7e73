use tailmint_audit::{Report, report::ChainState};

use super::{count, grouped};

/// One thing that an auditor asks of a log, with what the log says.
pub(super) struct Verdict {
    pub(super) grade: Grade,
    pub(super) text: String,
}

/// Whether there is something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    /// There is nothing to do.
    Good,
    /// Somebody should look.
    Look,
    /// What the log says is not to be relied on.
    Broken,
}

impl Grade {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Look => "look",
            Self::Broken => "broken",
        }
    }
}

/// What is said first, in every form of the report.
pub(super) fn verdicts(report: &Report) -> Vec<Verdict> {
    let mut all = vec![of_chain(&report.chain)];
    all.extend(of_beginning(&report.chain));
    all.extend(of_end(&report.chain));
    all.extend(of_checkpoint(&report.chain));
    all.extend(of_keys(&report.chain));
    all.extend(of_torn(&report.chain));
    all.push(of_outcomes(report));
    all
}

fn of_chain(chain: &ChainState) -> Verdict {
    let Some(first) = chain.breaks.first() else {
        return Verdict {
            grade: Grade::Good,
            text: if chain.files > 1 {
                format!(
                    "The chain is whole: {} in {}, none changed.",
                    count(chain.entries, "entry", "entries"),
                    count(chain.files as u64, "file", "files")
                )
            } else {
                format!(
                    "The chain is whole: {}, none changed.",
                    count(chain.entries, "entry", "entries")
                )
            },
        };
    };
    let places = chain.breaks.len() + chain.more_breaks;
    Verdict {
        grade: Grade::Broken,
        text: format!(
            "The log was changed: its chain breaks in {}, first at line {}{}. The lines before \
             that one are unchanged.",
            count(places as u64, "place", "places"),
            first.line,
            match &first.file {
                Some(file) if chain.files > 1 => format!(" of {file}"),
                _ => String::new(),
            }
        ),
    }
}

/// Whether the log is there from its first line on.
fn of_beginning(chain: &ChainState) -> Option<Verdict> {
    let recorded = chain.removal_recorded?;
    let told = if recorded {
        "The log says that they were to be removed, which proves nothing: a checkpoint of the \
         lines that are there does."
    } else {
        "The log does not say that they were to be removed."
    };
    Some(Verdict {
        grade: Grade::Look,
        text: format!(
            "The log begins with line {}: the files up to number {} are not here. {told}",
            grouped(chain.first_line),
            grouped(chain.removed_files)
        ),
    })
}

/// Whether the log has what a checkpoint was signed for.
fn of_checkpoint(chain: &ChainState) -> Option<Verdict> {
    let checkpoint = chain.checkpoint.as_ref()?;
    let (grade, begin) = match checkpoint.holds {
        Some(true) => (Grade::Good, "The checkpoint fits"),
        Some(false) => (Grade::Broken, "The checkpoint does not hold"),
        None => (Grade::Look, "The checkpoint shows nothing of this log"),
    };
    Some(Verdict {
        grade,
        text: format!("{begin}: {}.", checkpoint.what),
    })
}

/// Whether each key of checkpoints speaks for the next.
fn of_keys(chain: &ChainState) -> Option<Verdict> {
    let keys = chain.unsigned_keys as u64;
    (keys > 0).then(|| Verdict {
        grade: Grade::Look,
        text: format!(
            "{} of checkpoints not signed by the one before: it was lost, or somebody else \
             writes the log.",
            count(keys, "key is", "keys are")
        ),
    })
}

/// Whether the end of the log is the one that somebody kept elsewhere. Whatever else can be
/// kept to show this is said here too, and nowhere else.
fn of_end(chain: &ChainState) -> Option<Verdict> {
    Some(match &chain.kept {
        // A checkpoint says where it ended too.
        None if chain.checkpoint.is_some() => return None,
        None => Verdict {
            grade: Grade::Look,
            text: "No end was compared: lines that were removed at the end leave no trace. \
                   Keep what tailmint audit head prints on another machine, and give it with \
                   --head."
                .to_owned(),
        },
        Some(kept) if kept.holds => {
            let line = kept.line.unwrap_or_default();
            // In a chain that breaks, lines before it may be missing.
            let rest = if chain.is_whole() {
                ": up to it, nothing was removed"
            } else {
                ""
            };
            Verdict {
                grade: Grade::Good,
                text: format!("The end that was kept is there, at line {line}{rest}."),
            }
        }
        Some(kept) => Verdict {
            grade: Grade::Broken,
            text: format!(
                "The end that was kept is missing: the log has no line {}. Lines were removed \
                 at its end, or the file is another one.",
                kept.head
            ),
        },
    })
}

fn of_torn(chain: &ChainState) -> Option<Verdict> {
    if chain.torn == 0 && !chain.torn_tail {
        return None;
    }
    let mut text = String::new();
    if chain.torn > 0 {
        let torn = count(chain.torn as u64, "line was", "lines were");
        text += &format!("{torn} cut off, by a crash or a full disk, and recorded. ");
    }
    if chain.torn_tail {
        text += "The last line is cut off. ";
    }
    Some(Verdict {
        grade: Grade::Look,
        text: text.trim_end().to_owned(),
    })
}

fn of_outcomes(report: &Report) -> Verdict {
    let open = report.unanswered.items.len() as u64 + report.unanswered.more;
    let Some(first) = report.unanswered.items.first() else {
        return Verdict {
            grade: Grade::Good,
            text: "Every request for a key has its outcome on record.".to_owned(),
        };
    };
    let others = match open - 1 {
        0 => String::new(),
        more => format!(" and {} more", grouped(more)),
    };
    Verdict {
        grade: Grade::Look,
        text: format!(
            "{} no outcome on record: a key may exist that only the API knows. Run {first}{others}.",
            count(open, "request for a key has", "requests for a key have")
        ),
    }
}
