"""The fuzzer: looks for poison, a command that breaks the engine. It knows no rule of the market.

- `command`: the verb
- `steps`: what a log is made of here, and how it is kept in a file
- `drawing`: a log drawn from a seed: likely commands, unlikely ones, and ones that nobody would send
- `trial`: an engine that is given a log, and everything that must hold whatever the log says
- `shrinking`: the shortest part of a log that still breaks it
"""
