"""WebSocket: what happens, told to many at once.

    publishers ══▶ hub ══▶ sources (a topic each) ══▶ feeds ══▶ clients (a connection each) ══▶ sockets
    engine ══▶ sessions ══▶ own (an account each) ══▶ readers ══▶ clients

- `channels`: what can be subscribed to
- `feed`: what readers of one channel of one symbol are told; a message is encoded once for all of them
- `books`, `trades`, `latest`: the sources of feeds, made of a publisher's topics; `statuses`: of what markets do
- `alerts`: of accounts, as they fire; `all_trades`: those of all symbols as one feed
- `hub`: the one reader of the publishers, and who wants to hear what
- `client`: one connection's way out: bounded, and conflated where the newest counts
- `own`: what each `account` is told of itself, by `readers` that miss nothing, in the words of `reporting`; and its
  `balances`
- `order_entry`: orders that come over a connection
- `frames`: many messages in one write
- `allowance`: how often somebody may do something
- `conversation`: what a client says, and what becomes of it
- `sockets`: the connections
"""
