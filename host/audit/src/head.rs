use std::{fmt, str::FromStr};

use crate::Record;

/// The last line of a log: what is kept elsewhere, to show later that up to there nothing
/// was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the line, where it is known.
    pub number: Option<u64>,
    /// The hash of the line.
    pub hash: String,
}

impl Head {
    /// Whether the entry is that line.
    pub fn is(&self, entry: &Record) -> bool {
        let number = entry.number("seq");
        entry.text("hash") == self.hash && self.number.is_none_or(|it| it == number)
    }
}

impl FromStr for Head {
    type Err = String;

    /// `HASH`, or `NUMBER HASH`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let (number, hash) = match parts[..] {
            [hash] => (None, hash),
            [number, hash] => {
                let number = number.parse();
                (Some(number.map_err(|_| "it begins with no number")?), hash)
            }
            _ => return Err("give a hash, or the whole line that audit head prints".to_owned()),
        };
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return Err("a hash has 64 hexadecimal digits".to_owned());
        }
        Ok(Self {
            number,
            hash: hash.to_ascii_lowercase(),
        })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.number {
            write!(f, "{number} ")?;
        }
        f.write_str(&self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_is_printed() {
        let hash = "0123456789abcdef".repeat(4);
        for number in [None, Some(7)] {
            let head = Head {
                number,
                hash: hash.clone(),
            };
            assert_eq!(head.to_string().parse(), Ok(head));
        }
        let upper: Head = hash.to_uppercase().parse().unwrap();
        assert_eq!(upper.hash, hash);
        for wrong in [
            "",
            "7",
            "0123",
            &format!("x {hash}"),
            &format!("7 8 {hash}"),
        ] {
            assert!(wrong.parse::<Head>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn is_one_line_and_no_other() {
        let hash = |digit: &str| digit.repeat(64);
        let entry = |seq: u64, hash: String| {
            let members = serde_json::json!({ "seq": seq, "hash": hash });
            Record(members.as_object().unwrap().clone())
        };
        let head = |number| Head {
            number,
            hash: hash("a"),
        };
        assert!(head(None).is(&entry(7, hash("a"))));
        assert!(head(Some(7)).is(&entry(7, hash("a"))));
        assert!(!head(Some(8)).is(&entry(7, hash("a"))));
        assert!(!head(None).is(&entry(7, hash("b"))));
        assert!(!head(Some(7)).is(&entry(7, hash("b"))));
        // 64 characters of which one is no digit, and a digit more.
        for wrong in [format!("g{}", &hash("a")[1..]), hash("a") + "a"] {
            assert!(wrong.parse::<Head>().is_err(), "{wrong}");
        }
    }
}
