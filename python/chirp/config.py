"""`AppConfig`, the settings of an app; declared in Rust, where the command line reads them too."""

from __future__ import annotations

from pounce_rs._native import AppConfig

__all__ = ["AppConfig"]
