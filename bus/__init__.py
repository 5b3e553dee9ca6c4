"""The bus carries and remembers, and has no opinions.

`protocol/` says what can be said, `journal/` remembers it, `sockets/` lets it travel, `metrics/` tells how a
process is, `database/` is where readers keep what they read, `calendar/` knows what clocks show. Beside them stand the
single nouns: `config` and `addresses` (what was set), `config_loading` (how it is read), `errors` (what can fail).

Imports: nothing of `matcher`, `publisher`, `web` or `tools`. Everybody may import the bus.
"""
