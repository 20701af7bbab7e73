/// What the component sees instead of a secret: random per run, meaningless.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Placeholder(String);

/// 192 bits: nobody guesses one, and none is made twice.
const RANDOM_BYTES: usize = 24;

impl Placeholder {
    /// Hexadecimal digits, which no form, JSON or URL writes differently.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random)?;
        let mut text = String::with_capacity(2 * RANDOM_BYTES);
        for byte in random {
            text.extend(
                [byte >> 4, byte & 15]
                    .map(|digit| char::from_digit(digit.into(), 16))
                    .into_iter()
                    .flatten(),
            );
        }
        Ok(Self(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_long_unreserved_and_never_the_same() {
        let one = Placeholder::random().unwrap();
        let other = Placeholder::random().unwrap();
        assert_eq!(one.as_str().len(), 48);
        assert!(one.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(one, other);
    }
}
