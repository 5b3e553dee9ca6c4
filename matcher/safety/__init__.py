"""What stops a price, an account or the whole market.

- `protecting`: price bands, as an operator sets them (what they do to an order is in `matcher.day.phasing`)
- `breakers`, `breaking`: the market-wide circuit breaker, and what a level of it does
- `emergency`: the stop of everything
- `stopping`: kill switches of accounts
- `limiting`, `traded`: limits of accounts, and what they have traded in a day
- `risking`, `group_risk`: what accounts, and groups of them, have at stake, and what comes of a limit of that
"""
