"""Chirp: a web framework whose apps can be judged before they are deployed.

    from chirp import App, AppConfig

    app = App(AppConfig(env="production", allowed_hosts=("shop.example",)))

    @app.route("/")
    def index():
        return "Hello"

`chirp check module:app --deploy` says what stands between this app and production.
"""

from __future__ import annotations

from pounce_rs._native import __version__

from chirp.app import App
from chirp.config import AppConfig
from chirp.contracts import CheckResult, ContractIssue, Severity
from chirp.errors import ChirpError, ConfigurationError, HTTPError, MethodNotAllowed, NotFound
from chirp.health import HealthCheck
from chirp.middleware.auth import AuthConfig, AuthMiddleware
from chirp.middleware.sessions import SessionConfig, SessionMiddleware
from chirp.middleware.stack import secure_stack

__all__ = [
    "App",
    "AppConfig",
    "AuthConfig",
    "AuthMiddleware",
    "CheckResult",
    "ChirpError",
    "ConfigurationError",
    "ContractIssue",
    "HTTPError",
    "HealthCheck",
    "MethodNotAllowed",
    "NotFound",
    "SessionConfig",
    "SessionMiddleware",
    "Severity",
    "__version__",
    "secure_stack",
]
