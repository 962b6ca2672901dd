//! pounce: typed configuration, preflight and server for Python ASGI apps.
