"""A small shop that is ready for production: sign in, fill a basket, order.

    CHIRP_SECRET_KEY="$(openssl rand -hex 32)" chirp check shop:app --deploy

finds nothing to change. What it would name otherwise is in ../unready.
"""

from __future__ import annotations

from typing import Any

from chirp import App, AppConfig, HealthCheck, secure_stack
from chirp.middleware import AllowedHostsMiddleware

CATALOGUE = {"kettle": 39, "teapot": 24, "cup": 7}

# The secret key is not here: CHIRP_SECRET_KEY holds it where the shop runs. What differs between
# machines stands in chirp.toml beside this file.
app = App(AppConfig.from_env(csp_nonce_enabled=True))

app.add_middleware(AllowedHostsMiddleware(app.config.allowed_hosts))
for middleware in secure_stack(app.config):
    app.add_middleware(middleware)


def stock_is_loaded() -> bool:
    """Whether there is anything to sell."""
    return bool(CATALOGUE)


app.add_health_check(HealthCheck("stock", check=stock_is_loaded))


@app.route("/")
async def catalogue() -> str:
    """Everything for sale, with its price."""
    return "\n".join(f"{name}: {price} EUR" for name, price in CATALOGUE.items())


@app.route("/basket", methods=["GET", "POST"])
async def basket(request: Any) -> str:
    """Show the basket, or put an article into it."""
    return f"{sum(request.session.get('basket', {}).values())} articles"


@app.route("/orders", methods=["POST"])
async def order(request: Any) -> str:
    """Turn the basket into an order."""
    articles = request.session.pop("basket", {})
    return f"ordered {sum(articles.values())} articles"


@app.route("/pages/{page}")
async def page(page: str) -> str:
    """Pages that the shopkeeper wrote: imprint, shipping, returns."""
    return page
