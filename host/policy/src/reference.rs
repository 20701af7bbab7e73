use tailmint_api::{Operation, Rule};

use crate::{
    Policy,
    document::Document,
    member::{Form, Member, MemberDoc},
};

/// The reference page of the policy, in Markdown.
pub fn reference() -> String {
    let mut page = String::from(
        "# The policy\n\n\
         <!-- Made from the table of members. To write it anew:\n\
         TAILMINT_BLESS=1 cargo test -p tailmint-cli --test suite generated -->\n\n\
         A policy is a TOML file. Members that it does not have are inherited: from the\n\
         policy of the machine's owner, `/etc/tailmint/policy.toml`, and from the built-in\n\
         policy. What the policy does not name is denied, and whatever it says, a request\n\
         that the caller did not ask for is never sent.\n\n\
         The user's policy cannot allow more than that of the machine's owner. For a list\n\
         that means: no other names; for a number: no larger one; for `\"forbid\"` and\n\
         `\"require\"`: the same.\n\n\
         `tailmint policy show` prints the policy that holds here, whole, and where each\n\
         line comes from. `tailmint policy check FILE` checks a file, `tailmint policy\n\
         explain` says what the policy would decide about a request. Editors find the\n\
         format in [policy.schema.json](policy.schema.json).\n\n",
    );
    let Form::Section(members) = Document::form() else {
        unreachable!("a policy has members");
    };
    section(&mut page, "", members);
    page += "## Rules\n\n";
    page += "| rule | request | for the operations | what it is for |\n|---|---|---|---|\n";
    for rule in Rule::ALL {
        let route = rule.route();
        let operations: Vec<_> = rule.operations().map(|it| format!("`{it}`")).collect();
        page += &format!(
            "| `{rule}` | `{} {}` | {} | {} |\n",
            route.method().as_str(),
            route.template(),
            operations.join(", "),
            rule.description()
        );
    }
    page += "\n## Operations\n\n| operation | what it is for |\n|---|---|\n";
    for operation in Operation::ALL {
        page += &format!("| `{operation}` | {} |\n", operation.description());
    }
    page += "\n## The built-in policy\n\n```toml\n";
    page += &Policy::built_in().to_toml();
    page += "```\n";
    page
}

/// The members of a table, and then those of the tables in it.
fn section(page: &mut String, path: &str, members: Vec<MemberDoc>) {
    *page += &match path {
        "" => "## At the top\n\n".to_owned(),
        path => format!("## `[{path}]`\n\n"),
    };
    *page += "| member | how it is written | what it says |\n|---|---|---|\n";
    let mut tables = Vec::new();
    for MemberDoc {
        name, docs, form, ..
    } in members
    {
        let written = match form {
            Form::Value(written) => written,
            Form::Section(members) => {
                // Rules are tables by their names.
                let name = if name == "rule" { "rule.NAME" } else { &name };
                let path = match path {
                    "" => name.to_owned(),
                    path => format!("{path}.{name}"),
                };
                tables.push((path, members));
                "a table".into()
            }
        };
        *page += &format!("| `{name}` | {written} | {} |\n", docs.replace('|', "\\|"));
    }
    page.push('\n');
    for (path, members) in tables {
        section(page, &path, members);
    }
}
