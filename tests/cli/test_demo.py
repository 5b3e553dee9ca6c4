"""The demo's traders on a pure engine: the same seed gives the same market, and it is a sane one."""

from collections.abc import Sequence

import msgspec
import pytest

from bus.protocol import reasons
from bus.protocol.codec import encode
from bus.protocol.commands import DefineAsset, MassCancel, SetFees, SetFeeTiers, SetPhase, Transfer
from bus.protocol.records import EngineStarted, Rules, SessionOpened
from bus.protocol.reports import Rejected, Report
from bus.protocol.terms import (
    CLEARING_NONE,
    CLEARING_SPOT,
    CLOCK_SYSTEM,
    CLOSED,
    CLOSING_AUCTION,
    CONTINUOUS,
    EXTERNAL,
    HALTED,
    L2,
    OPERATOR,
    PRE_OPEN,
    TRADER,
    VOLATILITY_AUCTION,
)
from matcher.engine import Engine
from tools.demo.money import ASSETS, BOTS_HAVE, Purses, fees, units
from tools.demo.products import PRODUCTS
from tools.demo.traders import ACCOUNTS, MAKERS, Sent, Traders

_STEP_NS = 100_000_000
_decode = msgspec.msgpack.Decoder(Report).decode


class Market:
    """The traders and an engine, without anything between them."""

    def __init__(self, seed: int, clearing: int = CLEARING_NONE) -> None:
        self.engine = Engine()
        self.time_ns = 10**18
        self.sent: list[Sent] = []
        self.trades = 0
        rules = Rules(10**6, 10**6, 10**4, clearing=clearing)
        self.engine.apply_record(EngineStarted(1, 1, CLOCK_SYSTEM, rules), self.time_ns)
        for session, account in enumerate(("operator", *ACCOUNTS), 1):
            role = OPERATOR if session == 1 else TRADER
            self.engine.apply_record(SessionOpened(session, account, role, 10_000, True), self.time_ns)
        definitions = [product.definition for product in PRODUCTS]
        if clearing:
            self.operate([DefineAsset(asset, decimals) for asset, decimals in ASSETS.items()])
            self.give(
                [(account, asset, units(asset, BOTS_HAVE[asset])) for account in ACCOUNTS for asset in ASSETS]
            )
        self.engine.apply_message(1, 1, self.time_ns, definitions, self.time_ns)
        if clearing:
            self.operate(fees([product.definition.symbol for product in PRODUCTS]))
        self.engine.take_outputs()
        self.purses = Purses()
        self.deposits = 0
        self.rejected: list[int] = []
        self.traders = Traders(seed, "run", PRODUCTS, {})
        self.do(self.traders.opening())

    def operate(self, commands: Sequence[DefineAsset | SetFees | SetFeeTiers | Transfer]) -> None:
        """Commands of the operator."""
        self.engine.apply_message(1, 1, self.time_ns, commands, self.time_ns)

    def give(self, deposits: list[tuple[str, str, int]]) -> None:
        """Money from outside."""
        self.operate(
            [
                Transfer(f"{self.time_ns}-{number}", EXTERNAL, account, asset, amount)
                for number, (account, asset, amount) in enumerate(deposits)
            ]
        )

    def do(self, sent: list[Sent]) -> None:
        """Let the engine do what they ask for, and tell them."""
        self.sent += sent
        for account, command in sent:
            session = ACCOUNTS.index(account) + 2
            self.engine.apply_message(session, 1, self.time_ns, [command], self.time_ns)
        private, public = self.engine.take_outputs()
        for account, _, reports in private:
            for report in reports if account in ACCOUNTS else ():
                told = _decode(encode(report))
                self.traders.take_report(account, told)
                self.purses.take_report(account, told)
                if isinstance(told, Rejected):
                    self.rejected.append(told.reason)
        deposits = self.purses.take_deposits()
        self.deposits += len(deposits)
        self.give(deposits)
        self.trades += sum(len(events) for topic, _, events in public if topic.startswith("trade."))

    def run(self, steps: int) -> None:
        """So many tenths of a second."""
        for _ in range(steps):
            self.time_ns += _STEP_NS
            self.do(self.traders.step(4.0))

    @property
    def open_orders(self) -> int:
        """Of all accounts."""
        return sum(len(self.engine.open_orders(account)) for account in ACCOUNTS)


