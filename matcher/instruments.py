"""An instrument: its definition, its book, its numbers, and the public events that are about to leave."""

from typing import Any

from bus.protocol.commands import DefineInstrument
from bus.protocol.terms import CLOSED, CONTINUOUS, HALTED, PRO_RATA
from bus.protocol.topics import LEVEL, ORDER, STATUS, TRADE, topic
from matcher.book.book import Book
from matcher.book.protection import Protection
from matcher.book.stage import Pause, Stage
from matcher.book.trades import KeptTrades
from matcher.book.triggers import Watch
from matcher.day.schedule import Schedule


class Instrument:
    """State of one instrument.

    The limits of its definition are kept beside it, since the gate looks at them for every order. `trades`, `levels`,
    `orders` and `statuses` are the events since the outputs were last taken; `*_number` are the last numbers that
    were given in these four topics. `touched` says that there are some. `pro_rata`: a level is shared in proportion.
    `watch`: who waits for a trigger, None while nobody does.

    `phase`: what its market does at the moment; `stage`: what is known of the end of that, None in continuous trading.
    `schedule`: its trading hours, None without any. `pause`: what it goes on with when the whole market does, None when
    that is nothing, or the market goes on.
    `reference_ticks`: the price of the last auction that traded, or one that an operator gave after it, 0 while there
    is none; `auction_ticks` and `auction_lots`: price and quantity of that auction. `protection`: the bands within
    which it trades, None where there are none. `place`: how many instruments came before it.
    `day_reference_ticks`: the last price of the trading day before, or the first one at all; 0 while there is none.
    """

    __slots__ = (
        "auction_lots",
        "auction_ticks",
        "book",
        "day_reference_ticks",
        "definition",
        "kept",
        "last_price_ticks",
        "level_number",
        "level_topic",
        "levels",
        "next_public_id",
        "next_trade_id",
        "order_number",
        "order_topic",
        "orders",
        "pause",
        "phase",
        "place",
        "price_max_ticks",
        "price_min_ticks",
        "pro_rata",
        "protection",
        "quantity_max_lots",
        "quantity_min_lots",
        "reference_ticks",
        "schedule",
        "share_min_lots",
        "stage",
        "status_number",
        "status_topic",
        "statuses",
        "symbol",
        "touched",
        "trade_number",
        "trade_topic",
        "trades",
        "watch",
    )

    def __init__(self, definition: DefineInstrument, place: int) -> None:
        symbol = definition.symbol
        self.symbol = symbol
        self.place = place
        self.phase = CONTINUOUS
        self.book = Book()
        self.stage: Stage | None = None
        self.pause: Pause | None = None
        self.schedule: Schedule | None = None
        self.last_price_ticks = 0
        self.reference_ticks = 0
        self.auction_ticks = 0
        self.auction_lots = 0
        self.day_reference_ticks = 0
        self.protection: Protection | None = None
        self.next_trade_id = 1
        self.kept = KeptTrades()
        self.next_public_id = 1
        self.trade_number = 0
        self.level_number = 0
        self.order_number = 0
        self.status_number = 0
        self.trade_topic = topic(TRADE, symbol)
        self.level_topic = topic(LEVEL, symbol)
        self.order_topic = topic(ORDER, symbol)
        self.status_topic = topic(STATUS, symbol)
        self.trades: list[tuple[Any, ...]] = []
        self.levels: list[tuple[Any, ...]] = []
        self.orders: list[tuple[Any, ...]] = []
        self.statuses: list[tuple[Any, ...]] = []
        self.touched = False
        self.watch: Watch | None = None
        self.redefine(definition)

    def stage_end_ns(self) -> int:
        """When the phase that is on ends by itself, 0 when it does not, or not yet. One of a schedule ends by that."""
        stage = self.stage
        if stage is None or (self.schedule is not None and self.schedule.acts):
            return 0
        return stage.end_ns()

    def row_due_ns(self) -> int:
        """When the next row of its schedule begins, 0 when there is none that may."""
        schedule = self.schedule
        if schedule is None:
            return 0
        return schedule.closes_ns() if self.outlasts_rows() else schedule.due_ns(self.stage)

    def outlasts_rows(self) -> bool:
        """Whether the rows of its schedule wait: a circuit breaker has halted it, or has it go through an auction."""
        stage, pause = self.stage, self.pause
        return (stage is not None and stage.outlasts_rows) or (pause is not None and pause.outlasts_rows)

    def redefine(self, definition: DefineInstrument) -> None:
        """Take the limits of a definition of the same product."""
        self.definition = definition
        self.price_min_ticks = definition.price_min_ticks
        self.price_max_ticks = definition.price_max_ticks
        self.quantity_min_lots = definition.quantity_min_lots
        self.quantity_max_lots = definition.quantity_max_lots
        self.pro_rata = definition.matching == PRO_RATA
        self.share_min_lots = definition.pro_rata_minimum_lots

    def check_stop(self, stopped: bool) -> None:
        """AssertionError when it is not as it must be while the whole market stands still, or does not."""
        if not stopped:
            assert self.pause is None, "nothing waits for the end of a stop that is over"
            return
        assert self.phase in (HALTED, CLOSED), "in a stopped market everything is halted, or closed"
        assert self.stage is not None, "both have a stage"
        assert not self.stage_end_ns(), "nothing but a schedule ends anything in a stopped market"
        assert self.pause is None or self.phase == HALTED, "what is closed stays so"
