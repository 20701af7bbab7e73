/// How a daemon reaches the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Networking {
    /// By a network interface of its own, which all programs of the machine can use.
    Tun,
    /// Within the daemon: other programs reach the tailnet through its proxies only.
    Userspace,
}
