//! What a process must not be able to do that speaks to the network, tried from within, for
//! tests: the fail points `unconfined` and `confined` try all of it, with `return(DIRECTORY
//! PORT)`, and say what the kernel said to each.
//!
//! Nothing here would harm the machine where the kernel allows it: pointers are null, and
//! signals are none. With such arguments a kernel that does not deny the call as such says
//! something else.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        linux::net::SocketAddrExt,
        unix::{
            fs::PermissionsExt,
            net::{SocketAddr, UnixStream},
        },
    },
    path::PathBuf,
};

use libc::c_long;

use crate::trace::Trace;

/// Where it is tried: a directory with the files `own` and `kept` and the socket `socket`,
/// and a port of this machine where somebody listens.
struct Place {
    directory: PathBuf,
    port: u16,
}

type Act = fn(&Place) -> io::Result<()>;

/// Those that change nothing where nothing denies them.
const HARMLESS: &[(&str, Act)] = &[
    ("read a file of the user's", |at| {
        File::open(at.directory.join("own")).map(drop)
    }),
    ("open it to be written", |at| {
        OpenOptions::new()
            .append(true)
            .open(at.directory.join("own"))
            .map(drop)
    }),
    ("list a directory", |at| {
        fs::read_dir(&at.directory).map(drop)
    }),
    ("read /etc/passwd", |_| File::open("/etc/passwd").map(drop)),
    ("read the parent's environment", |_| {
        File::open(format!("/proc/{}/environ", parent())).map(drop)
    }),
    ("connect to another TCP port", |at| {
        TcpStream::connect((Ipv4Addr::LOCALHOST, at.port)).map(drop)
    }),
    ("listen on a TCP port", |_| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map(drop)
    }),
    ("connect to a socket by its path", |at| {
        UnixStream::connect(at.directory.join("socket")).map(drop)
    }),
    ("use an abstract socket", |_| {
        // Nobody listens there, unless it may not be asked.
        let address = SocketAddr::from_abstract_name("tailmint-forbidden")?;
        match UnixStream::connect_addr(&address) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            other => other.map(drop),
        }
    }),
    ("signal the parent", |_| {
        call(libc::SYS_kill, [parent(), 0, 0, 0, 0, 0])
    }),
    ("use a netlink socket", |_| {
        socket(libc::AF_NETLINK, libc::SOCK_RAW, 0).map(drop)
    }),
    ("hold the parent by a descriptor", |_| {
        call(libc::SYS_pidfd_open, [parent(), 0, 0, 0, 0, 0])
    }),
];

/// Those that would.
const OTHERS: &[(&str, Act)] = &[
    ("write over a file", |at| {
        fs::write(at.directory.join("own"), "x")
    }),
    ("cut a file", |at| {
        let path = c_path(&at.directory.join("own"));
        call(libc::SYS_truncate, [path.as_ptr() as c_long, 0, 0, 0, 0, 0])
    }),
    ("create a file beside it", |at| {
        fs::write(at.directory.join("new"), "x")
    }),
    ("create a file in /tmp", |_| {
        fs::write("/tmp/tailmint-forbidden", "x")
    }),
    ("remove a file", |at| {
        fs::remove_file(at.directory.join("own"))
    }),
    ("rename a file", |at| {
        fs::rename(at.directory.join("own"), at.directory.join("other"))
    }),
    ("let others read a file", |at| {
        fs::set_permissions(at.directory.join("own"), Permissions::from_mode(0o666))
    }),
    ("listen without a port", |_| {
        let socket = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
        call(libc::SYS_listen, [socket.as_raw_fd().into(), 1, 0, 0, 0, 0])
    }),
    ("connect by multipath TCP", |_| {
        socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP).map(drop)
    }),
    ("connect with the first bytes", |at| fast_open(at.port)),
    ("execute a program", |_| {
        call(
            libc::SYS_execve,
            [c"/bin/true".as_ptr() as c_long, 0, 0, 0, 0, 0],
        )
    }),
    ("execute a file in memory", |_| {
        let memory = descriptor(libc::SYS_memfd_create, [c"x".as_ptr() as c_long, 0, 0])?;
        let (file, empty) = (memory.as_raw_fd().into(), c"".as_ptr() as c_long);
        let flags = libc::AT_EMPTY_PATH.into();
        call(libc::SYS_execveat, [file, empty, 0, 0, flags, 0])
    }),
    ("make another process", |_| {
        // What it would be ends at once.
        call(libc::SYS_clone, [libc::SIGCHLD.into(), 0, 0, 0, 0, 0])
    }),
    ("make another process by clone3", |_| {
        call(libc::SYS_clone3, [0; 6])
    }),
    ("trace the parent", |_| {
        let seize = libc::PTRACE_SEIZE.into();
        call(libc::SYS_ptrace, [seize, parent(), 0, 0, 0, 0])
    }),
    ("read the parent's memory", |_| {
        call(libc::SYS_process_vm_readv, [parent(), 0, 0, 0, 0, 0])
    }),
    ("limit the parent", |_| {
        call(libc::SYS_prlimit64, [parent(), 0, 0, 0, 0, 0])
    }),
    ("use a raw socket", |_| {
        socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP).map(drop)
    }),
    ("use a packet socket", |_| {
        socket(libc::AF_PACKET, libc::SOCK_DGRAM, 0).map(drop)
    }),
    ("make a user namespace", |_| unshare(libc::CLONE_NEWUSER)),
    ("make a network namespace", |_| unshare(libc::CLONE_NEWNET)),
    ("make a mount namespace", |_| unshare(libc::CLONE_NEWNS)),
    ("enter a namespace", |_| {
        call(libc::SYS_setns, [-1, 0, 0, 0, 0, 0])
    }),
    ("mount a file system", |_| call(libc::SYS_mount, [0; 6])),
    ("change the root", |_| call(libc::SYS_chroot, [0; 6])),
    ("change the user", |_| {
        let same = rustix::process::getuid().as_raw().into();
        call(libc::SYS_setuid, [same, 0, 0, 0, 0, 0])
    }),
    ("open a file by its handle", |_| {
        call(libc::SYS_open_by_handle_at, [-1, 0, 0, 0, 0, 0])
    }),
    ("set up an io_uring", |_| {
        call(libc::SYS_io_uring_setup, [1, 0, 0, 0, 0, 0])
    }),
    ("load a BPF program", |_| {
        call(libc::SYS_bpf, [-1, 0, 0, 0, 0, 0])
    }),
    ("use the kernel's keys", |_| {
        call(libc::SYS_keyctl, [0, -3, 0, 0, 0, 0])
    }),
    ("count the kernel's events", |_| {
        call(libc::SYS_perf_event_open, [0; 6])
    }),
    ("load a kernel module", |_| {
        call(libc::SYS_finit_module, [-1, 0, 0, 0, 0, 0])
    }),
    ("type into the terminal", |_| {
        // `TIOCSTI`, which the C libraries have in types of their own.
        let request = 0x5412;
        call(
            libc::SYS_ioctl,
            [0, request, c"x".as_ptr() as c_long, 0, 0, 0],
        )
    }),
];

