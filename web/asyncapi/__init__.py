"""AsyncAPI of what is said over WebSocket and over ZeroMQ, made of its Structs, so that they cannot differ.

- `document`: the whole, in AsyncAPI 3.0
- `websocket`: channels of the web's sockets; `zeromq`: channels of all others, by socket and topic
- `parts`: what each of these gives
- `schemas`: Structs as AsyncAPI has them

`web.rest.documents` serves it.
"""
