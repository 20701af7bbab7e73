//! The system calls that a process gives up which speaks to the network.
//!
//! It is a list of what is given up, and not of what is kept: the C library's own calls are
//! its own affair, and change with its versions. A call that this list does not know,
//! because it is newer, is given up too.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, apply_filter,
};

use super::call_numbers;

/// Calls that are given up whatever their arguments are.
const CALLS: &[c_long] = &[
    // Other programs.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Those who would connect to it: it is a client.
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    // Namespaces, mounts and roots.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // Files by something else than a path that Landlock judges, and what Landlock does not
    // judge of a path.
    libc::SYS_truncate,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_utimensat,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    // Ways to make calls that no filter sees.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // The kernel itself.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_personality,
    // The machine's clock and name.
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    // Who it is.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    // Memory and queues that others share.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_mq_open,
    // Its own devices.
    libc::SYS_mknodat,
    libc::SYS_vhangup,
];

/// Those that only this processor has: older forms of the others.
#[cfg(target_arch = "x86_64")]
const OLD_CALLS: &[c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_mknod,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
];

#[cfg(not(target_arch = "x86_64"))]
const OLD_CALLS: &[c_long] = &[];

/// The newest call that was looked at: `mseal` of Linux 6.10. The numbers are the same on
/// all processors from 424 on.
const NEWEST_CALL: u32 = 462;

/// The namespaces that `clone` could make.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// The kinds of sockets that are not TCP or UDP (socket(7)).
const OTHER_KINDS: [i32; 5] = [
    libc::SOCK_RAW,
    libc::SOCK_RDM,
    libc::SOCK_SEQPACKET,
    libc::SOCK_DCCP,
    SOCK_PACKET,
];

/// The old kind for packets, which the C library has deprecated and the kernel has not.
const SOCK_PACKET: i32 = 10;

/// The bits of a socket's kind that are not flags.
const KIND_BITS: u64 = 0xf;

/// `TIOCSTI` and `TIOCLINUX`, which type into the terminal in its user's place
/// (`ioctl_tty(2)`). The C libraries have them in types of their own.
const TERMINAL_REQUESTS: [u64; 2] = [0x5412, 0x541c];

/// The requests about the interfaces, addresses and routes of the machine (netdevice(7)): the
/// numbers from here on.
const INTERFACES: u64 = 0x8900;

/// The bits that are the same in all of their numbers.
const INTERFACE_BITS: u64 = !0xff;

/// Those of them that only read, of which the C library makes some where it resolves names:
/// `SIOCGIFNAME`, `SIOCGIFCONF` and `SIOCGIFINDEX`.
const INTERFACE_READS: [u64; 3] = [0x8910, 0x8912, 0x8933];

/// Gives them up, for this thread and those that it starts.
pub(super) fn give_up(keeps_local_sockets: bool) -> Result<(), Error> {
    apply_filter(&filter(keeps_local_sockets)?)
}

fn filter(keeps_local_sockets: bool) -> Result<BpfProgram, BackendError> {
    let mut rules = BTreeMap::new();
    rules.insert(libc::SYS_clone, processes()?);
    rules.insert(libc::SYS_socket, sockets(keeps_local_sockets)?);
    rules.insert(libc::SYS_ioctl, requests()?);
    // A connection that the first bytes open passes Landlock by.
    for (call, flags) in [
        (libc::SYS_sendto, 3),
        (libc::SYS_sendmsg, 2),
        (libc::SYS_sendmmsg, 3),
    ] {
        rules.insert(
            call,
            vec![rule(&[(
                flags,
                has(libc::MSG_FASTOPEN),
                bits(libc::MSG_FASTOPEN),
            )])?],
        );
    }
    // The limits of other processes.
    rules.insert(
        libc::SYS_prlimit64,
        vec![rule(&[(0, SeccompCmpOp::Ne, 0)])?],
    );
    let eperm = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let arch = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, eperm, arch)?;
    let by_arguments: BpfProgram = filter.try_into()?;
    let whole = CALLS.iter().chain(OLD_CALLS);
    let whole: Vec<_> = whole.filter_map(|call| u32::try_from(*call).ok()).collect();
    let by_number = call_numbers::decide(&whole, NEWEST_CALL);
    Ok([by_number, by_arguments].concat())
}

