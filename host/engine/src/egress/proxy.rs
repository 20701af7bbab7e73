use std::{error::Error, fmt, str::FromStr, time::Duration};

use http::{HeaderValue, Uri};
use hyper::rt::{Read, Write};
use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, proxy::Tunnel},
        proxy::matcher::Matcher,
    },
    rt::TokioIo,
};
use tailmint_api::{API_HOST, OutsideText};
use tailmint_core::{Class, Diagnose, Environment, Failure, in_seconds};
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

/// The port of plain HTTP.
const HTTP_PORT: u16 = 80;

/// A proxy that connects to a host, by HTTP's CONNECT. It sees the host's name
/// and what is encrypted; it also resolves the name.
#[derive(Clone)]
pub struct Proxy {
    uri: Uri,
    /// The user name and the password, as the proxy takes them.
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// The proxy that `HTTPS_PROXY` (or `https_proxy`) names for the API, unless `NO_PROXY`
    /// (or `no_proxy`) excepts the API from it.
    ///
    /// # Errors
    /// It names none: going around it would not be what was meant.
    pub fn from_env(environment: &Environment) -> Result<Option<Self>, ProxyError> {
        Self::for_host(environment, API_HOST)
    }

    /// The same for another host.
    ///
    /// # Errors
    /// As there.
    pub fn for_host(environment: &Environment, host: &str) -> Result<Option<Self>, ProxyError> {
        let find = |names: [&'static str; 2]| {
            let found = names.into_iter().find_map(|name| {
                let value = environment.get(name)?;
                Some((name, value.to_str()))
            });
            match found {
                None => Ok(None),
                Some((name, Some(value))) => Ok(Some((name, value))),
                Some((name, None)) => Err(ProxyError { origin: name }),
            }
        };
        let Some((origin, url)) = find(["HTTPS_PROXY", "https_proxy"])? else {
            return Ok(None);
        };
        let except = find(["NO_PROXY", "no_proxy"])?.map_or("", |(_, value)| value);
        Self::read(url, except, host).map_err(|()| ProxyError { origin })
    }

    /// `None` where the host is excepted.
    fn read(url: &str, except: &str, host: &str) -> Result<Option<Self>, ()> {
        let wanted = Uri::try_from(format!("https://{host}")).map_err(|_| ())?;
        let Some(found) = Matcher::builder().https(url).build().intercept(&wanted) else {
            return Err(());
        };
        let authority = found.uri().authority().ok_or(())?;
        let host = authority.host();
        if authority.as_str() != host && authority.port_u16().is_none() {
            return Err(());
        }
        // A proxy behind TLS, and SOCKS, are for other programs to speak.
        if found.uri().scheme_str() != Some("http") || host.is_empty() {
            return Err(());
        }
        let excepted = Matcher::builder().https(url).no(except).build();
        if excepted.intercept(&wanted).is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            uri: found.uri().clone(),
            authorization: found.basic_auth().cloned(),
        }))
    }

    /// Its port: that of HTTP where the variable names none.
    pub fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(HTTP_PORT)
    }

    /// A connection to this port of the host through the proxy.
    pub(super) async fn connect(
        &self,
        (host, port): (&str, u16),
        limit: Duration,
    ) -> Result<TcpStream, Failure> {
        let mut direct = HttpConnector::new();
        direct.set_nodelay(true);
        let connected = self.tunnel((host, port), direct, limit).await;
        connected.map(TokioIo::into_inner)
    }

    /// The same over what connects to the proxy itself.
    pub(crate) async fn tunnel<C>(
        &self,
        (host, port): (&str, u16),
        direct: C,
        limit: Duration,
    ) -> Result<C::Response, Failure>
    where
        C: Service<Uri, Error: Into<Box<dyn Error + Send + Sync>>, Future: Send + 'static>,
        C::Response: Read + Write + Unpin + Send + 'static,
    {
        let mut tunnel = Tunnel::new(self.uri.clone(), direct);
        if let Some(authorization) = &self.authorization {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let failed = |detail: String| Failure::Proxy {
            proxy: self.to_string(),
            detail: OutsideText::of(detail),
        };
        let wanted = Uri::try_from(format!("https://{host}:{port}"));
        let wanted = wanted.map_err(|_| failed(format!("{host} is not a name")))?;
        match timeout(limit, tunnel.call(wanted)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(failed(super::connections::chain(&error))),
            Err(_) => Err(failed(format!("no response within {}", in_seconds(limit)))),
        }
    }
}

