"""The market data publisher: a reader at the public window. It comes in a later part; this room is empty.

It will rebuild the book from the numbered feed and publish what people want to see of it: depth, candles,
averages, statistics. It may import the bus, and never the matcher or the web.
"""
