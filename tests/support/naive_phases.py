"""Phases and auctions in the naive exchange: what docs/rules.md says in its chapters PHASE and AUCTION, rule by rule.

Nothing is kept of what an auction would do but what was told last; it is found anew, from all orders of the book.
"""

from dataclasses import dataclass

from bus.protocol import feed, reasons, reports, terms
from bus.protocol.commands import SetPhase
from tests.support.naive_auction import Outcome, Wish, outcome
from tests.support.naive_bands import is_beyond_static, told_bands
from tests.support.naive_gate import FOR_AUCTIONS, NaiveInstrument
from tests.support.naive_matching import NaiveOrder
from tests.support.naive_orders import NaiveOrders

MS_NS = 10**6
#: For which phases an order waits that is for an auction alone.
WAITS_FOR = {
    terms.AT_OPEN: (terms.PRE_OPEN, terms.OPENING_AUCTION),
    terms.AT_CLOSE: (terms.CLOSING_AUCTION,),
    terms.GFA: (terms.PRE_OPEN, *terms.AUCTIONS),
}


@dataclass
class NaiveStage:
    """What is known of a phase: the sequence that began it, when it is to end (0: not by itself), what follows."""

    began: int
    ends_ns: int
    random_ms: int
    next_phase: int
    drawn_ns: int | None
    told: Outcome | None = None
    told_ns: int = 0
    told_number: int = 0
    changed_ns: int = 0  # the first change of the book since it was looked at
    is_prolonged: bool = False


def broken_by_phase(command: SetPhase, known: NaiveInstrument | None) -> list[int]:
    """Reasons against a phase."""
    broken = []
    if known is None:
        broken.append(reasons.UNKNOWN_SYMBOL)
    if command.phase not in terms.PHASES or command.next_phase not in (0, *terms.PHASES):
        broken.append(reasons.INVALID_PHASE)
    if command.next_phase == command.phase:
        broken.append(reasons.INVALID_PHASE)
    is_auction = command.phase in terms.AUCTIONS
    if command.duration_ms != 0:
        is_a_time = 0 < command.duration_ms <= 24 * 3600 * 1000
        if not is_a_time or not (is_auction or command.phase == terms.HALTED):
            broken.append(reasons.INVALID_DURATION)
    elif command.random_ms != 0 or command.next_phase != 0:
        broken.append(reasons.INVALID_DURATION)
    if command.random_ms != 0 and not (is_auction and 0 < command.random_ms <= 600 * 1000):
        broken.append(reasons.INVALID_DURATION)
    return broken


