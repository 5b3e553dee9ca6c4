"""Recorded order flow, sent through the real door of a running engine and compared with what really happened.

    file ──source──▶ lines ──bitstamp | csv_flow──▶ steps ──batches──▶ messages ──replayer──▶ engine
                                  ▲                   │                                         │
                                  └─── reports ───────┼─────────────────────────────────────────┤
                                                      └──▶ comparison: trades, top ◀── feed ────┘

- `flow`: the one interface of a format: steps out, reports in
- `source`: lines of a plain, gzip or xz file
- `scale`: decimal texts to ticks and lots, exactly
- `bitstamp`, `csv_flow`: the formats
- `batches`: steps to messages of commands; it asks for an answer only where the flow needs one
- `comparison`: the trades and the tops of the book, as recorded and as the public feed has them
- `connection`: one session and one subscription, `continuity`: whether the feed is complete
- `replayer`: a whole replay; `command`: the verb `matchbus replay`
- `interruptions`: what price bands would have made of a recorded day
"""
