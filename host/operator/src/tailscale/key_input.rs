#[cfg(target_os = "linux")]
use std::fs::File;
use std::{
    io::{self, Write},
    os::fd::OwnedFd,
};

#[cfg(target_os = "linux")]
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use tailmint::Secret;

/// The key as a file in memory, for the standard input of `tailscale`.
///
/// It has no name, is gone with its last descriptor, and is sealed: a process that
/// holds it can read it, and none can change it. Unlike a pipe it has an end,
/// however many hold it, and it can be opened anew after a change of user.
#[cfg(target_os = "linux")]
pub(super) fn key_input(key: &Secret) -> io::Result<OwnedFd> {
    let memory = memfd_create(
        "auth-key",
        MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::NOEXEC_SEAL,
    )
    // Kernels before 6.3 do not know the flag.
    .or_else(|_| memfd_create("auth-key", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING))?;
    let mut memory = File::from(memory);
    memory.write_all(key.expose_secret().as_bytes())?;
    fcntl_add_seals(
        &memory,
        SealFlags::GROW | SealFlags::SHRINK | SealFlags::WRITE | SealFlags::SEAL,
    )?;
    rustix::fs::seek(&memory, rustix::fs::SeekFrom::Start(0))?;
    Ok(memory.into())
}

/// The same where there are no files in memory.
#[cfg(not(target_os = "linux"))]
pub(super) fn key_input(key: &Secret) -> io::Result<OwnedFd> {
    in_pipe(key)
}

/// The key in a pipe. It fits: a pipe holds some kilobytes, and a key is shorter than a
/// hundred bytes. Nobody else can write to it, and what was read is gone.
#[cfg(any(test, not(target_os = "linux")))]
fn in_pipe(key: &Secret) -> io::Result<OwnedFd> {
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(key.expose_secret().as_bytes())?;
    Ok(reader.into())
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Read};

    use super::*;

    #[test]
    fn a_pipe_has_the_key_and_then_ends() {
        let input = in_pipe(&Secret::new("tskey-auth-k1-x".to_owned())).unwrap();
        let mut text = String::new();
        File::from(input).read_to_string(&mut text).unwrap();
        assert_eq!(text, "tskey-auth-k1-x");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn can_be_read_and_not_be_changed() {
        let input = key_input(&Secret::new("tskey-auth-k1-x".to_owned())).unwrap();
        let mut file = File::from(input);
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "tskey-auth-k1-x");
        assert!(file.write_all(b"more").is_err());
        assert!(file.set_len(0).is_err());
    }
}
