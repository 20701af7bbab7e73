/// A type for one of a few names that are known in advance; `choice!` makes them.
pub(crate) trait Choice: Copy + 'static {
    /// All names.
    const ALL: &[Self];

    /// The name as text.
    fn word(self) -> &'static str;

    /// All names as text.
    fn words() -> Vec<String> {
        Self::ALL.iter().map(|it| it.word().to_owned()).collect()
    }
}

/// A type for one of a few names that are known in advance.
macro_rules! choice {
    ($(#[$docs:meta])* $name:ident: $($choice:literal)|+) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $name(&'static str);

        impl crate::choice::Choice for $name {
            const ALL: &[Self] = &[$(Self($choice)),+];

            fn word(self) -> &'static str {
                self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                use crate::choice::Choice;

                let found = Self::ALL.iter().find(|it| it.0 == text);
                found
                    .copied()
                    .ok_or_else(|| format!("give one of {}", Self::words().join(", ")))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0)
            }
        }
    };
}

pub(crate) use choice;
