"""What `matchbus bench web` runs: a real web beside a real engine, and programs that use it as strangers do.

    load ─16 connections─▶ web ─▶ engine          orders, `sync = os` and `disk`
                        └▶ bare                   the yardstick: parses JSON, and answers some
    entry_load ─one WebSocket─▶ web ─▶ engine     entry
    readers_load ◀═1,000 WebSockets══ web ◀══ publisher ◀══ engine      readers

- `orders`, `entry`, `readers`: a measurement each
- `load`: requests over keep-alive connections; `bare`: a Tornado handler that does nothing else
- `entry_load`: orders over one WebSocket; `readers_load`: many readers of one book; `websocket`: their sockets
- `venue`: the processes of a measurement, and a key for it
"""
