"""The engine as `tracebook-conformance` drives it: events on stdin, observations on stdout, one trace a process.

    python -m tests.conformance.adapter PORT_BASE DATA_DIR

The engine runs already, and serves many traces: each has instruments and accounts of its own, named after the number
of its operator's session. What a trace does goes in through the ROUTER as commands of real clients; fills and their
prices come from the reports, makers and the order of the books from the public feed, the final books from the recovery
socket. Nothing is matched or ranked here. Where the suite's conventions are not the engine's, this is the map:

- An owner is an account. `-1`, the suite's nobody, is one as well, whose self-trades nothing prevents.
- An id is free again once its order is gone: each use of it is a new client order id. While an order rests under the
  id, the same one is sent again from the same account, and the engine refuses it.
- LIMIT is a GTC limit order, MARKET a market order that is IOC; IOC and FOK are limit orders.
- A price between two ticks, which the engine has no way to say, becomes the nearest tick, half to even. That may be
  zero: it is sent, and refused.
- `reduce` by an amount is a replace with the smaller whole quantity, which keeps the place; a cancel when nothing would
  be left.
- `replace` always loses the place, and its quantity is that of what is left. Where the engine's replace moves an order
  (another price, or more quantity) it is that, with what was filled added; otherwise a cancel and the order anew.
- Refused here, for no command can say it: a `reduce` by more than is left, a `replace` to a price or quantity of zero
  (which to the engine means: as it is). No profile and no case asks for them.
- `clear` is a mass cancel of the symbol by each account. Like `new` it defines a symbol that is not known.
- `cancel`, `reduce` and `replace` of an id that is not active are a cancel of the last order under it, which the engine
  refuses.
- Every answer but Rejected and Duplicate is `applied`, also when nothing of the order traded or rests.

- The suite's `self_trade_policy` is one for a whole trace: every order that enters says it. A replace keeps it.
- Its `matching_algorithm` is in the definition of every instrument. Its pro-rata divides without rounding and gives
  what is left to the last; the lot is so fine that no share of the suite's is rounded.
"""

import sys
from contextlib import ExitStack
from decimal import ROUND_HALF_EVEN, Decimal
from importlib.metadata import version
from typing import Any, Final

from tracebook.conformance.model import (
    BookState,
    ConformanceConfig,
    EngineMetadata,
    Observation,
    Outcome,
    TradeFill,
    canonical_decimal,
)
from tracebook.conformance.protocol import serve_stdio
from tracebook.core.order import OrderSide, OrderType, SelfTradePolicy
from tracebook.events import MarketEvent

from bus.journal.directory import read_token
from bus.protocol import reasons
from bus.protocol.reports import Accepted, Cancelled, Completed, Duplicate, Filled, Rejected, Replaced, Report
from bus.protocol.terms import BUY, CANCEL_NEWEST, CANCEL_OLDEST, SELL, TAKER
from bus.sockets.client import Client, PendingAnswer
from tests.conformance.market import PATIENCE_S, Market, Order

#: Generated quantities are sums of 1/128; this is finer.
_LOT: Final = Decimal("0.00000001")
_QUANTITY_MAX: Final = 1000
_PRICE_MAX: Final = 10_000

_SIDES: Final = {OrderSide.BUY: BUY, OrderSide.SELL: SELL}
#: Order type and time in force.
_INSTRUCTIONS: Final = {
    OrderType.LIMIT: ("limit", "GTC"),
    OrderType.MARKET: ("market", "IOC"),
    OrderType.IOC: ("limit", "IOC"),
    OrderType.FOK: ("limit", "FOK"),
}
#: What the suite calls a refusal that is not about an id.
_INVALID: Final = {
    "new": "INVALID_ORDER",
    "cancel": "INVALID_CANCEL",
    "reduce": "INVALID_ORDER",
    "replace": "INVALID_REPLACEMENT",
}

