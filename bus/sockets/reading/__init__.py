"""Reading the feed without gaps: what both subscribers stand on.

- `feed_core`: all topics of a reader without I/O; frames and times in, events and requests out
- `ordering`: one topic: in order, each number once, and what is missing
- `batch_numbers`: what a frame tells of the other topics of its symbol
- `asking`: whom a topic asks for what it misses, how long, and when it gives up
- `event_decoding`: a frame's events, those of later versions included
- `feed_items`: what a reader gets beside events: resyncs, skips, withdrawals
- `reader_sockets`: SUB and DEALERs
- `telling`: what a reader has read, event by event, and in books
- `reader_shell`: what both subscribers have in common
"""
