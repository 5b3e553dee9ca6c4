"""The log from the command line, read and never changed: `matchbus journal show`, `verify`, `digest`, `export`.

- `commands`: the verbs
- `entries`: batches of the log as the commands and records that they hold, each with its sequence
- `digests`: the log applied to a fresh engine, and what that engine then is

All of it may run beside the engine whose log it is: what is being written at the moment then looks like a torn tail.
"""
