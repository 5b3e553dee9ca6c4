"""A position: the lots that an account has bought less those that it has sold, at average cost. Values in, values out.

The rule guarded here: in tick-lots, whole numbers of any size,

    realised + (lots x mark - cost) = what came in by sales - what went out by purchases + lots x mark

exactly, at every mark and whatever the order of the trades: nothing is lost by rounding.

    buy 10 at 100        lots 10   cost 1000   realised   0
    buy 10 at 110        lots 20   cost 2100   realised   0     the average is 105
    sell 5 at 120        lots 15   cost 1575   realised  75     5 x 120 less 5/20 of 2100
    sell 20 at 104       lots -5   cost -520   realised  60     15 x 104 less 1575; then 5 are sold short at 104

A trade that makes a position smaller takes its share of the cost out, rounded down to a whole tick-lot; what is rounded
off stays with the lots that are left, and the last lot takes all of it. A trade through zero closes the position and
opens the other one at its own price. Cost has the sign of the lots.

Source: weighted average cost, as in IAS 2 paragraph 25; a profit is realised when the position gets smaller.
"""

from msgspec import Struct
from msgspec.structs import replace

from bus.protocol.history import BUSTED, Execution
from bus.protocol.terms import BUY
from publisher.candles.intervals import DAY_NS


class Held(Struct, frozen=True, gc=False):
    """A position: signed lots, their cost and what was realised so far, both in tick-lots."""

    lots: int = 0
    cost: int = 0
    realised: int = 0


class Opening(Struct, frozen=True, gc=False):
    """How a position stood when a trading day's first execution came: behind the account's report `report_number`.

    Only trades of the day can be revised, so what was before is never counted again.
    """

    day_ns: int = 0
    report_number: int = 0
    held: Held = Held()


class Standing(Struct, frozen=True, gc=False):
    """A position with the day that it is in. `report_number`, `sequence` and `time_ns`: of its last execution."""

    held: Held = Held()
    opening: Opening = Opening()
    report_number: int = 0
    sequence: int = 0
    time_ns: int = 0


def traded(held: Held, side: int, price_ticks: int, quantity_lots: int) -> Held:
    """The position behind one more trade. `quantity_lots` and `price_ticks` at least 1."""
    assert min(quantity_lots, price_ticks) > 0, "a trade has a price and a quantity"
    change = quantity_lots if side == BUY else -quantity_lots
    lots = held.lots
    if lots * change >= 0:
        return Held(lots + change, held.cost + change * price_ticks, held.realised)
    closing = min(quantity_lots, abs(lots))
    share = abs(held.cost) * closing // abs(lots)
    if lots > 0:
        realised = held.realised + closing * price_ticks - share
        left = Held(lots - closing, held.cost - share, realised)
    else:
        realised = held.realised + share - closing * price_ticks
        left = Held(lots + closing, held.cost + share, realised)
    if closing == quantity_lots:
        return left
    return traded(left, side, price_ticks, quantity_lots - closing)


def executed(standing: Standing, execution: Execution) -> Standing:
    """The position behind one more execution, as it counts now: one that was busted moves nothing."""
    held = standing.held
    day_ns = execution.time_ns - execution.time_ns % DAY_NS
    opening = standing.opening
    if day_ns != opening.day_ns:
        opening = Opening(day_ns, standing.report_number, held)
    if execution.state != BUSTED:
        held = traded(held, execution.side, execution.price_ticks, execution.quantity_lots)
    return Standing(held, opening, execution.report_number, execution.sequence, execution.time_ns)


def at_opening(standing: Standing) -> Standing:
    """The position as it was when its day began: what follows is to be executed again."""
    opening = standing.opening
    return replace(standing, held=opening.held, report_number=opening.report_number)


def cash(held: Held) -> int:
    """What all its trades brought in less what they took out, in tick-lots."""
    return held.realised - held.cost
