"""A client's session, from Hello to Logout: what both clients stand on.

- `client_core`: the session without I/O; bytes and times in, bytes and happenings out
- `unanswered`: the commands that wait for their answer, to be sent again after a reconnect
- `happenings`: what the core tells its owner
- `desk`: what a trader can ask for (enter, cancel, replace ...), in decimals; `operating`: what an operator can
- `answers`: what was asked, and what is awaited for it
- `prices`: decimals into ticks and lots, exactly, and back
- `orders`: an order as its owner sees it, and the answer that is still to come
- `report_queue`: reports until somebody reads them, bounded
- `dealer`: the socket
"""
