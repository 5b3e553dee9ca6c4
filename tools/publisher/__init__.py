"""The publisher of market data, from the command line: `matchbus publisher`.

- `commands`: the verbs
- `serving`: one publisher as a process: store, service and loop are wired here
"""
