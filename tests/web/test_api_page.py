"""docs/api.md: what it shows is sent to a real exchange, and answered as it says. Its chapter on money: test_money."""

import re

from tests.support.api_page import MONEY, PAGE, run
from tests.support.venue import Venue
from web.application import ROUTES
from web.routes import MONEY as MONEY_COST
from web.schemas.orders import NewOrder


def test_every_example_is_answered_as_the_page_says(venue: Venue) -> None:
    keys = {account: venue.key(account, "read", "trade") for account in ("alice", "bob")}
    keys["ops"] = venue.key("ops", "operator")
    run(venue, keys, PAGE.replace(MONEY, ""))


def test_every_path_and_every_field_of_an_order_is_on_the_page() -> None:
    named = [
        f"{route.method} {route.path}"
        for route in ROUTES
        if route.path.startswith(("/v1/", "/api/v1/admin/")) or route.cost == MONEY_COST
    ]
    assert [name for name in named if not re.search(rf"{name}\b(?!/)", PAGE)] == []
    assert [name for name in NewOrder.__struct_fields__ if f"`{name}`" not in PAGE] == []