_NOBODY: Final = -1
_MATCHINGS: Final = {"fifo": "price-time", "pro_rata": "pro-rata"}
_SELF_TRADES: Final = {
    SelfTradePolicy.NONE: 0,
    SelfTradePolicy.CANCEL_RESTING: CANCEL_OLDEST,
    SelfTradePolicy.CANCEL_INCOMING: CANCEL_NEWEST,
}

_APPLIED: Final = Outcome("applied")
_NOT_ACTIVE: Final = "ORDER_NOT_ACTIVE"


class Account:
    """An account's client, and the reports of the command that it asks for next."""

    def __init__(self, name: str, port_base: int) -> None:
        self.client = Client(
            port_base=port_base,
            account=name,
            timeout=PATIENCE_S,
            on_reports=lambda told: self._reports.extend(told.reports),
        )
        self._reports: list[Report] = []

    def reports_of(self, pending: PendingAnswer) -> list[Report]:
        """Wait for a command's answer; it and what else its account was told of it (one envelope), in order."""
        answer = pending.result()
        found = [report for report in self._reports if report.sequence == answer.sequence]
        self._reports.clear()
        return found


class Adapter:
    """One trace. The methods are those of the package's `EngineAdapter`; `close` when it is over."""

    metadata = EngineMetadata("matchbus", version("matchbus"), "Python")

    def __init__(self, config: ConformanceConfig, port_base: int, token: str) -> None:
        self._places = config.quantity_decimal_places
        self._tick = Decimal(canonical_decimal(config.tick_size))
        self._matching = _MATCHINGS[config.matching_algorithm]
        self._self_trade = _SELF_TRADES[config.self_trade_policy]
        self._port_base = port_base
        self._markets: dict[str, Market] = {}
        self._accounts: dict[int, Account] = {}
        self._ids = 0
        self._stack = ExitStack()
        self._operator = self._stack.enter_context(
            Client(port_base=port_base, account="operator", role="operator", token=token, timeout=PATIENCE_S)
        )
        self._name = f"T{self._operator.session}"

    def apply(self, event: MarketEvent, index: int) -> Observation:
        """Carry one event of the trace out."""
        if event.op == "new":
            outcome, trades = self._new(event)
        elif event.op == "clear":
            outcome, trades = self._clear(event), []
        else:
            outcome, trades = self._change(event)
        state = BookState(tuple(market.state(self._places) for market in self._sorted_markets()))
        return Observation(index, outcome, tuple(trades), state.digest(), state.order_count)

    def snapshot(self) -> BookState:
        """All books as the engine has them now."""
        return BookState(tuple(market.state_of_engine(self._places) for market in self._sorted_markets()))

    def close(self) -> None:
        """End all sessions in good order."""
        self._stack.close()

    # The events of a trace.

    def _new(self, event: MarketEvent) -> tuple[Outcome, list[TradeFill]]:
        assert event.side is not None
        assert event.order_id is not None
        market = self._market(event.symbol)
        active = market.active(event.order_id)
        if active is not None:
            order = Order(event.order_id, active.owner, active.client_order_id, _SIDES[event.side])
        else:
            order = self._next_generation(market, event.order_id, event.owner, _SIDES[event.side])
        price = None if event.order_type is OrderType.MARKET else self._price(event.price)
        reports = self._enter(market, order, event.order_type, _exact(event.quantity), price)
        return self._told(market, reports, order, event.op)

    def _change(self, event: MarketEvent) -> tuple[Outcome, list[TradeFill]]:
        """Cancel, reduce or replace. An order that does not rest is asked for all the same: the engine refuses."""
        assert event.order_id is not None
        market = self._markets.get(event.symbol)
        order = market.known.get(event.order_id) if market is not None else None
        if market is None or order is None:
            account = self._account(event.owner)
            reports = account.reports_of(account.client.cancel(f"none-{event.order_id}"))
            return _refusal(reports[0], event.op) or _APPLIED, []
        account = self._account(order.owner)
        if event.op == "cancel" or not order.public_id:
            reports = account.reports_of(account.client.cancel(order.client_order_id))
        elif event.op == "reduce":
            lots = market.scale.quantity_lots(_exact(event.quantity))
            left = market.resting_lots(order)[1]
            if lots > left:
                return Outcome("rejected", _INVALID[event.op]), []
            if lots == left:
                reports = account.reports_of(account.client.cancel(order.client_order_id))
            else:
                reports = self._replace(market, order, None, order.quantity_lots - lots)
        else:
            return self._replace_behind(market, order, event)
        return self._told(market, reports, order, event.op)

    def _replace_behind(
        self, market: Market, order: Order, event: MarketEvent
    ) -> tuple[Outcome, list[TradeFill]]:
        """Give a resting order a new price and what shall be left of it, and the last place of its level."""
        price_ticks, left = market.resting_lots(order)
        price = market.scale.price(price_ticks) if event.price is None else self._price(event.price)
        lots = left if event.quantity is None else market.scale.quantity_lots(_exact(event.quantity))
        if price <= 0 or lots <= 0:
            return Outcome("rejected", _INVALID[event.op]), []
        if price != market.scale.price(price_ticks) or lots > left:
            reports = self._replace(market, order, price, order.quantity_lots - left + lots)
            return self._told(market, reports, order, event.op)
        account = self._account(order.owner)
        reports = account.reports_of(account.client.cancel(order.client_order_id))
        assert isinstance(reports[0], Cancelled), f"a resting order was not cancelled: {reports[0]}"
        self._settle(market, reports, order)
        again = self._next_generation(market, order.source_id, order.owner, order.side)
        reports = self._enter(market, again, OrderType.LIMIT, market.scale.quantity(lots), price)
        return self._told(market, reports, again, event.op)

    def _clear(self, event: MarketEvent) -> Outcome:
        market = self._market(event.symbol)
        for account in self._accounts.values():
            reports = account.reports_of(account.client.mass_cancel(market.traded_as))
            assert isinstance(reports[-1], Completed), f"a mass cancel was refused: {reports}"
            self._settle(market, reports, None)
        return _APPLIED

    # What the engine is told.

    def _market(self, symbol: str) -> Market:
        """A market of the trace; a new one is defined first."""
        market = self._markets.get(symbol)
        if market is None:
            traded_as = f"{self._name}-{len(self._markets)}"
            answer = self._operator.define_instrument(
                traded_as,
                "BASE",
                "QUOTE",
                tick=self._tick,
                lot=_LOT,
                price_min=self._tick,
                price_max=_PRICE_MAX,
                quantity_min=_LOT,
                quantity_max=_QUANTITY_MAX,
                matching=self._matching,
            ).result()
            assert isinstance(answer, Completed), f"no instrument: {answer}"
            market = Market(symbol, traded_as, self._operator.scale(traded_as), self._port_base)
            self._markets[symbol] = self._stack.enter_context(market)
        return market

    def _account(self, owner: int) -> Account:
        account = self._accounts.get(owner)
        if account is None:
            account = Account(f"{self._name}.owner.{owner}", self._port_base)
            self._stack.enter_context(account.client)
            self._accounts[owner] = account
        return account

    def _enter(
        self, market: Market, order: Order, instruction: OrderType, quantity: Decimal, price: Decimal | None
    ) -> list[Report]:
        account = self._account(order.owner)
        order_type, time_in_force = _INSTRUCTIONS[instruction]
        return account.reports_of(
            account.client.enter(
                market.traded_as,
                order.side,
                quantity,
                price,
                order_type=order_type,
                time_in_force=time_in_force,
                client_order_id=order.client_order_id,
                self_trade=self._self_trade if order.owner != _NOBODY else 0,
            )
        )

    def _replace(self, market: Market, order: Order, price: Decimal | None, whole_lots: int) -> list[Report]:
        account = self._account(order.owner)
        quantity = market.scale.quantity(whole_lots)
        return account.reports_of(
            account.client.replace(
                order.client_order_id, price=price, quantity=quantity, symbol=market.traded_as
            )
        )

    # What the engine says.

    def _told(
        self, market: Market, reports: list[Report], order: Order, op: str
    ) -> tuple[Outcome, list[TradeFill]]:
        """An event's outcome and trades, from what was said of its command. An order that was taken is known now."""
        refusal = _refusal(reports[0], op)
        if refusal is not None:
            return refusal, []
        market.known[order.source_id] = order
        return _APPLIED, self._settle(market, reports, order)

    def _settle(self, market: Market, reports: list[Report], order: Order | None) -> list[TradeFill]:
        """Read the feed until everything is in it that the reports of one command speak of; the command's trades.

        On the feed of orders stand: each fill's maker, each order that was cancelled out of the book, a replaced order
        (smaller, or taken from its place), and the order itself when something of it comes to rest.
        """
        fills = [report for report in reports if isinstance(report, Filled) and report.liquidity == TAKER]
        incoming = 0
        left = 0
        count = len(fills)
        for report in reports:
            if isinstance(report, Accepted | Replaced):
                assert order is not None, f"nothing was entered: {report}"
                order.quantity_lots = report.quantity_lots
                if isinstance(report, Accepted):
                    incoming, left = report.order_id, report.quantity_lots
                else:
                    count += 1
                    if not report.kept_priority:
                        incoming, left = report.order_id, report.leaves_lots
            elif isinstance(report, Cancelled):
                if report.order_id == incoming:
                    left -= report.quantity_lots
                else:
                    count += 1
        left -= sum(fill.quantity_lots for fill in fills)
        assert left >= 0, f"more was filled and cancelled than there was: {reports}"
        count += bool(left)
        executions = market.follow(count, reports[0].sequence, order)
        assert [(fill.trade_id, fill.quantity_lots) for fill in fills] == [
            (trade_id, quantity_lots) for trade_id, quantity_lots, _ in executions
        ], f"reports and feed tell of different trades: {reports}"
        return [
            self._trade(market, fill, order, maker)
            for fill, (_, _, maker) in zip(fills, executions, strict=True)
            if order is not None
        ]

    def _trade(self, market: Market, fill: Filled, taker: Order, maker: Order) -> TradeFill:
        buyer, seller = (taker, maker) if fill.side == BUY else (maker, taker)
        return TradeFill(
            symbol=market.symbol,
            buy_order_id=buyer.source_id,
            sell_order_id=seller.source_id,
            price=canonical_decimal(market.scale.price(fill.price_ticks)),
            quantity=canonical_decimal(market.scale.quantity(fill.quantity_lots), self._places),
        )

    # Words.

    def _sorted_markets(self) -> list[Market]:
        return [self._markets[symbol] for symbol in sorted(self._markets)]

    def _next_generation(self, market: Market, source_id: int, owner: int, side: int) -> Order:
        """An order under an id of the trace that is free, with a client order id that never was."""
        self._ids += 1
        return Order(source_id, owner, f"{market.traded_as}-{source_id}-{self._ids}", side)

    def _price(self, price: Any) -> Decimal:
        ticks = (_exact(price) / self._tick).to_integral_value(ROUND_HALF_EVEN)
        return ticks * self._tick


def _exact(number: float | None) -> Decimal:
    """A number of the suite, as the shortest decimal that means it (it writes them so)."""
    assert number is not None
    return Decimal(repr(number))


def _refusal(answer: Report, op: str) -> Outcome | None:
    """What the suite calls this answer, None when the engine carried the event out."""
    if isinstance(answer, Duplicate):
        return Outcome("rejected", "DUPLICATE_ORDER_ID")
    if not isinstance(answer, Rejected):
        return None
    message = reasons.reason_name(answer.reason)
    if answer.reason == reasons.ID_TAKEN:
        return Outcome("rejected", "DUPLICATE_ORDER_ID", message)
    if answer.reason in (reasons.UNKNOWN_ORDER, reasons.ORDER_ENDED):
        return Outcome("rejected", _NOT_ACTIVE, message)
    return Outcome("rejected", _INVALID[op], message)


def main() -> int:
    """Serve one trace; the status of the process."""
    port_base, data_dir = int(sys.argv[1]), sys.argv[2]
    return serve_stdio(lambda config: Adapter(config, port_base, read_token(data_dir)))


if __name__ == "__main__":
    sys.exit(main())
