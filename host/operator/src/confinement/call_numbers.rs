//! A part of a filter that decides by the number of a call alone, in few steps.
//!
//! The kernel runs a new filter once for each call that there is, to know which calls it need
//! not ask it about again. One comparison after the other would take a fifth of a
//! millisecond; a search takes a tenth of that.

use seccompiler::sock_filter;

const RETURN: u16 = code(libc::BPF_RET | libc::BPF_K);
const JUMP: u16 = code(libc::BPF_JMP | libc::BPF_JA);
const IS: u16 = code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
const IS_GREATER: u16 = code(libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K);
const IS_AT_LEAST: u16 = code(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K);
const LOAD: u16 = code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS);

/// What the kernel says to a call that is given up.
const DENIED: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();

/// What it says to one that is not there.
const ABSENT: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();

/// Denies the calls with these numbers, says that those above the newest are not there, and
/// nor is `clone3`, whose flags no filter can see: the C library falls back on `clone`. What
/// is behind it decides about all others.
pub(super) fn decide(denied: &[u32], newest: u32) -> Vec<sock_filter> {
    // The number of the call is the first member of what a filter sees.
    let mut code = vec![
        instruction(LOAD, 0, 0, 0),
        instruction(IS, 1, 0, clone3()),
        instruction(IS_GREATER, 0, 1, newest),
        instruction(RETURN, 0, 0, ABSENT),
    ];
    let search = search(&boundaries(denied), false);
    let end = search.len();
    code.extend(search.into_iter().enumerate().map(|(at, step)| match step {
        Step::Compare { number, otherwise } => instruction(IS_AT_LEAST, 0, otherwise, number),
        Step::Deny => instruction(RETURN, 0, 0, DENIED),
        Step::GoOn => instruction(JUMP, 0, 0, u32::try_from(end - at - 1).unwrap_or(u32::MAX)),
    }));
    code
}

/// A step of the search.
enum Step {
    /// Whether the number is at least this; otherwise so many steps are left out.
    Compare {
        number: u32,
        otherwise: u8,
    },
    Deny,
    GoOn,
}

/// The numbers at which what is denied begins and ends, in turn, in ascending order.
fn boundaries(denied: &[u32]) -> Vec<u32> {
    let mut numbers = denied.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    let mut boundaries = Vec::new();
    for number in numbers {
        if boundaries.last() == Some(&number) {
            boundaries.pop();
        } else {
            boundaries.push(number);
        }
        boundaries.push(number + 1);
    }
    boundaries
}

/// The search between these boundaries, where what is below all of them is denied or not.
fn search(boundaries: &[u32], below: bool) -> Vec<Step> {
    let middle = boundaries.len() / 2;
    let Some(number) = boundaries.get(middle) else {
        return vec![if below { Step::Deny } else { Step::GoOn }];
    };
    let is_denied = below ^ middle.is_multiple_of(2);
    let above = search(&boundaries[middle + 1..], is_denied);
    // Some hundred calls have under 255 steps on either side.
    let otherwise = u8::try_from(above.len()).unwrap_or(u8::MAX);
    let first = Step::Compare {
        number: *number,
        otherwise,
    };
    let rest = search(&boundaries[..middle], below);
    [first].into_iter().chain(above).chain(rest).collect()
}

/// The number of `clone3`.
fn clone3() -> u32 {
    u32::try_from(libc::SYS_clone3).unwrap_or(u32::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the codes of instructions have 16 bits"
)]
const fn code(bits: u32) -> u16 {
    bits as u16
}

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the code says to this number; `None` where it is for what is behind.
    fn said(code: &[sock_filter], number: u32) -> Option<u32> {
        let mut at = 0;
        while let Some(step) = code.get(at) {
            let jump = |holds| usize::from(if holds { step.jt } else { step.jf });
            at += 1 + match step.code {
                LOAD => 0,
                IS => jump(number == step.k),
                IS_GREATER => jump(number > step.k),
                IS_AT_LEAST => jump(number >= step.k),
                JUMP => step.k as usize,
                RETURN => return Some(step.k),
                other => panic!("{other} is not expected"),
            };
        }
        assert_eq!(at, code.len(), "it leads past what is behind");
        None
    }

    #[test]
    fn each_number_is_decided_about_as_the_list_says() {
        let many: Vec<_> = (0..400).filter(|it| it % 5 == 1 || it % 7 == 3).collect();
        for denied in [&[][..], &[0], &[3, 1, 2, 9, 3], &[461, 462], &many] {
            let code = decide(denied, 462);
            for number in (0..1000).chain([1 << 30, (1 << 30) + 59, u32::MAX]) {
                let expected = match number {
                    463.. => Some(ABSENT),
                    number if number == clone3() => Some(ABSENT),
                    number => denied.contains(&number).then_some(DENIED),
                };
                assert_eq!(said(&code, number), expected, "{number} of {denied:?}");
            }
        }
    }
}
