"""The feed, or what publishers make of it, looked at: `matchbus tap`.

- `command`: the verb: which topics, and until when
- `stream`: every event as it comes, a line each, for people or as JSON
- `lines`: an event as a line for people
- `live_book`: one symbol's book on the terminal, drawn anew as it changes
- `market`: the publishers' streams: their names, where they are, the scales
- `market_stream`, `market_lines`: what publishers say, a line each
- `market_book`: a book as publishers say it
- `ladder`: how that book looks; pure
"""
