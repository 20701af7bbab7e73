//! What the API granted is compared with what was asked for.

use jiff::{Span, Timestamp};
use tailmint_api::{DescribedKey, NewKeyBody};

use super::{MintError, MintErrorKind};

/// The clocks of a service differ by less, and it rounds.
const SLACK_SECONDS: i64 = 60;

/// Rejects a key that can do something else, or for longer, than what was asked for.
pub(super) fn granted_as_asked(
    granted: &DescribedKey,
    asked: &NewKeyBody,
) -> Result<(), MintError> {
    let (is, was) = (&granted.properties.capabilities, &asked.capabilities);
    let sorted = |tags: &[String]| {
        let mut tags = tags.to_vec();
        tags.sort_unstable();
        tags.dedup();
        tags
    };
    let flag =
        |name: &str, is: bool, was: bool| (is != was).then(|| format!("{name} is {is}, not {was}"));
    let (tags, asked_tags) = (sorted(&is.tags), sorted(&was.tags));
    let other = [
        flag("reusable", is.reusable, was.reusable),
        flag("ephemeral", is.ephemeral, was.ephemeral),
        flag("preauthorized", is.preauthorized, was.preauthorized),
        (tags != asked_tags)
            .then(|| format!("its tags are {}, not {}", words(&tags), words(&asked_tags))),
        granted.invalid.then(|| "it is not valid".to_owned()),
        is_longer(granted, asked.expiry_seconds).then(|| {
            format!(
                "it expires {}, later than after {} seconds",
                granted.expires, asked.expiry_seconds
            )
        }),
    ];
    let other: Vec<_> = other.into_iter().flatten().collect();
    if other.is_empty() {
        return Ok(());
    }
    Err(MintError::new(
        MintErrorKind::NotAsAsked,
        format!(
            "the API created another key than was asked for: {}",
            other.join("; ")
        ),
        "ask for what the tailnet grants, or see in the admin console what changes it",
    ))
}

fn words(tags: &[String]) -> String {
    if tags.is_empty() {
        "none".to_owned()
    } else {
        tags.join(" ")
    }
}

/// Whether it joins machines for longer than was asked for, as far as the API says when it
/// ends.
fn is_longer(granted: &DescribedKey, asked_seconds: u32) -> bool {
    let (Ok(created), Ok(expires)) = (
        granted.created.parse::<Timestamp>(),
        granted.expires.parse::<Timestamp>(),
    ) else {
        return granted.properties.expiry_seconds > asked_seconds;
    };
    let latest = created
        .checked_add(Span::new().seconds(i64::from(asked_seconds).saturating_add(SLACK_SECONDS)));
    latest.is_ok_and(|latest| expires > latest)
}

#[cfg(test)]
mod tests {
    use tailmint_api::KeyCapabilities;

    use super::*;

    fn asked() -> NewKeyBody {
        NewKeyBody {
            capabilities: KeyCapabilities::for_tags(vec!["tag:a".to_owned(), "tag:b".to_owned()]),
            expiry_seconds: 3600,
            description: None,
        }
    }

    fn granted(change: impl FnOnce(&mut DescribedKey)) -> Result<(), String> {
        let mut key = DescribedKey {
            id: "k1".to_owned(),
            created: "2026-11-24T12:00:00Z".to_owned(),
            expires: "2026-11-24T13:00:00Z".to_owned(),
            invalid: false,
            properties: asked(),
        };
        change(&mut key);
        granted_as_asked(&key, &asked()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_that_is_what_was_asked_for_is_accepted() {
        assert_eq!(granted(|_| ()), Ok(()));
        let reordered = |key: &mut DescribedKey| key.properties.capabilities.tags.reverse();
        assert_eq!(granted(reordered), Ok(()));
        assert_eq!(
            granted(|key| key.expires = "2026-11-24T13:00:59Z".to_owned()),
            Ok(())
        );
        assert_eq!(
            granted(|key| key.expires = "2026-11-24T12:10:00Z".to_owned()),
            Ok(())
        );
        assert_eq!(granted(|key| key.expires = String::new()), Ok(()));
    }

    #[test]
    fn a_key_that_can_do_something_else_is_rejected_with_what() {
        type Change = fn(&mut DescribedKey);
        let cases: [(&str, Change); 7] = [
            ("reusable is false, not true", |key| {
                key.properties.capabilities.reusable = false;
            }),
            ("ephemeral is false, not true", |key| {
                key.properties.capabilities.ephemeral = false;
            }),
            ("preauthorized is false, not true", |key| {
                key.properties.capabilities.preauthorized = false;
            }),
            ("its tags are none, not tag:a tag:b", |key| {
                key.properties.capabilities.tags.clear();
            }),
            ("its tags are tag:a tag:b tag:c, not tag:a tag:b", |key| {
                key.properties.capabilities.tags.push("tag:c".to_owned());
            }),
            ("it is not valid", |key| key.invalid = true),
            (
                "it expires 2026-11-24T13:01:01Z, later than after 3600 seconds",
                |key| key.expires = "2026-11-24T13:01:01Z".to_owned(),
            ),
        ];
        for (what, change) in cases {
            let said = granted(change).unwrap_err();
            assert_eq!(
                said,
                format!("the API created another key than was asked for: {what}")
            );
        }
        let without_times = granted(|key| {
            key.created = String::new();
            key.properties.expiry_seconds = 3601;
        });
        assert!(without_times.is_err());
    }
}
