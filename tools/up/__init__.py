"""The whole exchange on this machine: `matchbus up`.

- `command`: the verb; `parts`: the list of the processes that make an exchange
- `child`: a process that this one started: its ready line, its error lines, its end
- `demo_keys`: API keys for whoever looks at the demo
- `ports`: where they listen when no port base is named
- `bound`: how such a process ends with the one that started it, also when that one is killed
"""
