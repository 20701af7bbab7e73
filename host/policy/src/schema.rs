use serde_json::json;

use crate::{document::Document, member::Member};

/// The JSON schema (draft 7) of a policy file, for editors.
pub fn schema() -> String {
    let mut schema = Document::schema();
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("tailmint policy");
    schema["required"] = json!(["version"]);
    format!(
        "{schema:#}
"
    )
}
