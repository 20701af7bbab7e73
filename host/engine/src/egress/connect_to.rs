use std::str::FromStr;

use rustls_pki_types::ServerName;

/// Where to connect to instead of the API's own address, as curl's option of
/// this name has it: the request and its certificate stay those of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectTo {
    pub(super) host: String,
    pub(super) port: u16,
}

impl ConnectTo {
    /// The port there.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl std::fmt::Display for ConnectTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A text that does not say where to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give HOST:PORT, such as 127.0.0.1:8443 or [::1]:8443")]
pub struct ConnectToError;

impl FromStr for ConnectTo {
    type Err = ConnectToError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: ConnectToError = ConnectToError;
        let (host, port) = text.rsplit_once(':').ok_or(SHAPE)?;
        let port = port.parse().map_err(|_| SHAPE)?;
        let bare = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').ok_or(SHAPE)?,
            None if host.contains(':') => return Err(SHAPE),
            None => host,
        };
        if bare.is_empty() || port == 0 || ServerName::try_from(bare).is_err() {
            return Err(SHAPE);
        }
        Ok(Self {
            host: bare.to_owned(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_to_takes_names_and_addresses() {
        for (text, host, port) in [
            ("127.0.0.1:8443", "127.0.0.1", 8443),
            ("localhost:1", "localhost", 1),
            ("[::1]:443", "::1", 443),
        ] {
            let to: ConnectTo = text.parse().unwrap();
            assert_eq!((to.host.as_str(), to.port), (host, port));
        }
    }

    #[test]
    fn connect_to_refuses_other_shapes() {
        for text in [
            "",
            "localhost",
            ":443",
            "::1:443",
            "[::1]",
            "[::1:443",
            "a:0",
            "a:65536",
            "a b:1",
            "https://a:1",
        ] {
            assert!(text.parse::<ConnectTo>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_address_with_colons_is_written_in_brackets() {
        for text in ["127.0.0.1:8443", "localhost:1", "[::1]:443"] {
            assert_eq!(text.parse::<ConnectTo>().unwrap().to_string(), text);
        }
    }
}
