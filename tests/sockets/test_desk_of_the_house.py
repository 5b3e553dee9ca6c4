"""What the clients' newer faces say and hear, against a real engine: quotes, limits, trades that are taken back."""

import pytest

from bus.errors import OffLot
from bus.protocol import reasons
from bus.protocol.commands import DefineInstrument, SetLimits
from bus.protocol.reports import Accepted, Completed, Duplicate, Rejected, Replaced, TradeRevised
from bus.sockets.client import Client
from bus.sockets.session import orders
from bus.sockets.session.prices import Scale
from tests.support.real_engine import RealEngine

BTC = Scale(DefineInstrument("BTC-USD", "BTC", "USD", 1, 2, 1, 3, 1, 10**9, 1, 10**9))


def client(engine: RealEngine, account: str) -> Client:
    return Client(port_base=engine.port_base, account=account, timeout=30.0)


def operator(engine: RealEngine) -> Client:
    return Client(
        port_base=engine.port_base, account="operator", role="operator", token=engine.token, timeout=30.0
    )


def test_a_quote_is_answered_by_what_became_of_it_not_by_what_it_ended(engine: RealEngine) -> None:
    with client(engine, "quoting") as maker:
        first = maker.quote("ETH-USD", "buy", "2", "9", request_id="q1").result()
        assert isinstance(first, Accepted)
        smaller = maker.quote("ETH-USD", "buy", "1", "9").result()
        assert isinstance(smaller, Replaced)
        assert (smaller.order_id, smaller.kept_priority) == (first.order_id, True)
        moved = maker.quote("ETH-USD", "buy", "2", "8.5").result()
        assert isinstance(moved, Accepted)
        assert moved.price_ticks == 850
        assert isinstance(maker.quote("ETH-USD", "buy", "2", "9", request_id="q1").result(), Duplicate)
        ended = maker.quote("ETH-USD", "buy", 0).result()
        assert isinstance(ended, Completed)
        assert ended.count == 1
        assert maker.open_orders().orders == []


def test_an_operator_limits_an_account_and_takes_a_trade_back(engine: RealEngine) -> None:
    with operator(engine) as house, client(engine, "seller") as seller, client(engine, "buyer") as buyer:
        assert isinstance(house.set_limits("buyer", "BTC-USD", order_notional="50").result(), Completed)
        assert isinstance(house.set_limits("buyer", open_orders=2).result(), Completed)
        seller.enter("BTC-USD", "sell", "0.5", "100").result()
        too_much = buyer.enter("BTC-USD", "buy", "0.501", "100").result()
        assert isinstance(too_much, Rejected)
        assert too_much.reason == reasons.ORDER_NOTIONAL_LIMIT
        buyer.enter("BTC-USD", "buy", "0.5", "100").result()
        assert isinstance(house.correct_trade("BTC-USD", 1, "99.5").result(), Completed)
        assert isinstance(house.bust_trade("BTC-USD", 1).result(), Completed)
        again = house.bust_trade("BTC-USD", 1).result()
        assert isinstance(again, Rejected)
        assert again.reason == reasons.TRADE_BUSTED
        revisions = (one for one in seller.reports() if isinstance(one, TradeRevised))
        told = [next(revisions), next(revisions)]
        assert [(one.price_ticks, one.previous_price_ticks) for one in told] == [(9950, 10_000), (0, 9950)]


def test_a_notional_becomes_ticks_times_lots_rounded_down_and_never_to_nothing() -> None:
    assert BTC.notional("50") == 5_000_000
    assert BTC.notional("50.000019") == 5_000_001
    assert BTC.notional(0) == 0
    with pytest.raises(ValueError, match="less than a tick times a lot"):
        BTC.notional("0.000001")
    with pytest.raises(TypeError, match="not float"):
        BTC.notional(0.5)  # type: ignore[arg-type]


def test_limits_of_all_instruments_are_in_lots_and_in_ticks_times_lots() -> None:
    assert orders.set_limits(None, "anna", "50", 7000, 3) == SetLimits("anna", "", 50, 7000, 3)
    assert orders.set_limits(BTC, "anna", "0.05", "0.07", 3) == SetLimits("anna", "BTC-USD", 50, 7000, 3)
    with pytest.raises(ValueError, match=r"1\.5 is no quantity: it is a whole number"):
        orders.set_limits(None, "anna", "1.5", 0, 0)
    with pytest.raises(OffLot):
        orders.set_limits(BTC, "anna", "0.0005", 0, 0)