def test_the_same_seed_gives_the_same_market_and_another_one_another() -> None:
    first, second, other = Market(1), Market(1), Market(2)
    for market in (first, second, other):
        market.run(200)
    assert first.sent == second.sent
    assert first.engine.encode_state() == second.engine.encode_state()
    assert first.sent != other.sent


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_market_is_lively_deep_and_bounded(seed: int) -> None:
    market = Market(seed)
    for _ in range(20):
        market.run(50)
        assert market.open_orders <= market.traders.open_orders_max
        for product in PRODUCTS:
            symbol = product.definition.symbol
            _, _, bids, asks = market.engine.book(symbol, L2)
            assert len(bids) >= 5
            assert len(asks) >= 5
            mid = (bids[0][0] + asks[0][0]) / 2
            assert (asks[0][0] - bids[0][0]) / mid < 0.002, f"the spread of {symbol} is no market's"
    assert market.trades > 200
    assert len(market.sent) / 100 > 20, "tens of commands a second"


def test_where_the_venue_clears_the_bots_never_run_out_of_money() -> None:
    market = Market(1, CLEARING_SPOT)
    market.run(100)
    # So that they run low soon: what a taker has but a last rest is taken from it.
    taken = [
        Transfer(f"drain-{asset}", "bot-taker-1", EXTERNAL, asset, units(asset, BOTS_HAVE[asset]) * 8 // 10)
        for asset in ("USD", "BTC")
    ]
    market.operate(taken)
    market.run(600)
    assert market.deposits >= 2
    assert not {reasons.INSUFFICIENT_FUNDS, reasons.LIMIT_NEEDED, reasons.UNKNOWN_ASSET} & set(
        market.rejected
    )
    assert market.trades > 200
    earned = {asset: total for asset, _, total, _ in market.engine.balances("venue:fees")}
    assert {asset for asset, total in earned.items() if total > 0} == {"USD", "BTC"}
    market.engine.state.check()


@pytest.mark.parametrize("phase", [HALTED, CLOSED, PRE_OPEN, VOLATILITY_AUCTION, CLOSING_AUCTION])
def test_a_halt_or_an_auction_is_survived(phase: int) -> None:
    """What is refused meanwhile is tried again; a minute later the market is as deep as it was, and trades."""
    market = Market(1)
    market.run(50)
    symbol = PRODUCTS[0].definition.symbol
    for now, steps in ((phase, 100), (CONTINUOUS, 600)):
        market.engine.apply_message(1, 1, market.time_ns, [SetPhase(symbol, now)], market.time_ns)
        market.do([])
        before = market.engine.rejected_count()
        market.run(steps)
        assert market.open_orders <= market.traders.open_orders_max
        if now == phase:
            assert market.engine.rejected_count() > before + 20
    trades = market.engine.state.instruments[symbol].next_trade_id
    market.run(300)
    assert market.engine.state.instruments[symbol].next_trade_id > trades
    _, _, bids, asks = market.engine.book(symbol, L2)
    assert len(bids) >= 5
    assert len(asks) >= 5
    assert bids[0][0] < asks[0][0]


def test_a_maker_that_lost_its_orders_puts_up_its_ladders_again() -> None:
    market = Market(1)
    market.run(20)
    lost = [row[1][1] for row in market.engine.open_orders(MAKERS[0])]
    # Its reports do not reach it.
    session = ACCOUNTS.index(MAKERS[0]) + 2
    market.engine.apply_message(session, 1, market.time_ns, [MassCancel()], market.time_ns)
    market.engine.take_outputs()
    assert market.engine.open_orders(MAKERS[0]) == []
    market.traders.forget(MAKERS[0])
    market.sent.clear()
    market.run(600)
    assert len(market.engine.open_orders(MAKERS[0])) > len(lost) // 2
    assert not [command for _, command in market.sent if getattr(command, "client_order_id", "") in lost]


def test_it_goes_on_where_the_last_price_was_and_not_where_somebody_put_it() -> None:
    fair = Traders(1, "run", PRODUCTS, {"BTC-USD": 64_500.0, "ETH-USD": 1.0})
    assert round(fair.worths.worth("BTC-USD")) == 64_500
    assert round(fair.worths.worth("ETH-USD")) == 2_480
