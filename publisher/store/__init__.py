"""What the publisher remembers on disk, in SQLite or PostgreSQL: trades, closed candles, corrections, alerts, symbols.

`rows` has the values, `tables` the tables; `bus/database` finds or makes the database. `writing` is one transaction,
`bulk` its fast inserts, `reading` the questions. `store` puts these together, `writer` is the thread that writes,
`retention` forgets, `adjustment` is the operator's hand. `past` names events by their numbers, and `withdrawal` takes
back what an engine lost.

What the rows contain of a symbol stands in `progress`, which is written in the same transaction: so a crash loses and
doubles nothing, and whoever starts again follows the feed from there. The rows are a function of the log. Several
publishers may write the same symbols into one database, and none of them writes what another one did not.
"""
