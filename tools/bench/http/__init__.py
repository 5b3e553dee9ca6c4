"""What `matchbus bench web` runs: a real web beside a real engine, and programs that use it as strangers do.

    load ─16 connections─▶ web ─▶ engine          orders, `sync = os` and `disk`
                        └▶ bare                   the yardstick: parses JSON, and answers some

- `orders`: a measurement
- `load`: requests over keep-alive connections; `bare`: a Tornado handler that does nothing else
- `venue`: engine and web of a measurement, and a key for it
"""
