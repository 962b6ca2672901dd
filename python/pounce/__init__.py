"""Pounce: an ASGI server whose configuration is judged before it serves.

    import pounce

    config = pounce.ServerConfig(host="0.0.0.0", workers=4)

`pounce check module:app` judges that configuration together with the app and the machine.
"""

from __future__ import annotations

from pounce_rs._native import ServerConfig, __version__

from pounce.launch import run

__all__ = ["ServerConfig", "__version__", "run"]
