"""A release without a build: the tree of `release/build`, with a script for a program."""

import hashlib
import pathlib
import subprocess

TARGETS = ("x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl")

# It does what tests ask of it: prints its version, ends with a status, prints the signal
# that it gets, or waits for one that ends it.
PROGRAM = """#!/bin/sh
# {target}
case ${{1:-}} in
    --version) echo "tailmint {version}" ;;
    exit) exit "$2" ;;
    trap)
        trap 'echo "got $2"; exit 7' "$2"
        echo ready
        while :; do sleep 0.05; done
        ;;
    wait)
        echo "ready $$"
        exec sleep 60
        ;;
    *)
        printf '%s\\n' "$@"
        cat
        ;;
esac
exit
"""


def lay_out(stage: pathlib.Path, target: str, version: str) -> None:
    """Writes the files of one target."""
    program = PROGRAM.format(target=target, version=version)
    files = {
        # As large as to fill a small disk.
        "bin/tailmint": program + "#" * (1 << 20) + "\n",
        "man/tailmint.1": ".TH tailmint 1\n",
        "man/tailmint-up.1": ".TH tailmint-up 1\n",
        "man/tailmint-keys-list.1": ".TH tailmint-keys-list 1\n",
        "completions/tailmint.bash": "# bash\n",
        "completions/tailmint.fish": "# fish\n",
        "completions/_tailmint": "#compdef tailmint\n",
        "LICENSE-APACHE": "Apache License\n",
        "LICENSE-MIT": "MIT License\n",
        "README.md": "# tailmint\n\nIt joins machines.\n",
        "CHANGELOG.md": "# Changelog\n",
        "sbom.cdx.json": '{"bomFormat": "CycloneDX", "specVersion": "1.5"}\n',
    }
    for name, text in files.items():
        file = stage / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (stage / "bin/tailmint").chmod(0o755)


def archive(dist: pathlib.Path, target: str, version: str) -> None:
    """Packs what `lay_out` wrote below `dist/stage`."""
    root = f"tailmint-{version}-{target}"
    subprocess.run(
        ["tar", "--create", "--xz", "--file", dist / f"{root}.tar.xz", "--owner=0", "--group=0",
         "--transform", f"s,^{target},{root},", "--directory", dist / "stage", target],
        check=True,
    )


def write_sums(dist: pathlib.Path) -> None:
    """Lists the archives."""
    archives = sorted(dist.glob("*.tar.xz"))
    lines = (f"{hashlib.sha256(it.read_bytes()).hexdigest()}  {it.name}\n" for it in archives)
    (dist / "SHA256SUMS").write_text("".join(lines))
