//! What a walk is made of, and how it is drawn.

use std::{fmt, io};

use proptest::{collection::vec, prelude::*, sample::select};
use rustix::io::Errno;
use tailmint_simulator::{Ending, Endpoint, Fault};

use crate::credentials::{Call, disturbance::Side};

/// Every fail point in the life of a client and its files.
pub(super) const POINTS: [&str; 19] = [
    "client-before-deleting",
    "client-before-making",
    "client-checked",
    "client-deleted",
    "client-files-before",
    "client-files-created",
    "client-files-done",
    "client-files-half-cleared",
    "client-files-half-written",
    "client-files-id-renamed",
    "client-files-id-written",
    "client-files-removed",
    "client-files-secret-renamed",
    "client-files-secret-written",
    "client-files-synced",
    "client-made",
    "client-waited-for",
    "secret-opened",
    "secret-read",
];

/// What the system may say instead of doing it.
pub(super) const ERRORS: [Errno; 6] = [
    Errno::BUSY,
    Errno::PERM,
    Errno::ROFS,
    Errno::NOSPC,
    Errno::IO,
    Errno::DQUOT,
];

pub(super) const CALLS: [Call; 13] = [
    Call::ChangeOwner,
    Call::Create,
    Call::CreateDirectory,
    Call::FileSystem,
    Call::Lock,
    Call::Open,
    Call::Read,
    Call::Remove,
    Call::Rename,
    Call::Resolve,
    Call::Stat,
    Call::Sync,
    Call::Write,
];

/// Something to do with a client, its files, or its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Create {
        replace: bool,
    },
    Rotate(Old),
    /// Of a client that is new, or of the one that was in the files last.
    Import {
        back: bool,
        replace: bool,
    },
    Delete,
    Mint {
        reusable: bool,
    },
    /// The key that was minted so many before.
    Revoke(usize),
}

/// What is to become of the client that is rotated away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Old {
    Deleted,
    DeletedLater,
    Kept,
}

/// What an operator does to the files, without a look at the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// Writes another client into both.
    Another,
    /// Puts back what was in them last.
    Back,
    RemoveBoth,
    RemoveId,
    RemoveSecret,
}

/// When something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Beginning,
    /// Once the point was passed so often.
    Point(&'static str, usize),
    /// At a call, once there were so many of its kind.
    Call(Call, Side, usize),
}

#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The call fails, or is said to. Where it lasts, all of its kind do from there on.
    Fails {
        call: Call,
        side: Side,
        after: usize,
        error: Errno,
        lasts: bool,
    },
    Killed(Moment),
    /// The next requests meet this.
    Api(Moment, Trouble),
    /// Another process, which keeps to the lock, is quicker.
    Beside(Moment, Act),
    Edited(Moment, Edit),
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) act: Act,
    /// Whether who asks has written the tailnet's name wrong.
    pub(super) typo: bool,
    pub(super) events: Vec<Event>,
}

/// What requests meet.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) response: Response,
    pub(super) at: Endpoint,
    pub(super) times: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// This one instead of the API's, after the API acted or without.
    Said { status: u16, page: Page, acts: bool },
    /// None, and the connection is closed.
    Lost { acts: bool },
    /// None, for longer than anybody waits.
    Never,
    /// The API's own, cut short.
    Truncated,
    /// The API's own, a little later.
    Late,
    /// A key with other properties than those that were asked for.
    Otherwise,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Api,
    Html,
    Nothing,
}

impl Event {
    pub(super) fn moment(&self) -> Moment {
        match self {
            Self::Fails {
                call, side, after, ..
            } => Moment::Call(*call, *side, *after),
            Self::Killed(moment)
            | Self::Api(moment, _)
            | Self::Beside(moment, _)
            | Self::Edited(moment, _) => *moment,
        }
    }
}

