"""The generated schemas: valid as JSON Schema, and of use in an editor.

The editor's side is Taplo, the TOML language tool behind the common editor extensions. Each folder
of `tests/fixtures/schema` holds a file that it must accept and files with one flaw each, whose
first line says what must be told about the last one.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import tomli
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "schema"
TAPLO = ROOT / "tests" / "tools" / "node_modules" / ".bin" / "taplo"
DOCUMENTS = ("pounce", "chirp", "pyproject-pounce", "pyproject-chirp")
BAD = sorted(
    path.relative_to(FIXTURES).as_posix()
    for path in FIXTURES.rglob("*.toml")
    if path.name != "good.toml"
)

#: A finding of Taplo: the message, then the place that it points at.
FINDING = re.compile(
    r"^error: (?P<message>.*)\n\s*┌─ (?P<file>.+):(?P<line>\d+):\d+$", re.MULTILINE
)


def schema(document: str) -> dict[str, Any]:
    """The generated schema of a document."""
    text = (ROOT / "schema" / f"{document}.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def toml(path: Path) -> dict[str, Any]:
    """A file as TOML."""
    loaded: dict[str, Any] = tomli.loads(path.read_text(encoding="utf-8"))
    return loaded


def taplo(files: list[Path], *options: str) -> tuple[int, str]:
    """Exit code and words of `taplo lint`."""
    assert TAPLO.exists(), f"{TAPLO} is missing: run `make tools`"
    done = subprocess.run(
        [TAPLO, "lint", "--no-auto-config", "--colors", "never", *options, *files],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def by_schema(document: str) -> tuple[str, str]:
    """The options that make Taplo use a generated schema."""
    return "--schema", (ROOT / "schema" / f"{document}.schema.json").as_uri()


@pytest.fixture(scope="module")
def flagged() -> dict[str, list[tuple[int, str]]]:
    """What Taplo says about every bad file, as lines and messages; one run for each schema."""
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for document in DOCUMENTS:
        files = [FIXTURES / path for path in BAD if path.startswith(f"{document}/")]
        _, words = taplo(files, *by_schema(document))
        for match in FINDING.finditer(words):
            path = Path(match["file"]).relative_to(FIXTURES).as_posix()
            found[path].append((int(match["line"]), match["message"]))
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_is_draft_2020_12_with_an_id(document: str) -> None:
    """Each is a schema by its own metaschema, and can be told from the others."""
    loaded = schema(document)
    assert loaded["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert loaded["$id"].startswith("urn:pounce-rs:schema:")
    Draft202012Validator.check_schema(loaded)


def test_ids_differ() -> None:
    """An editor keeps schemas by their ids."""
    assert len({schema(document)["$id"] for document in DOCUMENTS}) == len(DOCUMENTS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_defaults_and_examples_satisfy_their_own_schema(document: str) -> None:
    """What a schema offers for completion can be taken as it is; null is not, TOML has none."""
    loaded = schema(document)
    table = next(iter(loaded["$defs"].values())) if "$defs" in loaded else loaded
    assert len(table["properties"]) > 50
    for name, field in table["properties"].items():
        offered = [field.get("default"), *field.get("examples", [])]
        for value in (value for value in offered if value is not None):
            assert Draft202012Validator(field).is_valid(value), f"{name} = {value!r}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_good_file_is_clean(document: str) -> None:
    """A good file is accepted by a validator of the declared draft, and by Taplo."""
    good = FIXTURES / document / "good.toml"
    assert list(Draft202012Validator(schema(document)).iter_errors(toml(good))) == []
    code, words = taplo([good], *by_schema(document))
    assert "error" not in words
    assert code == 0


@pytest.mark.parametrize("path", BAD)
def test_bad_file_is_flagged(path: str, flagged: dict[str, list[tuple[int, str]]]) -> None:
    """One flaw: refused by the validator, and told by Taplo at the line of the flaw."""
    lines = (FIXTURES / path).read_text(encoding="utf-8").splitlines()
    marker, expected = lines[0].split(": ", 1)
    assert marker == "# flagged"
    document, _, _ = path.partition("/")
    assert not Draft202012Validator(schema(document)).is_valid(toml(FIXTURES / path))
    told = [line for line, message in flagged[path] if expected in message]
    assert len(lines) in told, flagged[path]


@pytest.mark.parametrize("document", ["pounce", "chirp"])
def test_template_names_a_schema_that_accepts_each_of_its_settings(
    document: str, tmp_path: Path
) -> None:
    """The `#:schema` line works, and so does every setting once its `#` is taken away."""
    template = ROOT / "schema" / f"{document}.template.toml"
    text = template.read_text(encoding="utf-8")
    assert text.splitlines()[0] == f"#:schema ./{document}.schema.json"
    (tmp_path / f"{document}.schema.json").write_text(json.dumps(schema(document)))

    blocks = [
        "\n".join(line.removeprefix("# ") for line in match[0].splitlines())
        for match in re.finditer(r"(?:^# [a-z0-9_]+ = .*\n)+", text, re.MULTILINE)
    ]
    assert len(blocks) > 50
    files = []
    for number, block in enumerate(blocks):
        files.append(tmp_path / f"block-{number}.toml")
        files[-1].write_text(f"#:schema ./{document}.schema.json\n{block}\n", encoding="utf-8")
    code, words = taplo([template, *files])
    assert "error" not in words
    assert code == 0

    wrong = tmp_path / "wrong.toml"
    wrong.write_text(f"{text}\nnever_a_setting = 1\n", encoding="utf-8")
    code, words = taplo([wrong])
    assert "never_a_setting" in words
    assert code == 1
