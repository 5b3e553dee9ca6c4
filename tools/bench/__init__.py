"""How fast, how small, how fair: `matchbus bench ...`. Benchmarks are commands, never timed tests.

    commands ─┬─ wire ─────┬─ parts ──▶ processes of their own: engine (the real one), echo, reader, flood
              ├─ fairness ─┤
              ├─ shadow ───┤
              ├─ memory ───┴─ session: a tight client that measures the engine and not itself
              ├─ core, book: in this process, without sockets
              ├─ recovery, accounts ── rerun: the real recovery, in a fresh process
              ├─ publisher ── market: what stands beside a publisher
              └─ web ──────── http: what stands beside a web

- `flow`: the orders that are sent, made before the clock starts
- `figures`: percentiles, medians, rates, `machine`: what it ran on, `results`: how it is shown and kept
- `parts`: starts and ends the processes, `echo`, `reader`, `flood`, `snapshots`, `rerun`: what they run
- the others are a measurement each; `commands` has their verbs
"""
