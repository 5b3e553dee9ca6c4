"""Who trades with whom: price levels in price order, orders in time order within a level.

- `level`: an order and the level it rests in
- `side`: the levels of one side, best first
- `shares`: how the orders of a level share what comes in, where that is pro-rata
- `triggers`: who waits for a trigger, and whom a trade elects; `trails`: the trailing stops among them
- `links`: who waits for the fill of another order; `groups`: orders of which one cancels the others
- `pegs`: orders whose price follows another, and where they are to stand
- `trades`: the trades of the day
- `equilibrium`: the price of an auction; `crossing`: where its sides cross, kept at hand while orders come and go
- `stage`: what is known of the end of a phase; `protection`: price bands
- `book`: both sides, and what can be asked of them
"""
