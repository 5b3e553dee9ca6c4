"""A simple client over ZeroMQ: look at the book, enter an order, see where it stands, cancel it.

    matchbus up --demo                                         in another terminal
    python docs/examples/client_zeromq.py BTC-USD 0.5 1000     a symbol, a quantity, a price to buy at

On loopback accounts are taken at their word. A fourth word is the port base of the exchange, if it is not 3000.
"""

import sys

from bus.protocol.reports import Accepted
from bus.sockets.client import Client

symbol, quantity, price = sys.argv[1:4] if len(sys.argv) >= 4 else sys.exit(__doc__)
port_base = int(sys.argv[4]) if len(sys.argv) > 4 else 3000

with Client(account="example", port_base=port_base) as client:
    order = client.enter(symbol, "buy", quantity, price)
    answer = order.result()
    print("answer:", answer)
    if isinstance(answer, Accepted):
        scale = client.scale(symbol)
        for standing in client.open_orders().orders:
            print(
                "open:",
                standing.order_id,
                scale.quantity(standing.quantity_lots - standing.filled_lots),
                "left",
            )
        print("cancel:", client.cancel(order).result())
    for report in client.reports(timeout=0):
        print("report:", type(report).__name__, "at sequence", report.sequence)
