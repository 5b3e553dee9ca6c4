"""Orders from the command line: `matchbus order enter`, `cancel`, `replace`, `mass-cancel`, `list`, `fills`.

- `commands`: the verbs; each opens a session, does one thing and logs out
- `words`: reports and open orders for people
"""
