"""`matchbus usage`: who uses the web's API for what, and how long that takes.

- `command`: the verb
- `tables`: how the answer looks on a terminal
"""
