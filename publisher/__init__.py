"""The publisher: a reader at the public window, which makes market data of the feed. It never imports matcher or web.

    feed ─▶ feed_reader ─▶ desk (one a symbol): alignment ─▶ market ─▶ streams ─▶ sockets (XPUB)
                                                               └─▶ store ─▶ restoring, at the next start

What a symbol's market is made of:

- `alignment`: its events in the order of the log, complete up to a moment
- `book`, `trades`, `candles/`, `statistics/`, `symbols`: what is known of it
- `indicators/`, `alerts/`: what is asked of that
- `market`: all of it together, and what is said when; `conflation`: the book, once a period
- `events`, `streams`: said how
- `rounding`: the ways to round that are written down

What makes a process of it:

- `service`: the loop; `feed_reader`, `sockets`, `peer_reader`: what it reads and where it speaks
- `counter`, `answers`, `pages`: where it is asked, what it answers, encoded once
- `store/`, `restoring`: what it remembers, and how it goes on; `lineage`: whether the log is still the same
- `metrics`: what it tells a monitoring system
- `share`, `peers`: several publishers: who carries what, and that they say the same
- `oversight/`: the reader that may see owners
"""
