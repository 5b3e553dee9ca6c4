"""Money: what accounts have, what of it backs their orders, and how it moves. In whole units of an asset.

- `balance`: what an account has of one asset
- `ledger`: all of it: assets, holds of orders, what a fill moves
- `checking`: that it adds up

Double entry: whatever leaves one account comes to another, so all accounts together have 0 of each asset. Deposits come
from `venue:external`, which is below 0 by what is at the venue; withdrawals go back there. Fills move through
`venue:settlement`, so that nobody is told with whom he traded; what comes in there leaves at once.

Who moves money is `matcher.transferring`, and `matcher.resting` for fills.
"""
