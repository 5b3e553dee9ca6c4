"""Alerts: somebody wants to be told when a price, a move, a volume or a spread reaches a threshold.

`definition` is what can be asked for, `alert` is one alert with its state, `readings` are the values that alerts look
at, `symbol_alerts` has all alerts of one symbol.
"""
