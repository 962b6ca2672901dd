"""How a declared app answers requests: routes, handlers, middleware, errors, lifespan."""
