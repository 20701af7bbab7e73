use std::path::Path;

use tailmint_core::digest::sha256;

/// Lines as `sha256sum` writes and checks them.
pub(super) struct Checksums<'a> {
    /// Where they are to be.
    file: &'a Path,
    text: String,
}

impl<'a> Checksums<'a> {
    pub(super) fn new(file: &'a Path) -> Self {
        let text = String::new();
        Self { file, text }
    }

    /// Adds a file: by its name alone where it is in the same directory, so that both
    /// can be moved together.
    pub(super) fn add(&mut self, path: &Path, content: &[u8]) -> std::io::Result<()> {
        let (own, other) = (std::path::absolute(self.file)?, std::path::absolute(path)?);
        let name = match other.file_name() {
            Some(name) if own.parent() == other.parent() => name.to_string_lossy().into_owned(),
            _ => other.to_string_lossy().into_owned(),
        };
        // The way in which sha256sum says that a name has been escaped.
        let escaped = name.replace('\\', "\\\\").replace('\n', "\\n");
        if escaped != name {
            self.text.push('\\');
        }
        self.text += &format!("{}  {escaped}\n", sha256(content));
        Ok(())
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_checksums_directory_leads_to() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for (path, line) in [
            ("/a/b.wasm", format!("{empty}  b.wasm\n")),
            ("/c/b.wasm", format!("{empty}  /c/b.wasm\n")),
            ("/a/b\\\n", format!("\\{empty}  b\\\\\\n\n")),
        ] {
            let mut checksums = Checksums::new(Path::new("/a/SHA256SUMS"));
            checksums.add(Path::new(path), b"").unwrap();
            assert_eq!(checksums.text(), line);
        }
    }
}
