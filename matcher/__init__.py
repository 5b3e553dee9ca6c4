"""The matcher has all the opinions and touches nothing.

`book/` knows who trades with whom, `gate/` what may not pass, `ledger/` who owns what. What acts across the three:

- `engine`: the log's commands and records, in its order; what the node calls
- `trading`: the handlers of orders; they stand on `following` (what comes after a command), `pegging` and `linking`
  (what pegged and linked orders do then),
  `matching` (what a book does) and `reporting` (what is said of it)
- `state`, `state_codec`: all that the log has made, and its bytes
- `relinking`: the links and pegs of a state that was read
- `outputs`, `views`: what has happened, and how things stand, as the world is shown it
- `instruments`: an instrument, its book and its numbers

It is a function of its log: commands in, events out, as values (I1, I2). Imports: of the project only `bus.protocol`.
No clock, random, float, file, socket, logging or environment.
"""
