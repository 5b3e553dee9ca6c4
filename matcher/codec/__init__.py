"""The state as bytes and back: what a checkpoint holds, and what digests are taken of.

- `state_codec`: all of it
- `accounts_codec`, `trades_codec`, `risk_codec`: rows of its parts; those of fees are in `ledger/fees/`
"""
