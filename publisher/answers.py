"""What a publisher answers: from its markets where they know, from the store where they do not.

The rule guarded here: a request is answered whole, or refused with a name; limits are never applied silently. What is
answered from memory is encoded once for as long as it stays the same. `answer` gives the answer, or a Later: a question
to the store for a thread of the service, and how the answer is made of what it found.

No I/O. Called by `service`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from bus.protocol.control import Refused
from bus.protocol.feed import Trade
from bus.protocol.market.requests import (
    ALERTS_ANSWER,
    CANDLES_ANSWER,
    CANDLES_PER_ANSWER_MAX,
    DEPTH_ANSWER,
    INDICATOR_ANSWER,
    MINI_ANSWER,
    ORDERS_ANSWER,
    STATISTICS_ANSWER,
    STREAM_REPLAYED,
    SYMBOLS_ANSWER,
    TRADES_ANSWER,
    TRADES_PER_ANSWER_MAX,
    VALUES_PER_ANSWER_MAX,
    Alert,
    AlertsRequest,
    ArmAlert,
    CandlesRequest,
    DepthRequest,
    DisarmAlert,
    IndicatorRequest,
    MarketRequest,
    MiniRequest,
    OrdersRequest,
    StatisticsRequest,
    StreamReplay,
    SymbolsRequest,
    TradeRow,
    TradesRequest,
)
from bus.protocol.reasons import MESSAGE_TOO_LARGE, NOT_OFFERED, NOT_YET
from bus.protocol.status import QueryStatus
from bus.protocol.terms import BUY, SELL
from bus.protocol.topics import parse
from publisher.alerts.definition import AlertDefinition
from publisher.book import aggregated, limited
from publisher.candles.candle import Candle
from publisher.candles.intervals import INTERVALS
from publisher.desk import Desk
from publisher.events import candle_event, told_alert
from publisher.indicators.table import INDICATORS
from publisher.pages import Pages
from publisher.store.reading import read_candles, read_trades
from publisher.store.rows import StoredTrade

#: Frames of one answer; the reader asks again for the rest.
REPLAY_BYTES_MAX: Final = 1_048_576
_END: Final = 2**63 - 1


def symbol_of(request: MarketRequest) -> str:
    """The symbol that is asked for, "" when it is none."""
    if not isinstance(request, StreamReplay):
        return str(getattr(request, "symbol", ""))
    try:
        return parse(request.topic)[1]
    except ValueError:
        return ""


class Later:
    """A question to the store. `finish` makes the answer of what `ask` has found, on the loop."""

    __slots__ = ("ask", "finish")

    def __init__(self, ask: Callable[[Connection], Any], finish: Callable[[Any], object]) -> None:
        self.ask = ask
        self.finish = finish


class Stored:
    """An answer that is to wait until everything that was put into the store before is in it."""

    __slots__ = ("answer",)

    def __init__(self, answer: object) -> None:
        self.answer = answer


class Answers:
    """See above. `desks`: those of the service, by symbol; `begins`: whether one of a symbol will come soon.

    `want_orders`: called for a symbol whose L3 is asked for. `on_alerts`: called for a desk whose alerts are others
    now. `status`: the ProcessStatus for a correlation id.
    """

    def __init__(
        self,
        desks: Mapping[str, Desk],
        begins: Callable[[str], bool],
        want_orders: Callable[[str], None],
        on_alerts: Callable[[Desk], None],
        status: Callable[[int], object],
    ) -> None:
        self._desks = desks
        self._begins = begins
        self._want_orders = want_orders
        self._on_alerts = on_alerts
        self._status = status
        self.pages = Pages()

    def answer(self, correlation_id: int, request: MarketRequest) -> object:
        """An answer, or a Later."""
        if isinstance(request, MiniRequest):
            return self._mini(correlation_id)
        if isinstance(request, SymbolsRequest):
            return self._symbols(correlation_id)
        if isinstance(request, QueryStatus):
            return self._status(correlation_id)
        if isinstance(request, DisarmAlert):
            return self._disarm(correlation_id, request)
        if isinstance(request, AlertsRequest) and not request.symbol:
            return self._alerts(correlation_id, request)
        symbol = symbol_of(request)
        desk = self._desks.get(symbol)
        if desk is None and self._begins(symbol):
            return _refused(correlation_id, NOT_YET, f"{symbol} begins at the moment: ask again")
        if desk is None:
            return _refused(correlation_id, NOT_OFFERED, f"{symbol!r} is no symbol of this publisher")
        if isinstance(request, StreamReplay):
            return self._replay(correlation_id, request, desk)
        if isinstance(request, DepthRequest):
            return self._depth(correlation_id, request, desk)
        if isinstance(request, OrdersRequest):
            return self._orders(correlation_id, desk)
        if isinstance(request, TradesRequest):
            return self._trades(correlation_id, request, desk)
        if isinstance(request, CandlesRequest):
            return self._candles(correlation_id, request, desk)
        if isinstance(request, StatisticsRequest):
            return self._statistics(correlation_id, desk)
        if isinstance(request, IndicatorRequest):
            return self._indicator(correlation_id, request, desk)
        if isinstance(request, ArmAlert):
            return self._arm(correlation_id, request, desk)
        if isinstance(request, AlertsRequest):
            return self._alerts(correlation_id, request)
        return _refused(correlation_id, NOT_OFFERED, f"{type(request).__name__} is not answered here")

    def _depth(self, correlation_id: int, request: DepthRequest, desk: Desk) -> object:
        market = desk.market
        book = market.book
        if not book.ready:
            return _refused(correlation_id, NOT_YET, f"the book of {desk.symbol} is not known yet: ask again")
        step = request.step_ticks
        if not step:
            return _refused(correlation_id, NOT_OFFERED, "step_ticks = 0: a step is 1 tick or more")

        def make() -> tuple[Any, ...]:
            if step == 1:
                bids, asks = (
                    limited(book.bids.rows(), request.levels),
                    limited(book.asks.rows(), request.levels),
                )
            else:
                bids = aggregated(book.bids.rows(), BUY, step, request.levels)
                asks = aggregated(book.asks.rows(), SELL, step, request.levels)
            return (
                DEPTH_ANSWER, desk.symbol, market.whole_sequence, market.time_ns, book.level_number, book.checksum(),
                step, book.spread_ticks(), book.imbalance_ppm(), book.microprice_microticks(), bids, asks,
            )  # fmt: skip

        # A newer log sequence with the same book is the same answer, only less is promised by the older one.
        version = (id(book), book.begun, book.level_number)
        return self.pages.answer(("depth", desk.symbol, request.levels, step), version, correlation_id, make)

    def _orders(self, correlation_id: int, desk: Desk) -> object:
        self._want_orders(desk.symbol)
        orders = desk.orders
        if orders is None or not orders.ready or orders.is_wrong:
            text = f"the orders of {desk.symbol} are being read: ask again"
            return _refused(correlation_id, NOT_YET, text)

        def make() -> tuple[Any, ...]:
            sequence = desk.orders_sequence
            return (
                ORDERS_ANSWER,
                desk.symbol,
                sequence,
                orders.number,
                orders.orders(BUY),
                orders.orders(SELL),
            )

        version = (id(orders), desk.orders_begun, orders.number)
        return self.pages.answer(("orders", desk.symbol), version, correlation_id, make)

    def _replay(self, correlation_id: int, request: StreamReplay, desk: Desk) -> object:
        stream = desk.market.streams.by_topic(request.topic)
        if stream is None or not stream.last:
            return _refused(correlation_id, NOT_OFFERED, f"nothing was published on {request.topic!r}")
        found = desk.market.streams.after(stream, request.after_sequence)
        if found is None:
            text = f"frames of {request.topic!r} after {request.after_sequence} are no longer kept: ask for the whole"
            return _refused(correlation_id, NOT_OFFERED, text)
        frames: list[bytes] = []
        size = 0
        for frame in found:
            if frames and size + len(frame) > REPLAY_BYTES_MAX:
                break
            frames.append(frame)
            size += len(frame)
        return STREAM_REPLAYED, correlation_id, request.topic, frames

    # Trades.

    def _trades(self, correlation_id: int, request: TradesRequest, desk: Desk) -> object:
        limit = request.limit
        if not 0 < limit <= TRADES_PER_ANSWER_MAX:
            return _too_many(correlation_id, "limit", limit, TRADES_PER_ANSWER_MAX)
        ring = desk.market.trades
        to_id = request.to_trade_id or _END
        if not request.to_ns and not request.from_ns and ring.last_trade_id:
            upper = min(to_id, ring.last_trade_id + 1)
            first = request.from_trade_id or max(1, upper - limit)
            if first >= ring.oldest_trade_id:
                rows = ring.between(first, min(upper, first + limit))
                more = bool(rows) and rows[-1].trade.trade_id + 1 < upper
                return TRADES_ANSWER, correlation_id, desk.symbol, rows, more
        has_lower = bool(request.from_trade_id or request.from_ns)

        def ask(connection: Connection) -> list[StoredTrade]:
            found = read_trades(
                connection,
                desk.symbol,
                limit=limit + 1,
                after_id=max(0, request.from_trade_id - 1),
                before_id=to_id,
                since_ns=request.from_ns,
                until_ns=request.to_ns or _END,
                newest_first=not has_lower,
            )
            return found if has_lower else found[:limit][::-1]

        def finish(stored: list[StoredTrade]) -> object:
            more = len(stored) > limit
            rows = [TradeRow(_trade(row), row.state) for row in stored[:limit]]
            if not more:
                # What is on its way to the store is in the ring.
                last_id = rows[-1].trade.trade_id if rows else max(0, request.from_trade_id - 1)
                newer = [
                    row
                    for row in ring.between(last_id + 1, to_id)
                    if request.from_ns <= row.trade.time_ns < (request.to_ns or _END)
                ]
                if has_lower:
                    more = len(rows) + len(newer) > limit
                    rows = (rows + newer)[:limit]
                else:
                    rows = (rows + newer)[-limit:]
            return TRADES_ANSWER, correlation_id, desk.symbol, rows, more

        return Later(ask, finish)

    # Candles.

    def _candles(self, correlation_id: int, request: CandlesRequest, desk: Desk) -> object:
        limit = request.limit
        interval = INTERVALS.get(request.interval)
        if interval is None:
            known = ", ".join(INTERVALS)
            return _refused(correlation_id, NOT_OFFERED, f"{request.interval!r} is no interval: {known}")
        if not 0 < limit <= CANDLES_PER_ANSWER_MAX:
            return _too_many(correlation_id, "limit", limit, CANDLES_PER_ANSWER_MAX)
        series = desk.market.candles
        name, symbol = interval.name, desk.symbol
        from_ns, to_ns = request.from_ns, request.to_ns or _END
        first_ns = self._first_ns(desk, name, request.from_ns, to_ns, limit)

        def answer(found: list[Candle]) -> tuple[Any, ...]:
            more = bool(found) and series.page(name, found[-1].open_time_ns + 1, to_ns, 1) != []
            return CANDLES_ANSWER, symbol, name, [candle_event(name, candle) for candle in found], more

        def finish(found: list[Candle]) -> object:
            tag, *rest = answer(found)
            return (tag, correlation_id, *rest)

        if not self._in_memory(desk, name, first_ns):
            return self._with_older(desk, name, first_ns, to_ns, limit, finish)
        key = ("candles", symbol, name, from_ns, to_ns, limit)
        version = (id(series), desk.market.candles_version)
        return self.pages.answer(
            key, version, correlation_id, lambda: answer(_page(desk, name, first_ns, to_ns, limit))
        )

    def _indicator(self, correlation_id: int, request: IndicatorRequest, desk: Desk) -> object:
        limit, name = request.limit, request.interval
        indicator = INDICATORS.get(request.indicator)
        if name not in INTERVALS:
            text = f"{name!r} is no interval: {', '.join(INTERVALS)}"
            return _refused(correlation_id, NOT_OFFERED, text)
        if indicator is None:
            text = f"{request.indicator!r} is no indicator: {', '.join(INDICATORS)}"
            return _refused(correlation_id, NOT_OFFERED, text)
        if refusal := indicator.refusal(request.parameters):
            return _refused(correlation_id, NOT_OFFERED, refusal)
        if not 0 < limit <= VALUES_PER_ANSWER_MAX:
            return _too_many(correlation_id, "limit", limit, VALUES_PER_ANSWER_MAX)
        to_ns = request.to_ns or _END
        from_ns = self._first_ns(desk, name, request.from_ns, to_ns, limit)
        lead_in = indicator.lead_in(request.parameters)
        first_ns = from_ns - lead_in * INTERVALS[name].length_ns

        def finish(candles: list[Candle]) -> object:
            closed = [candle for candle in candles if candle.closed]
            values = zip(closed, indicator.values(closed, request.parameters), strict=True)
            rows = [
                (candle.open_time_ns, value)
                for candle, value in values
                if value is not None and candle.open_time_ns >= from_ns
            ]
            return INDICATOR_ANSWER, correlation_id, desk.symbol, name, indicator.name, rows[:limit]

        if self._in_memory(desk, name, first_ns):
            return finish(_page(desk, name, first_ns, to_ns, limit + lead_in))
        return self._with_older(desk, name, first_ns, to_ns, limit + lead_in, finish)

    def _first_ns(self, desk: Desk, name: str, from_ns: int, to_ns: int, limit: int) -> int:
        """When the first candle of a page opens."""
        series, interval = desk.market.candles, INTERVALS[name]
        if from_ns:
            first_ns = interval.open_time_ns(from_ns + interval.length_ns - 1)
            if series.begun() and series.is_whole(name):
                first_ns = max(first_ns, series.oldest_ns(name))
            return first_ns
        open_candle = series.open(name)
        newest_ns = open_candle.open_time_ns if open_candle is not None else 0
        last_ns = min(newest_ns, interval.open_time_ns(max(0, to_ns - 1)))
        return last_ns - (limit - 1) * interval.length_ns

    def _in_memory(self, desk: Desk, name: str, first_ns: int) -> bool:
        """Whether all candles from this one on are in the rings, as far as there are any."""
        series = desk.market.candles
        return not series.begun() or series.is_whole(name) or first_ns >= series.oldest_ns(name)

    def _with_older(
        self,
        desk: Desk,
        name: str,
        first_ns: int,
        to_ns: int,
        limit: int,
        finish: Callable[[list[Candle]], object],
    ) -> Later:
        """Candles follow each other without a gap: what is kept goes on where the store ends."""
        oldest_ns = desk.market.candles.oldest_ns(name)

        def ask(connection: Connection) -> list[Candle]:
            since_ns, until_ns = max(0, first_ns), min(to_ns, oldest_ns)
            return read_candles(
                connection, desk.symbol, name, limit=limit, since_ns=since_ns, until_ns=until_ns
            )

        def told(older: list[Candle]) -> object:
            rest = limit - len(older)
            return finish(older + (_page(desk, name, oldest_ns, to_ns, rest) if rest else []))

        return Later(ask, told)

    # Alerts.

    def _arm(self, correlation_id: int, request: ArmAlert, desk: Desk) -> object:
        definition = AlertDefinition(
            request.alert_id,
            request.symbol,
            request.condition,
            request.parameters,
            request.repeating,
            request.hysteresis,
        )
        refusal = desk.market.arm(definition)
        if refusal:
            return _refused(correlation_id, NOT_OFFERED, refusal)
        self._on_alerts(desk)
        return self._stored_alerts(correlation_id, desk, request.alert_id)

    def _disarm(self, correlation_id: int, request: DisarmAlert) -> object:
        for desk in self._desks.values():
            if desk.market.alerts.has(request.alert_id):
                told = _alerts_of(desk, request.alert_id)
                desk.market.alerts.remove(request.alert_id)
                self._on_alerts(desk)
                return Stored((ALERTS_ANSWER, correlation_id, told))
        return _refused(correlation_id, NOT_OFFERED, f"there is no alert {request.alert_id!r}")

    def _stored_alerts(self, correlation_id: int, desk: Desk, alert_id: str) -> "Stored":
        return Stored((ALERTS_ANSWER, correlation_id, _alerts_of(desk, alert_id)))

    def _alerts(self, correlation_id: int, request: AlertsRequest) -> object:
        told = [
            alert
            for symbol, desk in sorted(self._desks.items())
            if request.symbol in ("", symbol)
            for alert in _alerts_of(desk)
        ]
        return ALERTS_ANSWER, correlation_id, told

    # Numbers of a day.

    def _statistics(self, correlation_id: int, desk: Desk) -> object:
        found = desk.market.statistics_now()
        if found is None:
            return _refused(correlation_id, NOT_OFFERED, f"{desk.symbol} has not traded yet")
        return STATISTICS_ANSWER, correlation_id, desk.symbol, found

    def _mini(self, correlation_id: int) -> object:
        rows = [(symbol, desk.market.mini_now()) for symbol, desk in sorted(self._desks.items())]
        return MINI_ANSWER, correlation_id, [row for row in rows if row[1] is not None]

    def _symbols(self, correlation_id: int) -> object:
        told = [
            desk.market.state.told() for _, desk in sorted(self._desks.items()) if desk.market.state.known
        ]
        return SYMBOLS_ANSWER, correlation_id, told


def _page(desk: Desk, name: str, first_ns: int, to_ns: int, limit: int) -> list[Candle]:
    """The first `limit` candles that are kept from this time on."""
    series = desk.market.candles
    if not series.begun():
        return []
    since_ns = max(first_ns, series.oldest_ns(name))
    until_ns = min(to_ns, since_ns + limit * INTERVALS[name].length_ns)
    return series.page(name, since_ns, until_ns, limit)


def _alerts_of(desk: Desk, alert_id: str = "") -> list[Alert]:
    alerts = desk.market.alerts.alerts()
    return [told_alert(alert) for alert in alerts if alert_id in ("", alert.definition.alert_id)]


def _trade(row: StoredTrade) -> Trade:
    return Trade(row.sequence, row.time_ns, row.trade_id, row.price_ticks, row.quantity_lots, row.aggressor)


def _refused(correlation_id: int, reason: int, text: str) -> Refused:
    return Refused(correlation_id, 1, reason, text)


def _too_many(correlation_id: int, name: str, value: int, largest: int) -> Refused:
    return _refused(correlation_id, MESSAGE_TOO_LARGE, f"{name} = {value}: 1 to {largest} are allowed")
