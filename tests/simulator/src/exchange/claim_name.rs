//! Names of claims in rules: `a.b` is the member `b` of the claim `a`, and a name that has a
//! period in it stands in double quotes.

use serde_json::{Map, Value};

/// The names from the outside in; `None` where that is no name.
pub(crate) fn parse(name: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = name;
    loop {
        let (part, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
        };
        if part.is_empty() || part.contains('"') {
            return None;
        }
        names.push(part);
        if behind.is_empty() {
            return Some(names);
        }
        rest = behind.strip_prefix('.')?;
    }
}

/// The claim of this name, if it is there and is text. How others are matched is not known,
/// so that they are not.
pub(super) fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let names = parse(name)?;
    let (last, outer) = names.split_last()?;
    let mut members = claims;
    for name in outer {
        members = members.get(*name)?.as_object()?;
    }
    members.get(*last)?.as_str()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_nested_and_quoted() {
        assert_eq!(parse("ref").unwrap(), ["ref"]);
        assert_eq!(parse("a.b.c").unwrap(), ["a", "b", "c"]);
        assert_eq!(
            parse("\"open.id\".username").unwrap(),
            ["open.id", "username"]
        );
        assert_eq!(parse("a.\"b.c\"").unwrap(), ["a", "b.c"]);
        for bad in [
            "", ".", "a.", ".a", "a..b", "\"a", "\"\"", "\"a\"b", "a\"b\"",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn claims_are_found_by_them() {
        let claims = json!({
            "ref": "main",
            "open.id": { "username": "jo" },
            "run": 5,
            "teams": ["a"],
        });
        let found = |name| find(claims.as_object().unwrap(), name);
        assert_eq!(found("ref"), Some("main"));
        assert_eq!(found("\"open.id\".username"), Some("jo"));
        for absent in ["open.id.username", "ref.x", "run", "teams", "none"] {
            assert_eq!(found(absent), None, "{absent}");
        }
    }

    proptest! {
        #[test]
        fn any_names_in_quotes_are_read(names in prop::collection::vec("[^\"]+", 1..5)) {
            let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
            let quoted = quoted.join(".");
            prop_assert_eq!(parse(&quoted).unwrap(), names);
        }

        #[test]
        fn any_text_is_a_name_or_is_none(text in ".*") {
            if let Some(names) = parse(&text) {
                prop_assert!(names.iter().all(|name| !name.is_empty()));
            }
        }
    }
}
