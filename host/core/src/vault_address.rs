use std::{fmt, str::FromStr};

use rustls_pki_types::ServerName;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Where a Vault is: `https://HOST:PORT`, and nothing behind it.
///
/// There is no plain HTTP: the token and the secret would be readable on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultAddress {
    /// A name in lower case, or an address without brackets.
    host: String,
    port: u16,
}

/// What HTTPS has where an address names no port.
const HTTPS_PORT: u16 = 443;

impl VaultAddress {
    /// The name or the address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `HOST:PORT`, as requests have it.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for VaultAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.authority())
    }
}

/// Why a text is not the address of a Vault. It repeats nothing of the text, which
/// may have a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultAddressError {
    /// It begins with `http://`.
    #[error("plain http would show the token and the secret to everybody on the way")]
    PlainHttp,
    /// It is something else.
    #[error("it is not https://HOST:PORT with nothing behind it")]
    Shape,
}

impl FromStr for VaultAddress {
    type Err = VaultAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use VaultAddressError::{PlainHttp, Shape};
        let (scheme, rest) = text.split_once("://").ok_or(Shape)?;
        match scheme.to_ascii_lowercase().as_str() {
            "https" => {}
            "http" => return Err(PlainHttp),
            _ => return Err(Shape),
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or(Shape)?;
                // Brackets are for what has colons in it.
                host.parse::<std::net::Ipv6Addr>().map_err(|_| Shape)?;
                (host, port)
            }
            None => match authority.find(':') {
                Some(colon) => authority.split_at(colon),
                None => (authority, ""),
            },
        };
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| Shape)?
            }
            None if port.is_empty() => HTTPS_PORT,
            _ => return Err(Shape),
        };
        let host = host.to_ascii_lowercase();
        if port == 0 || host.ends_with('.') || ServerName::try_from(host.as_str()).is_err() {
            return Err(Shape);
        }
        Ok(Self { host, port })
    }
}

impl<'de> Deserialize<'de> for VaultAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl Serialize for VaultAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_form() {
        for (text, shown) in [
            (
                "https://vault.example.com:8200",
                "https://vault.example.com:8200",
            ),
            (
                "HTTPS://Vault.Example.com:8200/",
                "https://vault.example.com:8200",
            ),
            ("https://vault.example.com", "https://vault.example.com:443"),
            ("https://10.0.0.1:8200", "https://10.0.0.1:8200"),
            ("https://[::1]:8200", "https://[::1]:8200"),
            ("https://[::1]", "https://[::1]:443"),
        ] {
            assert_eq!(text.parse::<VaultAddress>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in [
            "",
            "vault.example.com:8200",
            "https://",
            "https://:8200",
            "https://user:password@vault.example.com:8200",
            "https://vault.example.com:8200/v1",
            "https://vault.example.com:8200//",
            "https://vault.example.com:8200?a=b",
            "https://vault.example.com:8200#a",
            "https://vault.example.com.:8200",
            "https://vault.example.com:+8200",
            "https://vault.example.com:0",
            "https://vault.example.com:65536",
            "https://vault.example.com:",
            "https://vault example.com",
            "https://vault.example.com\n",
            "https://[::1]8200",
            "https://[::1",
            "https://::1:8200",
            "https://[vault]:8200",
            "unix:///run/vault.sock",
        ] {
            let refused = text.parse::<VaultAddress>();
            assert_eq!(refused, Err(VaultAddressError::Shape), "{text:?}");
        }
        let plain = "http://127.0.0.1:8200".parse::<VaultAddress>();
        assert_eq!(plain, Err(VaultAddressError::PlainHttp));
    }

    #[test]
    fn its_parts_are_without_brackets_and_it_is_written_with_them() {
        let address: VaultAddress = "https://[::1]:8200".parse().unwrap();
        assert_eq!((address.host(), address.port()), ("::1", 8200));
        assert_eq!(address.authority(), "[::1]:8200");
        let address: VaultAddress = "https://vault:1".parse().unwrap();
        assert_eq!((address.host(), address.port()), ("vault", 1));
        assert_eq!(address.authority(), "vault:1");
        let json = serde_json::to_string(&address).unwrap();
        assert_eq!(json, "\"https://vault:1\"");
        let read = |json: &str| tailmint_api::from_json::<VaultAddress>(json.as_bytes());
        assert_eq!(read(&json), Ok(address));
        assert!(read("\"vault:1\"").is_err());
    }
}
