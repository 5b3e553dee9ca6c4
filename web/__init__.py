"""The web: REST, WebSocket and the trading page. It comes in a later part; this room is empty.

It will be the only place where JSON names live. It may import the bus, and never the matcher or the
publisher.
"""
