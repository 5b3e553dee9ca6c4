"""The table of all routes, made into a Tornado application."""

import re
from collections.abc import Iterable
from typing import Final

from tornado.routing import URLSpec
from tornado.web import Application

from web.guard.guard import Guard
from web.handling import Handler
from web.house import House
from web.page_files import PageHandler, page_files
from web.rest import (
    admin,
    alerts,
    candles,
    documents,
    keys,
    market,
    money,
    orders,
    past,
    plain,
    positions,
    trades,
    usage,
)
from web.routes import CANCELS, ORDERS, Route
from web.stream import sockets

_REST: Final[tuple[Route, ...]] = (
    *plain.ROUTES,
    *market.ROUTES,
    *trades.ROUTES,
    *candles.ROUTES,
    *orders.ROUTES,
    *past.ROUTES,
    *positions.ROUTES,
    *money.ROUTES,
    *keys.ROUTES,
    *alerts.ROUTES,
    *usage.ROUTES,
    *admin.ROUTES,
)
#: Every route there is.
ROUTES: Final[tuple[Route, ...]] = (*_REST, *documents.routes(_REST, sockets.ROUTES))

_NAME: Final = re.compile(r"\{(\w+)\}")


def application(house: House, guard: Guard, routes: Iterable[Route] = ROUTES) -> Application:
    """An application that serves these routes, and refuses everything else."""
    paths: dict[str, dict[str, Route]] = {}
    for route in routes:
        methods = paths.setdefault(route.path, {})
        assert route.method not in methods, f"{route.method} {route.path} stands there twice"
        methods[route.method] = route
    shared = {"house": house, "guard": guard}
    specs = [(path, Handler, methods) for path, methods in paths.items()]
    # Tornado looks at one after the other: orders do not wait for it to look at all.
    specs.sort(key=lambda spec: all(route.cost not in (ORDERS, CANCELS) for route in spec[2].values()))
    specs.extend((socket.path, sockets.HANDLERS[socket.path], {"GET": socket}) for socket in sockets.ROUTES)
    answered = [
        URLSpec(_pattern(path), handler, {**shared, "routes": methods}) for path, handler, methods in specs
    ]
    page = [
        URLSpec(re.escape(path), PageHandler, {**shared, "file": file}) for path, file in page_files().items()
    ]
    return Application(
        [*answered, *page],
        default_handler_class=Handler,
        default_handler_args={**shared, "routes": {}},
        log_function=lambda _: None,
    )


def _pattern(path: str) -> str:
    parts = _NAME.split(path)
    # Every second part is a name.
    return "".join(f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
