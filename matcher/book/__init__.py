"""Who trades with whom: price levels in price order, orders in time order within a level.

- `level`: an order and the level it rests in
- `side`: the levels of one side, best first
- `book`: both sides, and what can be asked of them
"""
