//! The pages and files that are made from the tables of the code: they say what the code
//! says. `TAILMINT_BLESS=1 cargo test -p tailmint-cli --test suite generated` writes them.

use std::fs;

use tailmint::Class;

use crate::world::workspace;

/// Holds the file against what it is made from, or writes it.
fn is_current(path: &str, text: &str) {
    let file = workspace().join(path);
    if std::env::var_os("TAILMINT_BLESS").is_some() {
        fs::write(&file, text).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == text,
        "{path} does not say what the code says; write it anew, and read the difference:\n\
         TAILMINT_BLESS=1 cargo test -p tailmint-cli --test suite generated"
    );
}

#[test]
fn the_reference_of_the_policy_is_current() {
    is_current("docs/policy.md", &tailmint_policy::reference());
}

#[test]
fn the_schema_of_the_policy_is_current_and_takes_the_built_in_policy() {
    let schema = tailmint_policy::schema();
    is_current("docs/policy.schema.json", &schema);
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let built_in = tailmint_policy::Policy::built_in().to_toml();
    let built_in: serde_json::Value = toml::from_str(&built_in).unwrap();
    let wrong: Vec<_> = validator
        .iter_errors(&built_in)
        .map(|it| it.to_string())
        .collect();
    assert_eq!(wrong, [""; 0]);
    for wrong in [
        "mode = \"enforce\"",
        "version = 2",
        "version = 1\nmode = \"off\"",
        "version = 1\n[rule.mint]\ncount = 1",
        "version = 1\n[rule.token]\ncount = -1",
        "version = 1\n[rule.create-auth-key.key]\nreusable = true",
    ] {
        let value: serde_json::Value = toml::from_str(wrong).unwrap();
        assert!(!validator.is_valid(&value), "{wrong}");
    }
}

#[test]
fn the_page_of_exit_statuses_is_current() {
    let mut page = String::from(
        "# Exit statuses\n\n\
         <!-- Made from the classes of errors. To write it anew:\n\
         TAILMINT_BLESS=1 cargo test -p tailmint-cli --test suite generated -->\n\n\
         `tailmint` ends with one of these. With `--json`, an error on standard error is one\n\
         line of JSON with the members `class`, `exit-status`, `message` and `hint`.\n\n\
         | exit status | class | what it means |\n|---|---|---|\n\
         | 0 | | Success. |\n",
    );
    for class in Class::ALL {
        page += &format!(
            "| {} | `{}` | {} |\n",
            class.exit_status(),
            class.name(),
            class.description()
        );
    }
    page += "\n`tailmint exec` ends with the exit status of its command, or with 127 if there is\n\
             no such command; no key is minted then.\n";
    is_current("docs/exit-status.md", &page);
}