/// A `clone` that makes another process, or a namespace.
fn processes() -> Result<Vec<SeccompRule>, BackendError> {
    let no_thread = rule(&[(0, has(libc::CLONE_THREAD), 0)]);
    let namespaces = NAMESPACES.map(|flag| rule(&[(0, has(flag), bits(flag))]));
    [no_thread].into_iter().chain(namespaces).collect()
}

/// An `ioctl` that types into the terminal, or that changes the machine's network.
fn requests() -> Result<Vec<SeccompRule>, BackendError> {
    let terminal = TERMINAL_REQUESTS.map(|request| rule(&[(1, SeccompCmpOp::Eq, request)]));
    let mut interfaces = vec![(1, SeccompCmpOp::MaskedEq(INTERFACE_BITS), INTERFACES)];
    interfaces.extend(INTERFACE_READS.map(|request| (1, SeccompCmpOp::Ne, request)));
    terminal.into_iter().chain([rule(&interfaces)]).collect()
}

/// A `socket` that is not for TCP or UDP.
fn sockets(keeps_local_sockets: bool) -> Result<Vec<SeccompRule>, BackendError> {
    let ne = SeccompCmpOp::Ne;
    let mut families = vec![
        (0, ne.clone(), bits(libc::AF_INET)),
        (0, ne.clone(), bits(libc::AF_INET6)),
    ];
    if keeps_local_sockets {
        families.push((0, ne.clone(), bits(libc::AF_UNIX)));
    }
    let kinds = OTHER_KINDS.map(|kind| rule(&[(1, SeccompCmpOp::MaskedEq(KIND_BITS), bits(kind))]));
    // Multipath TCP and SCTP have ports that Landlock does not judge.
    let protocols = [0, libc::IPPROTO_TCP, libc::IPPROTO_UDP];
    let protocols = protocols.map(|protocol| (2, ne.clone(), bits(protocol)));
    [rule(&families), rule(&protocols)]
        .into_iter()
        .chain(kinds)
        .collect()
}

/// A rule of conditions that hold together: an argument, how it is compared, and with what.
/// The kernel reads these arguments as 32 bits.
fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, BackendError> {
    let conditions = conditions.iter().map(|(argument, operator, value)| {
        SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, operator.clone(), *value)
    });
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

fn has(flag: i32) -> SeccompCmpOp {
    SeccompCmpOp::MaskedEq(bits(flag))
}

/// As the kernel compares them.
fn bits(value: i32) -> u64 {
    value.cast_unsigned().into()
}

#[cfg(test)]
mod tests {
    use std::{io, net::UdpSocket, os::unix::net::UnixDatagram, thread};

    use super::*;

    /// What can be done by a thread that gave the calls up.
    fn after<T: Send + 'static>(keeps_local_sockets: bool, act: fn() -> T) -> T {
        let confined = thread::spawn(move || {
            give_up(keeps_local_sockets).unwrap();
            act()
        });
        confined.join().unwrap()
    }

    #[test]
    fn sockets_of_this_machine_are_kept_where_they_are_needed() {
        let open = || UnixDatagram::unbound().map(drop).map_err(|it| it.kind());
        assert_eq!(after(true, open), Ok(()));
        assert_eq!(after(false, open), Err(io::ErrorKind::PermissionDenied));
    }

    #[test]
    fn what_resolves_names_is_kept() {
        // musl's resolver binds its socket, and asks on a thread of ours.
        let asks = || {
            let asks = || UdpSocket::bind("127.0.0.1:0").map(drop);
            thread::spawn(asks).join().unwrap()
        };
        assert!(after(false, asks).is_ok());
    }
}
