"""A simple client over REST, with the standard library: look at the book, enter an order, ask for it, cancel it.

    matchbus up --demo                                                in another terminal; prints where the keys are
    python docs/examples/client_web.py 127.0.0.1:3030 DATA/demo-keys.json BTC-USD 0.5 1000

The words are the web's address, a file of keys of which the first is used, a symbol, a quantity and a price to buy at.
"""

import hashlib
import hmac
import http.client
import json
import sys
import time
from pathlib import Path

address, keys, symbol, quantity, price = sys.argv[1:] if len(sys.argv) == 6 else sys.exit(__doc__)
key = json.loads(Path(keys).read_text())[0]
connection = http.client.HTTPConnection(address, timeout=10)


def send(method: str, path: str, body: object = None) -> dict:
    """A request, signed over timestamp + method + path with query + body."""
    content = b"" if body is None else json.dumps(body).encode()
    timestamp = str(time.time_ns() // 1_000_000)
    signed = f"{timestamp}{method}{path}".encode() + content
    signature = hmac.new(key["secret"].encode(), signed, hashlib.sha256).hexdigest()
    headers = {"X-API-Key": key["key"], "X-Timestamp": timestamp, "X-Signature": signature}
    connection.request(method, path, content or None, headers | {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = json.loads(answer.read())
    if answer.status != 200:
        sys.exit(f"{method} {path}: {answer.status} {said['reason']}: {said['message']}")
    return said


book = send("GET", f"/api/v1/orderbook/{symbol}?depth=1")
print("best:", book["bids"], book["asks"])
entered = send(
    "POST",
    "/v1/order",
    {"symbol": symbol, "side": "buy", "type": "limit", "quantity": quantity, "price": price},
)
print("entered:", entered["order_id"], entered["status"], "at sequence", entered["sequence"])
# `at_least`: the answer waits until what was just done is in it.
order = send("GET", f"/v1/order?order_id={entered['order_id']}&at_least={entered['sequence']}")
print("asked:", order["status"], order["remaining_quantity"], "left")
if order["status"] == "open":
    cancelled = send("POST", "/v1/order/cancel", {"symbol": symbol, "order_id": entered["order_id"]})
    print("cancelled:", cancelled["status"], "at sequence", cancelled["sequence"])
