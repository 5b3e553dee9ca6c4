"""`matchbus risk`: what accounts hold, which of them are the worst, and what a move of prices would do to them.

- `command`: the verb
- `moves`: what was said of moves, and of what is weighed together
- `figures`: answers of the history as decimals
- `table`: how they look
"""
