"""Who owns what: accounts, the orders they have open, and the requests they have made.

- `request`: something an account asked for under an id of its own
- `limits`: what an operator lets an account do
- `risk/`: what an account has at stake, and may have
- `account`: an account
- `money/`: what accounts have, and how it moves; `products/`: what orders and fills mean in money
- `fees/`: what trading costs
"""
