use http::request::Parts;
use serde::Serialize;

/// A request that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Which of the TCP connections it came on, from 1.
    pub connection: usize,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, without its `?`.
    pub query: Option<String>,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// Whether it met a fault that it was told to meet.
    pub misbehaved: bool,
    /// What was answered; `None` if nothing was.
    pub answer: Option<Answer>,
}

/// What was answered to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Recorded {
    /// A request that has no response yet.
    pub(crate) fn new(parts: &Parts, body: &[u8], connection: usize) -> Self {
        Self {
            connection,
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts
                .headers
                .iter()
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    (name.as_str().to_owned(), value)
                })
                .collect(),
            body: String::from_utf8_lossy(body).into_owned(),
            misbehaved: false,
            answer: None,
        }
    }

    /// The value of a member of the query, if there is exactly one.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let query = self.query.as_deref().unwrap_or_default();
        let mut values = form_urlencoded::parse(query.as_bytes())
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value.into_owned());
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// The value of the header, if there is exactly one.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// The members of a form.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }

    /// The method and the path, as a log has them.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}