impl FromStr for Proxy {
    type Err = ProxyError;

    /// Reads `http://[USER:PASSWORD@]HOST:PORT`.
    fn from_str(url: &str) -> Result<Self, Self::Err> {
        match Self::read(url, "", API_HOST) {
            Ok(Some(proxy)) => Ok(proxy),
            Ok(None) | Err(()) => Err(ProxyError { origin: "the text" }),
        }
    }
}

impl fmt::Display for Proxy {
    /// Without the user name and the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.uri.authority() {
            Some(authority) => write!(f, "http://{authority}"),
            None => f.write_str("http://"),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// A text that names no proxy. It may hold a password, and is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin} is not the URL of a proxy that can be used")]
pub struct ProxyError {
    origin: &'static str,
}

impl Diagnose for ProxyError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("give http://HOST:PORT, with USER:PASSWORD@ before it where needed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<const N: usize>(variables: [(&str, &str); N]) -> Result<Option<String>, ProxyError> {
        let found = Proxy::from_env(&Environment::from(variables))?;
        Ok(found.map(|proxy| proxy.to_string()))
    }

    #[test]
    fn takes_what_the_variables_say() {
        let proxy = Ok(Some("http://proxy:3128".to_owned()));
        let url = "http://proxy:3128";
        assert_eq!(found([]), Ok(None));
        assert_eq!(found([("HTTPS_PROXY", "")]), Ok(None));
        assert_eq!(found([("HTTP_PROXY", url), ("ALL_PROXY", url)]), Ok(None));
        assert_eq!(found([("HTTPS_PROXY", url)]), proxy);
        assert_eq!(found([("https_proxy", "proxy:3128")]), proxy);
        let both = [("HTTPS_PROXY", url), ("https_proxy", "http://other:1")];
        assert_eq!(found(both), proxy);
        for (except, excepted) in [
            ("*", true),
            ("example.com, .tailscale.com", true),
            ("api.tailscale.com", true),
            ("pi.tailscale.com", false),
            ("10.0.0.0/8", false),
        ] {
            let expected = if excepted { Ok(None) } else { proxy.clone() };
            assert_eq!(
                found([("HTTPS_PROXY", url), ("no_proxy", except)]),
                expected
            );
        }
        // What is excepted is the host that is asked for.
        let environment = [("HTTPS_PROXY", url), ("NO_PROXY", ".tailscale.com")];
        let environment = Environment::from(environment);
        let other = Proxy::for_host(&environment, "other.example.com").unwrap();
        assert_eq!(other.unwrap().to_string(), "http://proxy:3128");
        assert!(Proxy::for_host(&environment, "not a name").is_err());
    }

    #[test]
    fn what_names_none_is_an_error_that_repeats_nothing_of_it() {
        for url in [
            "https://user:hunter2@proxy:3128",
            "socks5://user:hunter2@proxy:1080",
            "ftp://user:hunter2@proxy",
            "http://user:hunter2@",
            "user:hunter2@ proxy",
            "http://",
            "http://proxy:port",
        ] {
            let error = found([("HTTPS_PROXY", url)]).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{url}");
            // Nor does an exception mend it.
            assert!(
                found([("HTTPS_PROXY", url), ("NO_PROXY", "*")]).is_err(),
                "{url}"
            );
        }
        let proxy: Proxy = "http://user:hunter2@proxy:3128".parse().unwrap();
        assert_eq!(
            format!("{proxy} {proxy:?}"),
            "http://proxy:3128 Proxy(http://proxy:3128)"
        );
    }
}
