use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// Which of Tailscale's apps for macOS a command belongs to. Each app's command is the app
/// itself, started with `TAILSCALE_BE_CLI=1`; that of `tailscaled` is a program like any
/// other, and belongs to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MacApp {
    /// In a sandbox, which may keep it from reading files.
    AppStore,
    /// From Tailscale's own site, without one.
    Standalone,
}

/// Where either app is, if the user did not move it. No directory of `$PATH` has it.
pub(super) const USUAL: &str = "/Applications/Tailscale.app/Contents/MacOS/Tailscale";

/// The apps by their names for the system (`version/prop.go` of Tailscale 1.102.5).
const APPS: [(&str, MacApp); 2] = [
    ("io.tailscale.ipn.macsys", MacApp::Standalone),
    ("io.tailscale.ipn.macos", MacApp::AppStore),
];

/// Some kilobytes are usual.
const MAX_PLIST_BYTES: u64 = 1024 * 1024;

impl MacApp {
    /// The app whose program this is, with where it is itself: started by a link, an app does
    /// not find its other parts.
    pub(super) fn of(program: &Path) -> Option<(Self, PathBuf)> {
        let program = program.canonicalize().ok()?;
        let contents = program.parent()?.parent()?;
        let mut plist = Vec::new();
        let file = File::open(contents.join("Info.plist")).ok()?;
        file.take(MAX_PLIST_BYTES).read_to_end(&mut plist).ok()?;
        // In both formats of such files the names stand as they are.
        let names = |name: &str| plist.windows(name.len()).any(|it| it == name.as_bytes());
        let app = APPS.into_iter().find(|(name, _)| names(name))?.1;
        Some((app, program))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn the_apps_are_told_apart_and_from_the_daemons_command() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().canonicalize().unwrap();
        let program = |name: &str, id: Option<&str>| {
            let contents = directory.join(name).join("Contents");
            fs::create_dir_all(contents.join("MacOS")).unwrap();
            let program = contents.join("MacOS/Tailscale");
            fs::write(&program, "").unwrap();
            if let Some(id) = id {
                let plist = format!("<key>CFBundleIdentifier</key><string>{id}</string>");
                fs::write(contents.join("Info.plist"), plist).unwrap();
            }
            program
        };
        let standalone = program("Standalone.app", Some("io.tailscale.ipn.macsys"));
        let store = program("Store.app", Some("io.tailscale.ipn.macos"));
        let link = directory.join("tailscale");
        symlink(&store, &link).unwrap();
        let found = MacApp::of(&standalone);
        assert_eq!(found, Some((MacApp::Standalone, standalone)));
        assert_eq!(MacApp::of(&link), Some((MacApp::AppStore, store)));
        for other in [
            program("Other.app", Some("org.example")),
            program("bin", None),
        ] {
            assert_eq!(MacApp::of(&other), None);
        }
        assert_eq!(MacApp::of(&directory.join("none")), None);
    }
}
