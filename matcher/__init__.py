"""The matcher has all the opinions and touches nothing.

`book/` knows who trades with whom, `gate/` what may not pass, `ledger/` who owns what; `engine` is the only
file that acts across all three. It is a function of its log: commands in, events out, as values (I1, I2).

Imports: of the project only `bus.protocol`. No clock, random, float, file, socket, logging or environment.
"""
