use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tailmint_core::Environment;

/// The addresses of tailnets: 100.64.0.0/10, and `fd7a:115c:a1e0::/48`
/// (tailscale.com/kb/1304, kb/1033).
fn is_of_tailnet(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.to_bits() & 0xffc0_0000 == Ipv4Addr::new(100, 64, 0, 0).to_bits()
        }
        IpAddr::V6(address) => {
            let network = Ipv6Addr::new(0xfd7a, 0x115c, 0xa1e0, 0, 0, 0, 0, 0);
            address.segments()[..3] == network.segments()[..3]
        }
    }
}

/// Whether this is a session of ssh that comes over the tailnet: what logs the machine
/// out cuts it off.
pub(super) fn is_over_tailnet(environment: &Environment) -> bool {
    ["SSH_CLIENT", "SSH_CONNECTION"].iter().any(|name| {
        let value = environment.get(name).and_then(|value| value.to_str());
        let address = value.and_then(|value| value.split(' ').next()?.parse().ok());
        address.is_some_and(is_of_tailnet)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_over_the_tailnet_are_told_from_others() {
        for (client, expected) in [
            ("100.64.0.7 51234 22", true),
            ("100.127.255.255 51234 22", true),
            ("fd7a:115c:a1e0::7 51234 22", true),
            ("100.128.0.1 51234 22", false),
            ("192.0.2.1 51234 22", false),
            ("fd7a:115c:a1e1::7 51234 22", false),
            ("", false),
            ("nonsense", false),
        ] {
            let environment = Environment::from([("SSH_CLIENT", client)]);
            assert_eq!(is_over_tailnet(&environment), expected, "{client}");
        }
    }
}
