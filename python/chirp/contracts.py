"""What `App.check()` gives back: findings as data, and the report as people read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Severity(Enum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class ContractIssue:
    """One finding.

    Attributes:
        severity: How bad it is, in the posture that was judged.
        category: Rule that found it, such as `"secret_key"`.
        message: What is wrong, in one line.
        template: Template it is about, if any.
        route: Path of the route it is about, if any.
        details: More about it, if there is more to say.
        help: What to do about it, one line each.
        location: Where it comes from, as `file:line:column`, if it has a place.
    """

    severity: Severity
    category: str
    message: str
    template: str | None = None
    route: str | None = None
    details: str | None = None
    help: tuple[str, ...] = ()
    location: str | None = None


@dataclass(frozen=True)
class CheckResult:
    """All findings about one app; `str()` gives the report.

    Attributes:
        issues: Findings, worst first.
        routes_checked: How many routes the app has.
        failing: The least severity that makes `ok` false.
        report: The report as `chirp check` prints it.
    """

    issues: tuple[ContractIssue, ...]
    routes_checked: int
    failing: Severity
    report: str

    @property
    def errors(self) -> tuple[ContractIssue, ...]:
        """Findings that are errors."""
        return tuple(issue for issue in self.issues if issue.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[ContractIssue, ...]:
        """Findings that are warnings."""
        return tuple(issue for issue in self.issues if issue.severity is Severity.WARNING)

    @property
    def ok(self) -> bool:
        """Whether no finding is at or above the failing severity."""
        return not self.errors and (self.failing is Severity.ERROR or not self.warnings)

    def __str__(self) -> str:
        """Give the report."""
        return self.report

    @classmethod
    def from_json(cls, document: str, *, failing: Severity, report: str) -> CheckResult:
        """Read the document that `chirp check --json` prints."""
        data = json.loads(document)
        return cls(
            issues=tuple(_issue(issue) for issue in data["issues"]),
            routes_checked=data["routes_checked"],
            failing=failing,
            report=report,
        )


def _issue(data: Mapping[str, Any]) -> ContractIssue:
    place = data.get("location")
    return ContractIssue(
        severity=Severity(data["severity"]),
        category=data["category"],
        message=data["message"],
        template=data.get("template"),
        route=data.get("route"),
        details=data.get("details"),
        help=tuple(data.get("help", ())),
        location=f"{_name(place)}:{place['line']}:{place['column']}" if place else None,
    )


def _name(place: Mapping[str, Any]) -> str:
    """Name the file of a place, or what else was read there."""
    return str(place["file"] or place["source"])
