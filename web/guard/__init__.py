"""Who may: before a handler runs, whoever calls has been found to be somebody who may do this, now.

- `principal`: somebody who may do something
- `guard`: the one question that `web.handling` asks
"""
