"""What people are told of open orders."""

from rich.console import Console

from bus.protocol.commands import EnterOrder
from bus.protocol.control import OpenOrder
from bus.protocol.terms import BUY, RESTING, SELL, STOP, TRAILING_STOP, WAITING
from bus.sockets.session.prices import Scale
from tests.support.markets import btc
from tools.order.words import open_orders_table


def test_an_order_that_waits_says_so_and_for_which_price() -> None:
    resting = EnterOrder("o1", "BTC-USD", BUY, 5000, 300)
    stop = EnterOrder("o2", "BTC-USD", BUY, 5000, 0, STOP, trigger_price_ticks=310)
    trail = EnterOrder("o3", "BTC-USD", SELL, 5000, 0, TRAILING_STOP, trail_ticks=7)
    orders = [
        OpenOrder(1, resting, 300, 5000, 0, RESTING, 0),
        OpenOrder(2, stop, 0, 5000, 0, WAITING, 310),
        OpenOrder(3, trail, 0, 5000, 0, WAITING, 293),
        OpenOrder(4, trail, 0, 5000, 0, WAITING, 0),
    ]
    console = Console(width=200)
    with console.capture() as shown:
        console.print(open_orders_table("anna", orders, {"BTC-USD": Scale(btc())}))
    lines = [line for line in shown.get().splitlines() if "BTC-USD" in line]
    for words, line in zip(("GTC", "3.10", "2.93", "waiting"), lines, strict=True):
        assert words in line
    assert ["waiting" in line for line in lines] == [False, True, True, True]
    assert "stop GTC trigger 3.10 waiting for 3.10" in lines[1]
    assert "trailing-stop GTC trail 0.07 waiting for 2.93" in lines[2]
    assert "waiting for" not in lines[3]