class NaivePhases(NaiveOrders):
    """How an instrument comes from one phase into another. `stages`: those of its instruments that are not open."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: dict[str, NaiveStage] = {}

    def _begin(
        self,
        instrument: NaiveInstrument,
        phase: int,
        cause: int,
        ends_ns: int = 0,
        random_ms: int = 0,
        next_phase: int = 0,
    ) -> None:
        symbol, before = instrument.definition.symbol, instrument.phase
        opens = phase == terms.CONTINUOUS and before != terms.CONTINUOUS
        if opens or (phase == terms.CLOSED and before in terms.AUCTIONS):
            self._uncross(instrument)
        instrument.phase = phase
        self.stages.pop(symbol, None)
        if phase != terms.CONTINUOUS:
            usual = terms.CLOSED if phase == terms.CLOSING_AUCTION else terms.CONTINUOUS
            self.stages[symbol] = NaiveStage(
                self.sequence, ends_ns, random_ms, next_phase or usual, None if random_ms else 0
            )
        self._publish(
            "status", symbol, (feed.PHASE_CHANGED, self.sequence, self.time_ns, phase, cause, ends_ns)
        )
        mine = [order for order in self.open if order.symbol == symbol]
        for order in mine:
            if phase == terms.CLOSED and order.time_in_force == terms.DAY:
                self._take_out(order, reasons.EXPIRED, asked=False)
            if order.status == terms.WAITING and phase in WAITS_FOR.get(order.time_in_force, ()):
                order.status = terms.RESTING
                self._rest(order)
        if phase in terms.AUCTIONS:
            self._tell(instrument)
        self._publish_levels()

    def _collect(self, order: NaiveOrder) -> None:
        """An order comes where nothing trades, or for an auction that is not on."""
        if order.time_in_force in FOR_AUCTIONS and not self._takes_part(order):
            order.status = terms.WAITING
        if order not in self.open:
            self.open.append(order)
        if order.status == terms.RESTING:
            self._rest(order)

    def _takes_part(self, order: NaiveOrder) -> bool:
        return self._instrument(order.symbol).phase in WAITS_FOR[order.time_in_force]

    # What ends by the clock.

    def _ends_of_phases(self) -> list[tuple[int, int, int]]:
        """When, the number of whatever set the timer, and a place: odd for the end of a phase, even to tell of it."""
        due = []
        for place, instrument in enumerate(self.instruments):
            stage = self.stages.get(instrument.definition.symbol)
            if stage is None:
                continue
            if stage.ends_ns and stage.drawn_ns is not None:
                due.append((stage.ends_ns + stage.drawn_ns, stage.began, 2 * place + 1))
            if stage.changed_ns:
                due.append(
                    (max(stage.told_ns + 100 * MS_NS, stage.changed_ns), stage.told_number, 2 * place + 2)
                )
        return due

    def _end_of_phase(self, place: int) -> None:
        instrument = self.instruments[(place - 1) // 2]
        if not place % 2:
            self._tell(instrument)
        elif not self._prolong(instrument):
            next_phase = self.stages[instrument.definition.symbol].next_phase
            self._begin(instrument, next_phase, terms.BY_TIME)

    # What begins by a band, or where trades took all of a side.

    def _interrupt(self, order: NaiveOrder) -> None:
        """An order has come to a band: it rests or ends there, and an auction begins."""
        if order.time_in_force == terms.IOC:
            self._cancel_rest(order, reasons.BAND_REACHED)
        else:
            if order not in self.open:
                self.open.append(order)
            self._rest(order)
        self._begin_volatility_auction(self._instrument(order.symbol), terms.BY_BAND)

    def _begin_volatility_auction(self, instrument: NaiveInstrument, cause: int) -> None:
        bands = instrument.protection
        assert bands is not None
        self._publish_levels()
        ends_ns = self.time_ns + bands.auction_ms * MS_NS
        self._begin(instrument, terms.VOLATILITY_AUCTION, cause, ends_ns, bands.random_ms)

    def _tell_unbalanced(self, instrument: NaiveInstrument, kind: int, side: int) -> None:
        symbol = instrument.definition.symbol
        self._publish("status", symbol, (feed.BOOK_UNBALANCED, self.sequence, self.time_ns, kind, side))

    def _rebalances(self, instrument: NaiveInstrument) -> bool:
        return instrument.protection is not None and instrument.protection.rebalance == 1

    def _restore_balance(self, instrument: NaiveInstrument, takers: list[int]) -> None:
        """Trades of these takers were the last ones: whether they left a side empty."""
        if not self._rebalances(instrument) or instrument.phase != terms.CONTINUOUS:
            return
        taken = {terms.BUY if taker == terms.SELL else terms.SELL for taker in takers if taker}
        empty = {terms.BUY, terms.SELL} - {order.side for order in instrument.resting}
        if not taken & empty:
            return
        self._begin_volatility_auction(instrument, terms.BY_IMBALANCE)
        if len(empty) == 2:
            self._tell_unbalanced(instrument, terms.EMPTIED, 0)
        else:
            self._tell_unbalanced(instrument, terms.ONE_SIDED, *empty)

    def _prolong(self, instrument: NaiveInstrument) -> bool:
        """An auction that would print beyond the static band goes on, once."""
        symbol, bands = instrument.definition.symbol, instrument.protection
        stage = self.stages[symbol]
        prints = instrument.phase in terms.AUCTIONS and stage.next_phase in (terms.CONTINUOUS, terms.CLOSED)
        if bands is None or stage.is_prolonged or not prints:
            return False
        price = self._outcome(instrument).price
        if not price or not is_beyond_static(instrument, price):
            return False
        ends_ns = self.time_ns + bands.auction_ms * MS_NS
        self._begin(
            *(instrument, instrument.phase, terms.BY_BAND, ends_ns, bands.random_ms, stage.next_phase)
        )
        self.stages[symbol].is_prolonged = True
        return True

    def _tell_bands(self, instrument: NaiveInstrument) -> None:
        self._publish(
            "status",
            instrument.definition.symbol,
            (feed.PROTECTION_SET, self.sequence, self.time_ns, *told_bands(instrument)),
        )

    def _draw(self, symbol: str, number: int, delay_ns: int) -> None:
        """A random end was drawn; it counts once, and for the phase that it was drawn for."""
        stage = self.stages.get(symbol)
        if stage is not None and stage.began == number and stage.drawn_ns is None:
            stage.drawn_ns = delay_ns

    # What an auction would do, and does.

    def _tell(self, instrument: NaiveInstrument) -> None:
        symbol = instrument.definition.symbol
        stage = self.stages[symbol]
        stage.changed_ns = 0
        now = self._outcome(instrument)
        if now != stage.told:
            stage.told, stage.told_ns, stage.told_number = now, self.time_ns, self.sequence
            self._publish("status", symbol, (feed.INDICATIVE, self.sequence, self.time_ns, *now))

    def _book_changes(self, order: NaiveOrder) -> None:
        self._outcome_changes(self._instrument(order.symbol))

    def _outcome_changes(self, instrument: NaiveInstrument) -> None:
        stage = self.stages.get(instrument.definition.symbol)
        if stage is not None and instrument.phase in terms.AUCTIONS:
            stage.changed_ns = stage.changed_ns or self.time_ns

    def _outcome(self, instrument: NaiveInstrument) -> Outcome:
        """Of linked orders the first of each side comes into question."""
        wishes, groups = [], []
        for order in in_line(instrument.resting, terms.BUY) + in_line(instrument.resting, terms.SELL):
            if not order.group or (order.group, order.side) not in groups:
                wishes.append(Wish(order.side, order.price, order.left))
            groups.append((order.group, order.side))
        return outcome(wishes, instrument.reference)

    def _uncross(self, instrument: NaiveInstrument) -> None:
        symbol = instrument.definition.symbol
        is_owed = instrument.phase in terms.AUCTIONS  # a word about its end
        while True:
            found = self._outcome(instrument)
            traded = self._trade_at(instrument, found.price) if found.price else 0
            if traded or (is_owed and not found.price):
                is_owed = False
                price = found.price if traded else 0
                self._publish(
                    "status",
                    symbol,
                    (
                        *(feed.AUCTION_ENDED, self.sequence, self.time_ns, instrument.phase),
                        *(price, traded, found.left),
                    ),
                )
            if traded:
                is_new = instrument.reference != found.price
                instrument.reference = instrument.last_before = found.price
                if is_new and instrument.protection is not None:
                    self._tell_bands(instrument)
            if not found.price:
                break
        for order in [order for order in self.open if order.symbol == symbol]:
            if order.status == terms.RESTING and order.time_in_force in FOR_AUCTIONS:
                self._take_out(order, reasons.AUCTION_OVER, asked=False)
        self._publish_levels()

    def _trade_at(self, instrument: NaiveInstrument, price: int) -> int:
        """The first of the buyers trades with the first of the sellers, until nobody of one side takes the price."""
        total = 0
        while True:
            buyer = self._first(instrument, terms.BUY, price)
            seller = self._first(instrument, terms.SELL, price)
            if buyer is None or seller is None:
                break
            instrument.happened.traded(buyer)
            if buyer.group and buyer.group == seller.group:
                continue  # the seller ends when it is looked for
            instrument.happened.traded(seller)
            lots = min(buyer.left, seller.left)
            self._trade_both(instrument, buyer, seller, price, lots)
            total += lots
        for order in (buyer, seller):
            if order is not None and order.offered == 0:
                instrument.resting.remove(order)
                order.come_to_rest(instrument.resting)
                self._display(order)
        self._publish_levels()
        return total

    def _first(self, instrument: NaiveInstrument, side: int, price: int) -> NaiveOrder | None:
        """Who comes next; one of whose group another one has traded ends instead."""
        over = instrument.happened.over
        for order in in_line(instrument.resting, side):
            if order.price and (order.price < price if side == terms.BUY else order.price > price):
                return None
            if order.group not in over or over[order.group] is order:
                return order
            self._take_out(order, reasons.LINKED, asked=False)
        return None

    def _trade_both(
        self, instrument: NaiveInstrument, buyer: NaiveOrder, seller: NaiveOrder, price: int, lots: int
    ) -> None:
        instrument.trades.append(price)
        instrument.takers.append(0)
        trade_id = len(instrument.trades)
        self._publish(
            "trade",
            buyer.symbol,
            (feed.TRADE, self.sequence, self.time_ns, trade_id, price, lots, 0),
        )
        for order in (buyer, seller):
            was_shown = order.shown
            order.filled += lots
            order.slice_lots = max(0, order.slice_lots - lots)
            if was_shown != order.shown:
                self._publish_of(
                    order,
                    (
                        *(feed.ORDER_EXECUTED, self.sequence, order.public_id),
                        *(was_shown - order.shown, order.shown, trade_id),
                    ),
                )
            self._report(
                order.account,
                (
                    *(reports.FILLED, self.sequence, self.time_ns, 0, 0, order.order_id),
                    *(order.entered.client_order_id, order.symbol, order.side, trade_id, price, lots),
                    *(order.filled, order.left, terms.IN_AUCTION),
                ),
            )
            if not order.left:
                instrument.resting.remove(order)
                self._end_order(order, terms.FILLED)


def in_line(book: list[NaiveOrder], side: int) -> list[NaiveOrder]:
    """Market orders, the better price, what is displayed, who came first to rest."""
    mine = [order for order in book if order.side == side]
    sign = -1 if side == terms.BUY else 1
    # Sorting is stable: the order of resting stays.
    return sorted(mine, key=lambda order: (order.price != 0, sign * order.price, order.is_hidden))