/// Tries those that are harmless, before the process is confined.
pub(super) fn try_unconfined() {
    fail::fail_point!("unconfined", |place| try_all(HARMLESS, place));
}

/// Tries all of them, in a process that is confined.
pub(super) fn try_confined() {
    fail::fail_point!("confined", |place| {
        try_all(HARMLESS, place.clone());
        try_all(OTHERS, place);
    });
}

fn try_all(acts: &[(&str, Act)], place: Option<String>) {
    let place = place.unwrap_or_default();
    let Some((directory, Ok(port))) = place
        .split_once(' ')
        .map(|(directory, port)| (directory.into(), port.parse()))
    else {
        return;
    };
    let place = Place { directory, port };
    for (name, act) in acts {
        let said = match act(&place) {
            Ok(()) => "done".to_owned(),
            Err(error) => error.to_string(),
        };
        Trace::note(&format!("{name}: {said}"));
    }
}

/// The process that started this one, or the first of all where that is out of sight.
fn parent() -> c_long {
    let parent = rustix::process::getppid();
    parent.map_or(1, |it| it.as_raw_nonzero().get()).into()
}

fn unshare(namespace: i32) -> io::Result<()> {
    call(libc::SYS_unshare, [namespace.into(), 0, 0, 0, 0, 0])
}

/// Opens a connection with the first bytes that it sends.
fn fast_open(port: u16) -> io::Result<()> {
    let socket = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
    let [high, low] = port.to_be_bytes();
    let [first, second] = u16::try_from(libc::AF_INET)
        .unwrap_or_default()
        .to_ne_bytes();
    let address: [u8; 16] = [
        first, second, high, low, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    let (file, bytes) = (socket.as_raw_fd().into(), c"x".as_ptr() as c_long);
    let to = address.as_ptr() as c_long;
    call(
        libc::SYS_sendto,
        [file, bytes, 1, libc::MSG_FASTOPEN.into(), to, 16],
    )
}

fn socket(family: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    let arguments = [family, kind, protocol].map(c_long::from);
    descriptor(libc::SYS_socket, arguments)
}

fn c_path(path: &std::path::Path) -> std::ffi::CString {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
}

#[expect(
    unsafe_code,
    reason = "what a call that makes a descriptor returns is one"
)]
fn descriptor(number: c_long, arguments: [c_long; 3]) -> io::Result<OwnedFd> {
    let [a, b, c] = arguments;
    // SAFETY: the arguments are numbers, and texts that end.
    let file = unsafe { libc::syscall(number, a, b, c) };
    match i32::try_from(file) {
        // SAFETY: nobody else has it.
        Ok(file @ 0..) => Ok(unsafe { OwnedFd::from_raw_fd(file) }),
        _ => Err(io::Error::last_os_error()),
    }
}

#[expect(
    unsafe_code,
    reason = "each act gives the call arguments that it may have"
)]
fn call(number: c_long, with: [c_long; 6]) -> io::Result<()> {
    // SAFETY: pointers are null, or to what lives until the call is over.
    let said =
        unsafe { libc::syscall(number, with[0], with[1], with[2], with[3], with[4], with[5]) };
    if number == libc::SYS_clone && said == 0 {
        // SAFETY: a process that should not be there ends.
        unsafe { libc::_exit(1) };
    }
    if said < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
