"""The feed, looked at: `matchbus tap`.

- `command`: the verb: which topics, and until when
- `stream`: every event as it comes, a line each, for people or as JSON
- `lines`: an event as a line for people
- `live_book`: one symbol's book on the terminal, drawn anew as it changes
- `ladder`: how that book looks; pure
"""
