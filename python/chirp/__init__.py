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
from chirp.context import get_request
from chirp.contracts import CheckResult, ContractIssue, Severity
from chirp.errors import (
    ChirpError,
    ConfigurationError,
    HTTPError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
)
from chirp.health import HealthCheck
from chirp.http.request import Request
from chirp.http.response import AnyResponse, Redirect, Response, StreamingResponse
from chirp.middleware.auth import (
    AuthConfig,
    AuthMiddleware,
    get_user,
    login,
    login_required,
    logout,
)
from chirp.middleware.csp_nonce import csp_nonce
from chirp.middleware.csrf import csrf_field, csrf_token
from chirp.middleware.sessions import (
    SessionConfig,
    SessionMiddleware,
    get_session,
    regenerate_session,
)
from chirp.middleware.stack import secure_stack
from chirp.middleware.step import Next

__all__ = [
    "AnyResponse",
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
    "Next",
    "NotFound",
    "PayloadTooLarge",
    "Redirect",
    "Request",
    "Response",
    "SessionConfig",
    "SessionMiddleware",
    "Severity",
    "StreamingResponse",
    "__version__",
    "csp_nonce",
    "csrf_field",
    "csrf_token",
    "get_request",
    "get_session",
    "get_user",
    "login",
    "login_required",
    "logout",
    "regenerate_session",
    "secure_stack",
]