impl Response {
    pub(super) fn fault(self) -> Fault {
        match self {
            Self::Lost { acts: true } => Fault::LoseAnswer,
            Self::Lost { acts: false } => Fault::Cut,
            Self::Never => Fault::Silence,
            Self::Truncated => Fault::Truncate,
            Self::Late => Fault::Delay(std::time::Duration::from_millis(3)),
            Self::Otherwise => Fault::Widen,
            Self::Said { status, page, acts } => {
                let text = match page {
                    Page::Api => r#"{"message":"no"}"#,
                    Page::Html => "<title>Log in</title>",
                    Page::Nothing => "",
                };
                let length = text.len();
                let head = format!("HTTP/1.1 {status} X\r\nretry-after: 0");
                Fault::Wire {
                    bytes: format!("{head}\r\ncontent-length: {length}\r\n\r\n{text}").into_bytes(),
                    ending: Ending::Close,
                    acts,
                }
            }
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    let old = select(vec![Old::Deleted, Old::DeletedLater, Old::Kept]);
    prop_oneof![
        4 => any::<bool>().prop_map(|replace| Act::Create { replace }),
        8 => old.prop_map(Act::Rotate),
        3 => (any::<bool>(), any::<bool>())
            .prop_map(|(replace, back)| Act::Import { back, replace }),
        4 => Just(Act::Delete),
        2 => any::<bool>().prop_map(|reusable| Act::Mint { reusable }),
        1 => (0..2_usize).prop_map(Act::Revoke),
    ]
}

/// Those that the lock is for.
fn act_beside() -> impl Strategy<Value = Act> {
    let all = [
        Act::Rotate(Old::Deleted),
        Act::Delete,
        Act::Create { replace: true },
        Act::Import {
            back: true,
            replace: true,
        },
    ];
    select(all.to_vec())
}

/// The calls that leave something behind, or are to last.
pub(super) const CHANGES: [Call; 6] = [
    Call::ChangeOwner,
    Call::Create,
    Call::Remove,
    Call::Rename,
    Call::Sync,
    Call::Write,
];

/// Most of the calls only look. Those that write are drawn more often.
fn call() -> impl Strategy<Value = (Call, usize)> {
    let few = select(CHANGES.to_vec());
    let once = select(vec![Call::CreateDirectory, Call::Lock]);
    let many = select(vec![
        Call::FileSystem,
        Call::Open,
        Call::Read,
        Call::Resolve,
        Call::Stat,
    ]);
    prop_oneof![
        12 => (few, 0..7_usize),
        1 => (once, 0..2_usize),
        6 => (many, 0..24_usize),
    ]
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![4 => Just(Side::Before), 1 => Just(Side::After)]
}

fn point() -> impl Strategy<Value = Moment> {
    (
        select(POINTS.to_vec()),
        prop_oneof![3 => Just(0), 1 => 1..4_usize],
    )
        .prop_map(|(name, after)| Moment::Point(name, after))
}

fn moment() -> impl Strategy<Value = Moment> {
    let at_call =
        (call(), side()).prop_map(|((call, after), side)| Moment::Call(call, side, after));
    prop_oneof![2 => point(), 1 => at_call]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let status = select(vec![
        302_u16, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504,
    ]);
    let page = select(vec![Page::Api, Page::Html, Page::Nothing]);
    let said = (status, page, any::<bool>())
        .prop_map(|(status, page, acts)| Response::Said { status, page, acts })
        // The API itself does not reject what it carried out.
        .prop_filter("a lie of the API", |said| {
            !matches!(
                said,
                Response::Said {
                    status: ..500,
                    page: Page::Api,
                    acts: true
                }
            )
        });
    let response = prop_oneof![
        24 => said,
        8 => any::<bool>().prop_map(|acts| Response::Lost { acts }),
        4 => Just(Response::Truncated),
        2 => Just(Response::Late),
        4 => Just(Response::Otherwise),
        1 => Just(Response::Never),
    ];
    let at = prop_oneof![1 => Just(Endpoint::Token), 4 => Just(Endpoint::Keys), 2 => Just(Endpoint::Key)];
    (response, at, 1..3_usize).prop_map(|(response, at, times)| Trouble {
        response,
        at,
        times,
    })
}

fn event() -> impl Strategy<Value = Event> {
    let fails = (call(), side(), select(ERRORS.to_vec()), any::<bool>()).prop_map(
        |((call, after), side, error, lasts)| Event::Fails {
            call,
            side,
            after,
            error,
            lasts,
        },
    );
    let edit = select(vec![
        Edit::Another,
        Edit::Back,
        Edit::RemoveBoth,
        Edit::RemoveId,
        Edit::RemoveSecret,
    ]);
    let begun = || prop_oneof![1 => Just(Moment::Beginning), 2 => point()];
    prop_oneof![
        8 => fails,
        4 => moment().prop_map(Event::Killed),
        4 => (begun(), trouble()).prop_map(|(moment, trouble)| Event::Api(moment, trouble)),
        2 => (moment(), act_beside()).prop_map(|(moment, act)| Event::Beside(moment, act)),
        1 => (begun(), edit).prop_map(|(moment, edit)| Event::Edited(moment, edit)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let events = vec(event(), 0..4);
    let typo = prop::bool::weighted(0.04);
    (act(), typo, events).prop_map(|(act, typo, events)| Step { act, typo, events })
}

/// A walk, and whether a client is there when it begins.
pub(super) fn walk() -> impl Strategy<Value = (bool, Vec<Step>)> {
    (prop::bool::weighted(0.7), vec(step(), 1..4))
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { replace: false } => f.write_str("create"),
            Self::Create { replace: true } => f.write_str("create --replace"),
            Self::Rotate(Old::Deleted) => f.write_str("rotate"),
            Self::Rotate(Old::DeletedLater) => f.write_str("rotate --grace"),
            Self::Rotate(Old::Kept) => f.write_str("rotate --keep-old"),
            Self::Import { back, replace } => {
                let what = if *back {
                    "the last client"
                } else {
                    "a new client"
                };
                let flag = if *replace { " --replace" } else { "" };
                write!(f, "import{flag} {what}")
            }
            Self::Delete => f.write_str("delete"),
            Self::Mint { reusable } => write!(f, "mint (reusable: {reusable})"),
            Self::Revoke(before) => write!(f, "revoke the key minted {before} before the last"),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beginning => f.write_str("at its beginning"),
            Self::Point(name, after) => write!(f, "at {name} (passed {after} times before)"),
            Self::Call(call, side, after) => {
                let side = match side {
                    Side::Before => "before",
                    Side::After => "after",
                };
                write!(f, "{side} the call {call:?} (after {after} of its kind)")
            }
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = self.moment();
        match self {
            Self::Fails { error, lasts, .. } => {
                let error = io::Error::from(*error);
                let lasts = if *lasts {
                    ", and all of its kind from there on"
                } else {
                    ""
                };
                write!(f, "{moment}: the system says {error}{lasts}")
            }
            Self::Killed(_) => write!(f, "{moment}: the process is killed"),
            Self::Api(_, trouble) => {
                let Trouble {
                    response,
                    at,
                    times,
                } = trouble;
                write!(f, "{moment}: the next {times} at {at:?} meet {response:?}")
            }
            Self::Beside(_, act) => write!(f, "{moment}: another process runs {act}"),
            Self::Edited(_, edit) => write!(f, "{moment}: an operator's edit: {edit:?}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typo = if self.typo {
            ", of a tailnet that is not there"
        } else {
            ""
        };
        write!(f, "{}{typo}", self.act)?;
        for event in &self.events {
            write!(f, "\n     {event}")?;
        }
        Ok(())
    }
}
