"""How it travels: the sockets of the engine, and of those who talk to it.

The engine's side:

- `router`: a ROUTER that is drained in one go, and never sleeps while a message waits
- `gateway`: who may say what on the orders socket; collects a drain's commands for the sequencer
- `outbound`: what waits until its batch is durable, and leaves in order
- `publication`: outputs of the core into envelopes and frames, and the rings to replay them from
- `recovery`: answers of the recovery socket
- `schedules`: of trading hours, what both of them say
- `rings`: the last frames of a stream

The clients' side:

- `client`, `async_client`: a session, for people who write programs; two shells around `session/`
- `subscriber`, `async_subscriber`: the feed and the drop-copy without gaps; two shells around `reading/`
- `market/`: the publishers' streams without gaps, and answers to questions; readers and clients of market data
- `book_reader`: a book rebuilt from the feed, and proved by checksums
"""
