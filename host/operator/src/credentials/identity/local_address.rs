use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{AddressProblem, call::HTTP_PORT};

/// The address of a service on this machine, or on its link. Names are not looked up: who
/// controls the resolver would be asked in the service's place.
///
/// # Errors
/// It leads elsewhere, or is none.
pub(super) fn local_address(host: &str, port: Option<u16>) -> Result<SocketAddr, AddressProblem> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let ip = if bare.eq_ignore_ascii_case("localhost") {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        bare.parse().map_err(|_| AddressProblem::NotLocal)?
    };
    let is_local = ip.is_loopback()
        || match ip {
            IpAddr::V4(ip) => ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_unicast_link_local(),
        };
    if is_local {
        Ok(SocketAddr::new(ip, port.unwrap_or(HTTP_PORT)))
    } else {
        Err(AddressProblem::NotLocal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_this_machine_or_its_link_is_taken() {
        for (host, port, address) in [
            ("127.0.0.1", None, "127.0.0.1:80"),
            ("localhost", Some(8080), "127.0.0.1:8080"),
            ("169.254.169.254", None, "169.254.169.254:80"),
            ("169.254.130.2", Some(8081), "169.254.130.2:8081"),
            ("[::1]", Some(1), "[::1]:1"),
            ("[fe80::1]", None, "[fe80::1]:80"),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(local_address(host, port), Ok(address), "{host}");
        }
    }

    #[test]
    fn what_is_elsewhere_is_not() {
        for host in [
            "",
            "10.0.0.1",
            "8.8.8.8",
            "0.0.0.0",
            "[::]",
            "[fd20:ce::254]",
            "[::ffff:8.8.8.8]",
            "metadata.example.com",
            "127.0.0.1.example.com",
            "localhost.",
            "2130706433",
            "0x7f.1",
        ] {
            let found = local_address(host, None);
            assert_eq!(found, Err(AddressProblem::NotLocal), "{host:?}");
        }
    }
}
