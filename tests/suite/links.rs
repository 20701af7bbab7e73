//! The links between the documents lead somewhere.

use std::{fs, path::Path};

use regex::Regex;

use crate::{prose, words::documents, world::workspace};

#[test]
fn each_leads_to_a_file_and_a_heading() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut broken = Vec::new();
    let mut links = 0;
    let documents = documents().into_iter();
    for (path, text) in documents.filter(|(path, _)| path.extension() == Some("md".as_ref())) {
        for paragraph in prose::markdown(&text) {
            for found in link.captures_iter(&paragraph.text) {
                let target = &found[1];
                if target.contains("://") {
                    continue;
                }
                links += 1;
                if !leads_somewhere(&path, target) {
                    let line = paragraph.line_of(found.get(0).unwrap().start());
                    broken.push(format!("{}:{line}: {target}", path.display()));
                }
            }
        }
    }
    assert!(links > 0);
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

/// Whether the link on this page leads to a file, and to a heading of it if it names one.
fn leads_somewhere(page: &Path, target: &str) -> bool {
    let (file, heading) = match target.split_once('#') {
        Some((file, heading)) => (file, Some(heading)),
        None => (target, None),
    };
    let path = if file.is_empty() {
        workspace().join(page)
    } else {
        workspace().join(page.parent().unwrap()).join(file)
    };
    match heading {
        None => path.exists(),
        Some(heading) => fs::read_to_string(path)
            .is_ok_and(|text| text.lines().filter_map(anchor).any(|it| it == heading)),
    }
}

/// The anchor that GitHub gives a heading.
fn anchor(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = title
        .chars()
        .filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}
