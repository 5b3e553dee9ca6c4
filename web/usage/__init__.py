"""Who asks for what, and how long it takes: counted by the minute, kept for a while, added up over all instances.

    a request ends ─▶ minute (in memory, bounded) ─▶ every 2 s, off the loop ─▶ store ─▶ report ─▶ `matchbus usage`

- `minute`: what was asked of one instance within a minute
- `durations`: how long something took, in buckets from which percentiles are read
- `wanted`: which market data a request or a subscription is about
- `store`: minutes of all instances in a database
- `report`: the answer to a question about them
- `recorder`: counts, and brings what was counted to the store

The rule guarded here: whatever callers send, a minute has at most so many rows; secrets and addresses are in none.
"""
