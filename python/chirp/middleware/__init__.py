"""Middleware that comes with Chirp, with its settings.

They go around the handlers in the order of `App.add_middleware`; `secure_stack` gives the usual
ones in the right order.
"""

from __future__ import annotations

from chirp.middleware.allowed_hosts import AllowedHostsMiddleware
from chirp.middleware.auth import AuthConfig, AuthMiddleware
from chirp.middleware.builtin import CORSConfig, CORSMiddleware
from chirp.middleware.csp_nonce import CSPNonceMiddleware
from chirp.middleware.csrf import CSRFConfig, CSRFMiddleware
from chirp.middleware.security_headers import SecurityHeadersConfig, SecurityHeadersMiddleware
from chirp.middleware.sessions import SessionConfig, SessionMiddleware

__all__ = [
    "AllowedHostsMiddleware",
    "AuthConfig",
    "AuthMiddleware",
    "CORSConfig",
    "CORSMiddleware",
    "CSPNonceMiddleware",
    "CSRFConfig",
    "CSRFMiddleware",
    "SecurityHeadersConfig",
    "SecurityHeadersMiddleware",
    "SessionConfig",
    "SessionMiddleware",
]
