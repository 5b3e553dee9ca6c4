"""The edge: what is refused before it is a request, and who may be connected.

    accepted ─▶ a head is read ─▶ a body is read ─▶ web.handling ─▶ the answer is written ─▶ a head is read ...

- `listening`: sockets that have the address, for one process or for several; `tls`: the certificate
- `stream`: a connection that says in the one JSON shape why it is ended, and is read to the end afterwards
- `reading`: bodies beyond the limit are thrown away and refused
- `proxies`: from where a request comes
- `connections`: how many may be connected, and who has to go when it are too many
- `problems`: the one JSON shape, and the headers of everything that is said
- `heads`: heads of answers, made in one go

Called by `web.server`. Tornado reads HTTP; what is here stands between its sockets and its parser.
"""
