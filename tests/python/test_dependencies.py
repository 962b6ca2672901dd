"""docs/dependencies.md has a row for every direct dependency, and none for what is gone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import tomli

ROOT = Path(__file__).resolve().parents[2]


def sections() -> dict[str, set[str]]:
    """Names in the first column of each section's table."""
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    found = {}
    for section in page.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        rows = re.findall(r"^\| (.+?) \|", body, re.MULTILINE)[1:]
        found[title] = {
            name
            for row in rows
            for part in row.split(",")
            for name in re.findall(r"[@\w/-]+", re.sub(r"\((?:Python|Debian)\)", "", part))
        }
    return found


def crates(manifest: str, table: str) -> set[str]:
    """Names in a manifest's dependency table, those for one platform included."""
    loaded = tomli.loads((ROOT / manifest).read_text(encoding="utf-8"))
    tables = [loaded, *loaded.get("target", {}).values()]
    return {name for part in tables for name in part.get(table, {})}


def chosen_requirements(file: str) -> set[str]:
    """Packages of a file's first group; behind the blank line stands what they need themselves."""
    first, _, _ = (ROOT / file).read_text(encoding="utf-8").partition("\n\n")
    return set(re.findall(r"^([\w-]+)==", first, re.MULTILINE))


def test_crates_of_the_commands() -> None:
    assert sections()["In the commands"] == crates("Cargo.toml", "dependencies")


def test_crates_of_the_extension_module() -> None:
    own = sections()["In the extension module"]
    used = crates("bridge/Cargo.toml", "dependencies")
    assert used - own <= crates("Cargo.toml", "dependencies")
    assert own <= used


def test_crates_of_the_tests() -> None:
    assert sections()["In tests"] == crates("Cargo.toml", "dev-dependencies")


def test_tools() -> None:
    documented = sections()["Tools"]
    chosen = chosen_requirements("requirements-dev.txt") | chosen_requirements(
        "requirements-test.txt"
    )
    package = json.loads((ROOT / "tests/tools/package.json").read_text(encoding="utf-8"))
    chosen |= set(package["dependencies"])
    assert chosen - documented == set()
