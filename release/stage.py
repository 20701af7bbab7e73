"""What `release/build` laid out, as the packages for other languages' installers need it."""

import argparse
import pathlib
import re
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent
ADDRESS = "https://github.com/tazlab/tailmint"
SUMMARY = "Mints short-lived Tailscale auth keys in a sandbox and joins machines with them"


class Stage(typing.NamedTuple):
    """The files for one target."""

    target: str
    directory: pathlib.Path

    @property
    def program(self) -> pathlib.Path:
        return self.directory / "bin/tailmint"

    @property
    def wheel_tags(self) -> typing.List[str]:
        """A static program needs no C library, so both kinds of Linux take it."""
        processor, _, system = self.target.partition("-")
        if system == "apple-darwin":
            return [f"macosx_11_0_{'arm64' if processor == 'aarch64' else processor}"]
        return [f"{it}_{processor}" for it in ("manylinux_2_17", "manylinux2014", "musllinux_1_1")]

    @property
    def npm_system(self) -> typing.Tuple[str, str]:
        """As `process.platform` and `process.arch` say it."""
        processor, _, system = self.target.partition("-")
        return (
            "darwin" if system == "apple-darwin" else "linux",
            "arm64" if processor == "aarch64" else "x64",
        )

    def documents(self) -> typing.Dict[str, bytes]:
        """The pages, the completions and the manual, by their paths below a prefix."""
        found = {
            "share/bash-completion/completions/tailmint": "completions/tailmint.bash",
            "share/fish/vendor_completions.d/tailmint.fish": "completions/tailmint.fish",
            "share/zsh/site-functions/_tailmint": "completions/_tailmint",
        }
        pages = sorted(it.name for it in (self.directory / "man").glob("*.1"))
        found.update({f"share/man/man1/{it}": f"man/{it}" for it in pages})
        return {path: (self.directory / source).read_bytes() for path, source in found.items()}

    def readme(self, release: str) -> str:
        """The README, with links that lead somewhere wherever it is shown."""
        text = (self.directory / "README.md").read_text()
        text = re.sub(r"(!\[[^\]]*\]\()(?![a-z]+:|#)",
                      rf"\1https://raw.githubusercontent.com/tazlab/tailmint/v{release}/", text)
        return re.sub(r"((?<!!)\[[^\]]*\]\()(?![a-z]+:|#)", rf"\1{ADDRESS}/blob/v{release}/", text)


TARGETS = (
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "x86_64-unknown-linux-musl",
)


def version() -> str:
    """The version of the workspace."""
    manifest = (ROOT / "Cargo.toml").read_text()
    section = manifest.partition("[workspace.package]")[2]
    return re.search(r'^version = "([^"]+)"$', section, re.MULTILINE)[1]


def stages(dist: pathlib.Path) -> typing.List[Stage]:
    """Those that there are, of which there has to be one."""
    found = [Stage(it, dist / "stage" / it) for it in TARGETS if (dist / "stage" / it).is_dir()]
    if not found:
        raise SystemExit(f"{dist}/stage has no target: run release/build first")
    return found


def arguments(description: str, out: str, **files: str) -> argparse.Namespace:
    """`--dist` and `--out`, as all of these commands take them, and files of their own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--dist", type=pathlib.Path, default=ROOT / "target/dist", metavar="DIR",
                        help="where release/build wrote [default: target/dist]")
    parser.add_argument("--out", type=pathlib.Path, metavar="DIR",
                        help=f"where to write [default: DIST/{out}]")
    parser.add_argument("--version", default=version(), help="[default: that of Cargo.toml]")
    for name, words in files.items():
        parser.add_argument(f"--{name}", type=pathlib.Path, metavar="FILE", help=words)
    given = parser.parse_args()
    given.out = given.out or given.dist / out
    return given
