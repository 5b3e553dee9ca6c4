"""What is said: every message that crosses a socket or enters the log, defined once.

- `terms`: the numbers behind the words (sides, order types, times in force, statuses), with their names
- `reasons`: why something was refused or ended, in bands by stage
- `commands`: what clients ask the market to do; logged
- `control`: what clients and the engine say about their session; never logged
- `reports`: what the engine tells an account; numbered
- `order_life`: what reports make of an order's state
- `feed`: what the engine tells everybody; numbered
- `recovery`: how a reader asks again for what it missed
- `status`: how a process is
- `history`, `history_codec`: what the private history is asked, and answers
- `exposure`: what accounts hold, asked there as well; `valuing`: what that is worth
- `records`: what the engine itself writes into the log
- `topics`: the names of the feed's streams
- `codec`: bytes to messages and back, and the limits of a message

`docs/protocol.md` says the same in tables; a test holds the two together.
"""
