"""From where a request comes when a proxy stands before the web: what it says counts only when it is trusted.

    client 203.0.113.9 ─▶ proxy 10.0.0.2 ─▶ proxy 127.0.0.1 ─▶ web
                            X-Forwarded-For: 203.0.113.9, 10.0.0.2

Each proxy adds whom it was asked by at the end; what stands before that anybody may have written. So it is read from
the end, as long as the one that has written it is trusted. Tornado's own `xheaders` believes whoever connects, and
X-Real-IP before all. Called by `web.edge.reading`.
"""

from typing import Final

from web.guard.networks import Networks, address_of

FORWARDED_FOR: Final = "X-Forwarded-For"


def sender(trusted: Networks, peer: str, forwarded_for: str) -> str:
    """The address of the last one that is not trusted. `peer`: who connected; `forwarded_for`: the header, or ""."""
    found = peer
    for text in reversed(forwarded_for.split(",")):
        if found not in trusted:
            return found
        address = address_of(text.strip())
        if address is None:
            return found  # a proxy that says something else is as far as anybody knows
        found = str(address)
    return found
