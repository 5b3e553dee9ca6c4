"""The matcher has all the opinions and touches nothing.

`book/` knows who trades with whom, `gate/` what may not pass, `ledger/` who owns what, `day/` which phase it is,
`safety/` what stops a price, an account or the market, `judging/` what a message would do, `codec/` how the state is
kept. What acts across them:

- `engine`: the log's commands and records, in its order; what the node calls
- the handlers, each file standing on the one below it:
  `trading` (enter, cancel, replace and their like), `requests` (ids: refused, remembered, answered again), `following`
  (what comes after a command: triggers), `pegging` and `linking` (what pegged and linked orders do then), `matching`
  (how an order meets the market), `day/phasing` and `day/uncrossing` (phases, bands, auctions), `resting` (how orders
  rest, shrink and end), `reporting` (what is said of it)
- `counting`: with what an open order counts where the risk of its account is limited
- `quoting`, `operating`, `grouping`: quotes, what only an operator may do, groups of accounts
- `timers`, `expiry`: what is due, and how it ends
- `state`: all that there is; `relinking`: what follows from its orders when they come back
- `outputs`, `views`: what has happened, and how things stand, as the world is shown it
- `instruments`: an instrument, its book and its numbers

It is a function of its log: commands in, events out, as values (I1, I2). Imports: of the project only `bus.protocol`.
No clock, random, float, file, socket, logging or environment.
"""
