"""The log from the command line: `matchbus journal show`, `verify`, `digest`, `export`, and `skip`.

- `commands`: the verbs
- `entries`: batches of the log as the commands and records that they hold, each with its sequence
- `skipping`: the operator's decision to pass over a command that breaks the engine
- `digests`: the log applied to a fresh engine, and what that engine then is

All but `skip` may run beside the engine whose log it is: what is being written at the moment then looks like a torn
tail.
"""
