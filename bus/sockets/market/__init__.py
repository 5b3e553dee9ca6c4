"""Reading the publishers' market data: their streams without gaps, and answers to questions.

- `market_reader`, `async_market_reader`: the streams of one or several publishers; two shells around `stream_core`
- `market_client`, `async_market_client`: questions, asked of the next publisher when one does not answer
- `depth_reader`: a book kept from the depth streams, and proved by checksums
- `stream_core`: all topics of a reader without I/O; frames and times in, items and requests out
- `chain`: one chained stream: in order, and what is missing
- `healing`: what is asked until nothing is missing any more
- `latest`: the newest of a stream whose frames are whole; alerts
- `comparison`: whether the publishers say the same
- `roster`: which publishers are there
- `event_decoding`: a frame's events, those of later versions included
- `giving`: what waits for the user, and how far it was given
- `stream_items`: what a reader gets
- `questions`: what can be asked, each with the kind of its answer
- `asking`: what was asked and not answered yet, without I/O
- `market_sockets`: where publishers are, SUB and DEALER
"""
