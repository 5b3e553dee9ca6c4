"""Who owns what: accounts, the orders they have open, and the requests they have made.

- `request`: something an account asked for under an id of its own
- `limits`: what an operator lets an account do
- `account`: an account; money joins it in a later part
- `fees/`: what trading costs; nobody is charged yet
"""
