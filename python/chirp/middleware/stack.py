"""The secure stack: sessions, authentication, CSRF and security headers in the right order."""

from __future__ import annotations

from pounce_rs._native import AppConfig

from chirp.errors import ConfigurationError
from chirp.middleware.auth import AuthConfig, AuthMiddleware
from chirp.middleware.csrf import CSRFConfig, CSRFMiddleware
from chirp.middleware.security_headers import SecurityHeadersConfig, SecurityHeadersMiddleware
from chirp.middleware.sessions import RedisSessionStore, SessionConfig, SessionMiddleware


def secure_stack(
    config: AppConfig,
    *,
    auth: AuthConfig | None = None,
    session: SessionConfig | None = None,
    csrf: CSRFConfig | None = None,
    headers: SecurityHeadersConfig | None = None,
    redis_url: str | None = None,
) -> list[object]:
    """Make the middleware that an app with mutating routes needs, outermost first.

        for middleware in secure_stack(app.config):
            app.add_middleware(middleware)

    Args:
        config: The app's settings; its `secret_key` signs the sessions.
        auth: Adds authentication between sessions and CSRF.
        session: Replaces the session settings made from `config`.
        csrf: Replaces the default CSRF settings.
        headers: Replaces the default security headers.
        redis_url: Keeps sessions in Redis; not together with `session`, which has its own store.

    Raises:
        ConfigurationError: A part refuses its settings.
    """
    if session is None:
        session = SessionConfig(secret_key=config.secret_key)
        if redis_url is not None:
            store = RedisSessionStore(session, redis_url)
            session = SessionConfig(secret_key=config.secret_key, store=store)
    elif redis_url is not None:
        raise ConfigurationError("secure_stack takes session or redis_url, not both")
    stack: list[object] = [SessionMiddleware(session)]
    if auth is not None:
        stack.append(AuthMiddleware(auth))
    stack.append(CSRFMiddleware(csrf))
    stack.append(SecurityHeadersMiddleware(headers))
    return stack
