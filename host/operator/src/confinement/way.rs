/// A way to a server, as the kernel can tell it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// A TCP port, of whichever host.
    Port(u16),
    /// A socket of this machine.
    LocalSocket,
}
