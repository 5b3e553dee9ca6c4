"""Judging: what would be refused of a message, before anything of it is done.

- `options`: messages that are judged (all or nothing, validate only, with a deadline), and what becomes of them
- `overlay`: the traces that judged commands leave for those behind them: ids, orders, limits
- `overlay_money`, `overlay_market`: the same of money and holds, of instruments, phases and groups
"""
