use std::{net::IpAddr, sync::LazyLock};

use ipnet::IpNet;

/// The ranges that do not lead to a machine on the internet, with what they are
/// for: IANA's special-purpose registries, multicast, and those that carry an
/// IPv4 address inside an IPv6 one, which would lead around the rest.
const RANGES: [(&str, &str); 34] = [
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared, and Tailscale's own"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "AS112"),
    ("192.52.193.0/24", "AMT"),
    ("192.88.99.0/24", "6to4 relays"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "AS112"),
    ("198.18.0.0/15", "benchmarks"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/96", "unspecified, loopback, or IPv4 inside"),
    ("::ffff:0:0/96", "IPv4 inside"),
    ("64:ff9b::/96", "NAT64: IPv4 inside"),
    ("64:ff9b:1::/48", "local NAT64: IPv4 inside"),
    ("100::/64", "discarded"),
    ("100:0:0:1::/64", "dummy"),
    ("2001::/23", "protocol assignments, Teredo among them"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4: IPv4 inside"),
    ("2620:4f:8000::/48", "AS112"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "unique local, Tailscale's own among them"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
];

static NETWORKS: LazyLock<Vec<(IpNet, &str)>> = LazyLock::new(|| {
    let network = |text: &str| text.parse().expect("a network");
    RANGES
        .iter()
        .map(|&(text, purpose)| (network(text), purpose))
        .collect()
});

/// What the address is for, where it is not public.
pub(super) fn not_public(address: IpAddr) -> Option<&'static str> {
    NETWORKS
        .iter()
        .find(|(network, _)| network.contains(&address))
        .map(|&(_, purpose)| purpose)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The address before or after, by so many.
    fn neighbour(address: IpAddr, up: bool) -> Option<IpAddr> {
        match address {
            IpAddr::V4(v4) => {
                let bits = v4.to_bits();
                let next = if up {
                    bits.checked_add(1)
                } else {
                    bits.checked_sub(1)
                };
                next.map(|bits| IpAddr::V4(bits.into()))
            }
            IpAddr::V6(v6) => {
                let bits = v6.to_bits();
                let next = if up {
                    bits.checked_add(1)
                } else {
                    bits.checked_sub(1)
                };
                next.map(|bits| IpAddr::V6(bits.into()))
            }
        }
    }

    #[test]
    fn each_range_ends_where_it_ends() {
        for (text, purpose) in RANGES {
            let network: IpNet = text.parse().unwrap();
            let (first, last) = (network.network(), network.broadcast());
            for inside in [first, last] {
                assert!(not_public(inside).is_some(), "{inside} of {text}");
            }
            for outside in [neighbour(first, false), neighbour(last, true)]
                .into_iter()
                .flatten()
            {
                // A neighbour is public, or of another range.
                assert_ne!(
                    not_public(outside),
                    Some(purpose),
                    "{outside} beside {text}"
                );
            }
        }
    }

    #[test]
    fn addresses_that_must_not_be_connected_to() {
        for text in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.0",
            "100.100.100.100",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "fc00::1",
            "fd00::1",
            "fd7a:115c:a1e0::1",
            "fd7a:115c:a1e0:ab12::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(not_public(text.parse().unwrap()).is_some(), "{text}");
        }
    }

    #[test]
    fn addresses_of_the_internet() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "192.200.0.101",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
            "2003::1",
            "64:ff9a::1",
        ] {
            assert_eq!(not_public(text.parse().unwrap()), None, "{text}");
        }
    }
}
