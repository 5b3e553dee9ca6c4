"""What an account has at stake: its positions, what its open orders could make of them, and what that may be.

- `limits`: what an operator lets an account, or a group of accounts, have at stake
- `position`: what somebody has of one instrument, and has open there
- `risk`: all of it, of one account
- `group`: of all members of a group together

Whether an order keeps the limits is asked in `matcher.gate.risk`; who counts orders and fills is `matcher.resting`.
"""
