"""The status of an order behind each kind of report about it, and the order that an Accepted tells of."""

from typing import Any

import pytest
from msgspec.structs import fields

from bus.protocol.commands import EnterOrder
from bus.protocol.control import OpenOrder
from bus.protocol.order_life import entered, first_status, status_after, status_of
from bus.protocol.reasons import BY_REQUEST, PEG_MOVED, REFERENCE_GONE, SELF_TRADE
from bus.protocol.reports import Accepted, Cancelled, Filled, Report, Restated, Triggered
from bus.protocol.terms import (
    AT_CLOSE,
    AT_OPEN,
    BUY,
    CANCELLED,
    FILLED,
    GFA,
    GTC,
    LIMIT,
    ORDER_TYPES,
    RESTING,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
    WAITING,
)

HEAD = (7, 1, 2, 3, 4, "mine", "BTC-USD")


@pytest.mark.parametrize(
    ("report", "order_type", "status"),
    [
        (Filled(*HEAD, BUY, 1, 100, 2, 2, 3, 1), LIMIT, RESTING),
        (Filled(*HEAD, BUY, 1, 100, 2, 5, 0, 1), LIMIT, FILLED),
        (Cancelled(*HEAD, 5, 0, BY_REQUEST), LIMIT, CANCELLED),
        (Triggered(*HEAD, 100), None, RESTING),
        (Triggered(*HEAD, 100), STOP_LIMIT, RESTING),
        (Triggered(*HEAD, 0), LIMIT, RESTING),
        (Triggered(*HEAD, 0), STOP_LIMIT, WAITING),
        (Triggered(*HEAD, 0), None, None),
        (Restated(*HEAD, 0, 5, 5, REFERENCE_GONE), None, WAITING),
        (Restated(*HEAD, 99, 5, 5, PEG_MOVED), None, RESTING),
        (Restated(*HEAD, 99, 5, 4, SELF_TRADE), LIMIT, None),
    ],
)
def test_what_a_report_makes_of_a_status(report: Report, order_type: int | None, status: int | None) -> None:
    assert status_after(report, order_type) == status


def test_an_order_waits_at_first_for_its_trigger_or_for_another_order() -> None:
    def accepted(order_type: int, triggered_by: str = "") -> Accepted:
        return Accepted(*HEAD, BUY, order_type, GTC, 0, 100, 5, triggered_by=triggered_by)

    waiting = {kind for kind in ORDER_TYPES if first_status(accepted(kind)) == WAITING}
    assert waiting == {STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT, TRAILING_STOP}
    assert first_status(accepted(LIMIT)) == RESTING
    assert first_status(accepted(LIMIT, "other")) == WAITING


@pytest.mark.parametrize("time_in_force", [AT_OPEN, AT_CLOSE, GFA])
def test_an_order_for_an_auction_alone_waits_until_it_has_traded(time_in_force: int) -> None:
    report = Accepted(*HEAD, BUY, LIMIT, time_in_force, 0, 100, 5)
    assert first_status(report) == WAITING
    # In its auction it stands in the book; whoever comes then is told the same as who has heard all reports.
    assert status_of(OpenOrder(7, entered(report), 100, 5, 0, RESTING)) == WAITING
    assert status_of(OpenOrder(7, entered(report), 100, 5, 2, RESTING)) == RESTING
    assert status_of(OpenOrder(7, entered(accepted_gtc()), 100, 5, 0, RESTING)) == RESTING


def accepted_gtc() -> Accepted:
    """A plain order."""
    return Accepted(*HEAD, BUY, LIMIT, GTC, 0, 100, 5)


def test_an_accepted_tells_every_field_of_the_order_that_was_entered() -> None:
    names = [field.name for field in fields(EnterOrder)]
    # Every field another value, so that none stands in the place of another.
    values: dict[str, Any] = {name: f"o{i}" if name in TEXTS else 1_000 + i for i, name in enumerate(names)}
    order = EnterOrder(**values)
    assert entered(Accepted(7, 1, 2, 3, 4, **values)) == order


TEXTS = {"client_order_id", "symbol", "cancels_with", "triggered_by"}
