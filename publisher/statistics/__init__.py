"""Statistics of a symbol: what its trades of the last 24 hours and of its trading day come to.

`seconds` keeps what was traded in each second, `rolling` has the window of 24 hours and the trading day, `values` is
what they say at a moment, `trailing` are shorter windows over the same seconds.
"""
