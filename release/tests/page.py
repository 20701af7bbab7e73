"""The commands of docs/install.md, as a reader would copy them."""

import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/install.md"


def blocks(section: str, count: int) -> list:
    """The blocks of shell in a section, of which there are so many."""
    text = PAGE.read_text()
    text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    if len(found) != count:
        raise SystemExit(f"{PAGE}: {len(found)} blocks in {section}, not {count}")
    return found
