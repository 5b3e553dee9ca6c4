"""Candles: what the trades of an interval of engine time come to.

`intervals` has the table of the intervals, `candle` is one candle, `ring` keeps the closed ones of one interval in
constant memory, `series` is all candles of one symbol.
"""
