"""The commands `pounce` and `chirp` as the package installs them."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pounce_rs import __version__

BIN = Path(sys.executable).parent


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run an installed command in a folder."""
    return subprocess.run(
        [str(BIN / words[0]), *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", ["pounce", "chirp"])
def test_the_version_names_the_interpreter(command: str, tmp_path: Path) -> None:
    result = run(tmp_path, command, "--version")
    assert result.returncode == 0
    assert result.stdout.startswith(f"{command} {__version__} (commit ")
    assert result.stdout.endswith(f"Python {platform.python_version()})\n")


def test_an_app_is_judged_in_this_environment(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "import pytest\nfrom chirp import App, AppConfig\n\napp = App(AppConfig(env='staging'))\n",
        encoding="utf-8",
    )
    result = run(tmp_path, "chirp", "check", "shop:app", "--json")
    assert result.returncode == 1, result.stderr
    issues = json.loads(result.stdout)["issues"]
    assert issues[0]["category"] == "secret_key"
    assert (issues[0]["location"]["file"], issues[0]["location"]["line"]) == ("shop.py", 4)


def test_the_same_mistakes_are_told_as_in_python(tmp_path: Path) -> None:
    result = run(tmp_path, "pounce", "config", "show", "--port", "70000")
    assert result.returncode != 0
    assert "an integer from 0 to 65535" in result.stderr + result.stdout


def test_usage_is_an_error_of_its_own(tmp_path: Path) -> None:
    result = run(tmp_path, "pounce", "check", "--prot", "1")
    assert result.returncode == 2
    assert "--port" in result.stderr


def test_an_interrupt_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(60)\n", encoding="utf-8"
    )
    process = subprocess.Popen(
        [str(BIN / "chirp"), "check", "slow:app"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not (tmp_path / "started").exists() and process.poll() is None:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(timeout=20) == -signal.SIGINT
    finally:
        process.kill()
        process.wait()
