"""Orders in the naive exchange: how they trade, rest, shrink, leave and end, and what is published about it."""

from bus.protocol import feed, reasons, reports, terms
from tests.support.naive_bands import within_bands
from tests.support.naive_gate import NaiveInstrument
from tests.support.naive_matching import Meeting, NaiveOrder, fill, next_meeting
from tests.support.naive_requests import NaiveRequests
from tests.support.naive_voice import Event


class NaiveOrders(NaiveRequests):
    """What happens to orders. `concerned`: the symbols of those that have ended during the command at hand."""

    def __init__(self) -> None:
        super().__init__()
        self.instruments: list[NaiveInstrument] = []
        self.open: list[NaiveOrder] = []  # all open orders, oldest first
        self.concerned: list[str] = []

    def _book_changes(self, order: NaiveOrder) -> None:
        """The order comes to the book, leaves it or becomes smaller there."""

    def _publish_levels(self) -> None:
        """What was touched, as it is now."""
        for symbol, side, price in self.touched:
            level = [
                order
                for order in self._instrument(symbol).resting
                if (order.side, order.price) == (side, price) and not order.is_hidden
            ]
            self._publish(
                "level",
                symbol,
                (feed.LEVEL, self.sequence, side, price, sum(order.shown for order in level), len(level)),
            )
        self.touched = []

    def _trade(self, taker: NaiveOrder) -> None:
        """Whatever comes next for the order, until nothing does."""
        instrument = self._instrument(taker.symbol)
        within = within_bands(instrument)
        later: list[NaiveOrder] = []
        while taker.status == terms.RESTING:
            meeting = next_meeting(
                *(taker, instrument.resting, instrument.definition, within),
                *(instrument.happened.over, later),
            )
            later = meeting.later
            if meeting == Meeting([], None, [], []):
                return
            for other in meeting.linked:
                instrument.happened.is_over(other.group, taker)
                self._take_out(other, reasons.LINKED, asked=False)
            if meeting.own is not None:
                self._prevent(taker, meeting.own)
            for maker, lots in meeting.trades:
                self._trade_once(taker, maker, lots)
            if not taker.left:
                self._end_order(taker, terms.FILLED)

    def _trade_once(self, taker: NaiveOrder, maker: NaiveOrder, lots: int) -> None:
        instrument = self._instrument(taker.symbol)
        instrument.trades.append(maker.price)
        instrument.takers.append(taker.side)
        trade_id = len(instrument.trades)
        maker_was_shown, public_id = maker.shown, maker.public_id
        taker.filled += lots
        is_next_slice = fill(maker, lots, instrument.resting)
        instrument.happened.traded(maker)
        instrument.happened.traded(taker)
        for order, answering, liquidity in (
            (maker, (self.sequence, self.time_ns, 0, 0), terms.MAKER),
            (taker, self._answering(), terms.TAKER),
        ):
            self._report(
                order.account,
                (
                    *(reports.FILLED, *answering, order.order_id, order.entered.client_order_id),
                    *(order.symbol, order.side, trade_id, maker.price, lots),
                    *(order.filled, order.left, liquidity),
                ),
            )
        self._publish(
            "trade",
            taker.symbol,
            (feed.TRADE, self.sequence, self.time_ns, trade_id, maker.price, lots, taker.side),
        )
        self._publish_of(
            maker,
            (feed.ORDER_EXECUTED, self.sequence, public_id, lots, maker_was_shown - lots, trade_id),
        )
        if is_next_slice:
            self._display(maker)
        elif not maker.left:
            self._end_order(maker, terms.FILLED)

    def _prevent(self, taker: NaiveOrder, maker: NaiveOrder) -> None:
        """Two orders of one owner: what the incoming one wants happens, to the resting one first."""
        mode = taker.entered.self_trade
        lots = min(taker.left, maker.left)
        for order, liquidity in ((taker, terms.TAKER), (maker, terms.MAKER)):
            self._report(
                order.account,
                (
                    *(reports.PREVENTED, self.sequence, self.time_ns, 0, 0, order.order_id),
                    *(order.entered.client_order_id, order.symbol, order.side, maker.price, lots, liquidity),
                ),
            )
        maker_ends = mode in (terms.CANCEL_OLDEST, terms.CANCEL_BOTH)
        taker_ends = mode in (terms.CANCEL_NEWEST, terms.CANCEL_BOTH)
        if mode == terms.DECREMENT:
            maker_ends, taker_ends = maker.left == lots, taker.left == lots
        if maker_ends:
            self._take_out(maker, reasons.SELF_TRADE, asked=False)
        elif mode == terms.DECREMENT:
            self._shrink(maker, maker.quantity - lots)
            self._report_restated(maker, reasons.SELF_TRADE)
        if taker_ends:
            self._cancel_rest(taker, reasons.SELF_TRADE)
        elif mode == terms.DECREMENT:
            taker.quantity -= lots
            self._report_restated(taker, reasons.SELF_TRADE)

    def _shrink(self, order: NaiveOrder, quantity: int) -> None:
        """A smaller order in its place; the public hears of it when it shows less."""
        self._book_changes(order)
        was_shown = order.shown
        order.quantity = quantity
        if order.shown != was_shown:
            self._publish_of(order, (feed.ORDER_REDUCED, self.sequence, order.public_id, order.shown))

    def _rest(self, order: NaiveOrder) -> None:
        self._book_changes(order)
        order.come_to_rest(self._instrument(order.symbol).resting)
        self._display(order)

    def _display(self, order: NaiveOrder) -> None:
        """The public sees an order, or the next slice of one, under a number of its own."""
        if order.is_hidden:
            return
        instrument = self._instrument(order.symbol)
        instrument.displayed += 1
        order.public_id = instrument.displayed
        self._publish_of(
            order,
            (feed.ORDER_ADDED, self.sequence, order.public_id, order.side, order.price, order.shown),
        )

    def _leave_the_book(self, order: NaiveOrder) -> None:
        if order not in self._instrument(order.symbol).resting:
            return
        self._book_changes(order)
        self._instrument(order.symbol).resting.remove(order)
        self._publish_of(order, (feed.ORDER_DELETED, self.sequence, order.public_id))

    def _take_out(self, order: NaiveOrder, reason: int, *, asked: bool = True) -> None:
        self._leave_the_book(order)
        self._end_order(order, terms.CANCELLED)
        self._report_cancelled(order, reason, asked=asked)

    def _cancel_rest(self, order: NaiveOrder, reason: int) -> None:
        """What an order that does not rest has left is gone."""
        self._end_order(order, terms.CANCELLED)
        self._report_cancelled(order, reason)

    def _end_order(self, order: NaiveOrder, status: int) -> None:
        order.status = status
        self._instrument(order.symbol).happened.ended(order)
        self.concerned.append(order.symbol)
        self.open = [other for other in self.open if other is not order]
        for request in self.remembered:
            if request.sequence == order.order_id:
                self._end_request(request)
                return

    def _publish_of(self, order: NaiveOrder, event: Event) -> None:
        """Something of an order, and so of its level. Nothing is said of hidden ones."""
        if order.is_hidden:
            return
        level = (order.symbol, order.side, order.price)
        if level not in self.touched:
            self.touched.append(level)
        self._publish("order", order.symbol, event)

    # Instruments.

    def _found(self, symbol: str) -> NaiveInstrument | None:
        return next((known for known in self.instruments if known.definition.symbol == symbol), None)

    def _instrument(self, symbol: str) -> NaiveInstrument:
        found = self._found(symbol)
        assert found is not None
        return found
