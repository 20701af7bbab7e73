/// A secret. It has no `Debug` and no `Display`: it goes into requests, and nowhere else.
#[derive(Clone)]
pub struct Hidden(String);

impl Hidden {
    /// Hides the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}
