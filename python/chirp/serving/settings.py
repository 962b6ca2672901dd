"""Settings that this version reads and has no use for, so that nobody has to find out."""

from __future__ import annotations

from pounce_rs._native import AppConfig

#: What belongs to pages: templates, static files, their scripts, caches and translations.
_WITHOUT_EFFECT = (
    "alpine",
    "alpine_csp",
    "cache_backend",
    "cache_default_ttl",
    "cache_middleware_enabled",
    "component_dirs",
    "delegation",
    "dev_browser_reload",
    "extra_loaders",
    "htmx",
    "i18n_enabled",
    "islands",
    "lazy_pages",
    "mcp_path",
    "passkeys",
    "reload_dirs",
    "reload_include",
    "speculation_rules",
    "sse_close_event",
    "sse_heartbeat_interval",
    "sse_retry_ms",
    "static_context",
    "static_dir",
    "static_stream_threshold",
    "static_url",
    "suspense_error_template",
    "template_dir",
    "view_transitions",
)


def without_effect(config: AppConfig) -> list[str]:
    """Names of settings that are not at their defaults, and that this version has no use for."""
    defaults = AppConfig()
    return [name for name in _WITHOUT_EFFECT if getattr(config, name) != getattr(defaults, name)]
