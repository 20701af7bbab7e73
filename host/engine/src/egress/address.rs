use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use ipnet::IpNet;

/// A range that does not lead to a machine on the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    network: &'static str,
    /// What its addresses are for.
    pub(super) purpose: &'static str,
    /// How to go on where the API's name leads to one.
    pub(super) remedy: &'static str,
    /// Whether proxies on this machine give such addresses out in place of real ones.
    pub(super) is_fake: bool,
}

/// The ranges: IANA's special-purpose registries, multicast, and those that carry an
/// IPv4 address inside an IPv6 one, which would lead around the rest. Of those that
/// overlap, the first counts.
const RANGES: [Range; 36] = [
    range("0.0.0.0/32", BLOCKED, ALLOW_NAME),
    range("0.0.0.0/8", "this network", WHO_RESOLVES),
    range("10.0.0.0/8", "private", SPLIT),
    range(
        "100.64.0.0/10",
        "shared, of a carrier's NAT or of a tailnet",
        SPLIT,
    ),
    range("127.0.0.0/8", "loopback", HOSTS),
    range("169.254.0.0/16", "link-local", WHO_RESOLVES),
    range("172.16.0.0/12", "private", SPLIT),
    range("192.0.0.0/24", "protocol assignments", WHO_RESOLVES),
    range("192.0.2.0/24", "documentation", WHO_RESOLVES),
    range("192.31.196.0/24", "AS112", WHO_RESOLVES),
    range("192.52.193.0/24", "AMT", WHO_RESOLVES),
    range("192.88.99.0/24", "6to4 relays", WHO_RESOLVES),
    range("192.168.0.0/16", "private", SPLIT),
    range("192.175.48.0/24", "AS112", WHO_RESOLVES),
    Range {
        is_fake: true,
        ..range("198.18.0.0/15", FAKE, EXCLUDE_NAME)
    },
    range("198.51.100.0/24", "documentation", WHO_RESOLVES),
    range("203.0.113.0/24", "documentation", WHO_RESOLVES),
    range("224.0.0.0/4", "multicast", WHO_RESOLVES),
    range("240.0.0.0/4", "reserved", WHO_RESOLVES),
    range("::/128", BLOCKED, ALLOW_NAME),
    range("::1/128", "loopback", HOSTS),
    range("::/96", "IPv4 inside", WHO_RESOLVES),
    range("::ffff:0:0/96", "IPv4 inside", WHO_RESOLVES),
    range(
        NAT64,
        "NAT64 of an IPv4 address that is not public",
        WHO_RESOLVES,
    ),
    range(
        LOCAL_NAT64,
        "local NAT64 of an IPv4 address that is not public",
        WHO_RESOLVES,
    ),
    range("100::/64", "discarded", WHO_RESOLVES),
    range("100:0:0:1::/64", "dummy", WHO_RESOLVES),
    range(
        "2001::/23",
        "protocol assignments, Teredo among them",
        WHO_RESOLVES,
    ),
    range("2001:db8::/32", "documentation", WHO_RESOLVES),
    range("2002::/16", "6to4: IPv4 inside", WHO_RESOLVES),
    range("2620:4f:8000::/48", "AS112", WHO_RESOLVES),
    range("3fff::/20", "documentation", WHO_RESOLVES),
    range("5f00::/16", "segment routing", WHO_RESOLVES),
    range(
        "fc00::/7",
        "unique local, of this network or of a tailnet",
        SPLIT,
    ),
    range("fe80::/9", "link-local or site-local", WHO_RESOLVES),
    range("ff00::/8", "multicast", WHO_RESOLVES),
];

const NAT64: &str = "64:ff9b::/96";
const LOCAL_NAT64: &str = "64:ff9b:1::/48";

const BLOCKED: &str = "no address at all, which is how DNS blockers respond";
const FAKE: &str = "a fake address, as proxies such as Clash and sing-box give out in fake-IP mode";

const ALLOW_NAME: &str = "let the DNS blocker (such as AdGuard, or a hosts file) allow the name";
const EXCLUDE_NAME: &str = "exclude the name from the proxy's fake addresses, or set trust.fake-addresses to \"allow\" in the policy";
const HOSTS: &str = "see whether /etc/hosts has the name";
const SPLIT: &str =
    "see whether the name server of this network, or a VPN's, has an entry of its own for the name";
const WHO_RESOLVES: &str =
    "see which name server /etc/resolv.conf names, and what it says of the name";

const fn range(network: &'static str, purpose: &'static str, remedy: &'static str) -> Range {
    Range {
        network,
        purpose,
        remedy,
        is_fake: false,
    }
}

static NETWORKS: LazyLock<Vec<(IpNet, Range)>> = LazyLock::new(|| {
    RANGES
        .iter()
        .map(|range| (range.network.parse().expect("a network"), *range))
        .collect()
});

