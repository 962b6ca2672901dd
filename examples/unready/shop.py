"""A small shop as it works on a laptop: sign in, fill a basket, order. Not ready for production.

    chirp check shop:app --deploy

names what stands in the way, each at its line. The same shop, ready, is in ../ready.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from chirp import App, AppConfig, SessionConfig, SessionMiddleware
from chirp.middleware import CSRFMiddleware

CATALOGUE = {"kettle": 39, "teapot": 24, "cup": 7}

app = App(
    AppConfig(
        env="staging",
        debug=True,
        trusted_proxies=("*",),
        metrics_enabled=True,
        worker_mode="sync",
    )
)


class RequestTimer:
    """Written for another framework: it takes the request, and knows no next step."""

    async def __call__(self, request: Any) -> None:
        """Note when the request came in."""
        request.started = True


async def count_visit(request: Any, next_step: Callable[[Any], Awaitable[Any]]) -> Any:
    """Count the pages that a visitor has seen."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return await next_step(request)


app.add_middleware(RequestTimer())
app.add_middleware(CSRFMiddleware())
app.add_middleware(
    SessionMiddleware(SessionConfig(secret_key="tea4two", secure=False, samesite="none"))
)
app.add_middleware(count_visit)


@app.on_worker_startup
async def open_stock() -> None:
    """Load the stock that every worker sells from."""
    CATALOGUE.setdefault("tray", 18)


@app.route("/")
async def catalogue() -> str:
    """Everything for sale, with its price."""
    return "\n".join(f"{name}: {price} EUR" for name, price in CATALOGUE.items())


@app.route("/health")
async def health() -> str:
    """Tell the load balancer that the shop is open."""
    return "open"


@app.route("/metrics")
async def figures() -> str:
    """Figures for the back office."""
    return f"articles {len(CATALOGUE)}"


@app.route("/basket", methods=["GET", "POST"])
async def basket(request: Any) -> str:
    """Show the basket, or put an article into it."""
    return f"{sum(request.session.get('basket', {}).values())} articles"


@app.route("/orders", methods=["POST"])
async def order(request: Any) -> str:
    """Turn the basket into an order."""
    articles = request.session.pop("basket", {})
    return f"ordered {sum(articles.values())} articles"


@app.route("/{page}")
async def page(page: str) -> str:
    """Pages that the shopkeeper wrote: imprint, shipping, returns."""
    return page