/// The range of the address, where it is not public.
pub(super) fn not_public(address: IpAddr) -> Option<Range> {
    let (_, range) = NETWORKS
        .iter()
        .find(|(network, _)| network.contains(&address))?;
    match address {
        // What leaves the network has the IPv4 address that is inside.
        IpAddr::V6(address) if is_nat64_of_public(range, address) => None,
        _ => Some(*range),
    }
}

fn is_nat64_of_public(range: &Range, address: Ipv6Addr) -> bool {
    let is_public = |inside: Ipv4Addr| not_public(inside.into()).is_none();
    let [.., a, b, c, d] = address.octets();
    let last = Ipv4Addr::new(a, b, c, d);
    match range.network {
        NAT64 => is_public(last),
        // Its operator chose the length of the prefix. The address has to be public by each
        // that it can be of; what begins with a zero is no address of a machine.
        LOCAL_NAT64 => {
            let mut inside = embedded(address)
                .chain([last])
                .filter(|it| it.octets()[0] != 0)
                .peekable();
            inside.peek().is_some() && inside.all(is_public)
        }
        _ => false,
    }
}

/// The IPv4 addresses inside by the prefixes of 48, 56 and 64 bits (RFC 6052, 2.2): the
/// ninth byte is zero, and so are all after the address.
fn embedded(address: Ipv6Addr) -> impl Iterator<Item = Ipv4Addr> {
    let bytes = address.octets();
    [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12]]
        .into_iter()
        .filter(move |at: &[usize; 4]| {
            bytes[8] == 0 && bytes[at[3] + 1..].iter().all(|it| *it == 0)
        })
        .map(move |at| Ipv4Addr::from(at.map(|index| bytes[index])))
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
        for range in RANGES {
            let text = range.network;
            let network: IpNet = text.parse().unwrap();
            let (first, last) = (network.network(), network.broadcast());
            if [NAT64, LOCAL_NAT64].contains(&text) {
                continue;
            }
            for inside in [first, last] {
                assert!(not_public(inside).is_some(), "{inside} of {text}");
            }
            for outside in [neighbour(first, false), neighbour(last, true)]
                .into_iter()
                .flatten()
            {
                // A neighbour is public, or of another range.
                assert_ne!(
                    not_public(outside).map(|it| it.network),
                    Some(text),
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
            "64:ff9b::a00:1",
            "64:ff9b::",
            "64:ff9b:1::1",
            "64:ff9b:1::a00:1",
            "64:ff9b:1:7f00:0:100::",
            "64:ff9b:1:808:0:808:a00:1",
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

    #[test]
    fn nat64_of_a_public_address_is_public_and_of_another_is_not() {
        // 192.200.0.101 by RFC 6052, behind prefixes of 96, 48, 56 and 64 bits.
        for text in [
            "64:ff9b::c0c8:65",
            "64:ff9b:1::c0c8:65",
            "64:ff9b:1:2:0:3:c0c8:65",
            "64:ff9b:1:c0c8:0:6500::",
            "64:ff9b:1:c0:c8:65::",
        ] {
            assert_eq!(not_public(text.parse().unwrap()), None, "{text}");
        }
        for (text, network) in [
            ("64:ff9b::a00:1", NAT64),
            ("64:ff9b::a9fe:a9fe", NAT64),
            ("64:ff9b:1::7f00:1", LOCAL_NAT64),
            ("64:ff9b:1:a00:0:100::", LOCAL_NAT64),
            ("64:ff9b:1:a:0:1::", LOCAL_NAT64),
            ("64:ff9b:1::", LOCAL_NAT64),
        ] {
            let range = not_public(text.parse().unwrap());
            assert_eq!(range.map(|it| it.network), Some(network), "{text}");
        }
    }

    #[test]
    fn what_an_address_is_for_is_named_with_a_way_on() {
        for (text, purpose, remedy) in [
            ("0.0.0.0", "DNS blockers", "allow the name"),
            ("::", "DNS blockers", "allow the name"),
            ("198.18.0.7", "fake", "fake-addresses"),
            (
                "100.100.100.100",
                "a tailnet",
                "name server of this network",
            ),
            ("127.0.0.1", "loopback", "/etc/hosts"),
            ("::1", "loopback", "/etc/hosts"),
            ("10.1.1.1", "private", "name server of this network"),
            ("192.0.2.1", "documentation", "/etc/resolv.conf"),
        ] {
            let range = not_public(text.parse().unwrap()).unwrap();
            assert!(range.purpose.contains(purpose), "{text}: {range:?}");
            assert!(range.remedy.contains(remedy), "{text}: {range:?}");
            assert_eq!(range.is_fake, purpose == "fake", "{text}");
        }
    }
}
