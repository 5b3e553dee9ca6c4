"""Alerts as they fire, each told to the connections of its account and to nobody else.

Publishers say an alert to everybody, under a sealed id: whose it is, is found out by trying the accounts that read
here, some microseconds each. The reader of the publishers says each alert once, however many of them it fired at.
"""

from typing import Final

import msgspec

from bus.protocol.market.streams import AlertFired
from bus.sockets.session.prices import Scale
from web import alerts
from web.alert_ids import AlertIds
from web.schemas.own import AlertTold
from web.stream.feed import Listener

#: Of who reads those of all symbols.
EVERY: Final = ""


class Alerts:
    """See above."""

    def __init__(self, ids: AlertIds) -> None:
        self._ids = ids
        #: By account: who reads, and those of which symbols.
        self._readers: dict[str, dict[Listener, set[str]]] = {}

    @property
    def are_read(self) -> bool:
        """Whether anybody reads any."""
        return bool(self._readers)

    def join(self, account: str, symbol: str, listener: Listener) -> None:
        """Read an account's alerts of a symbol, or of EVERY one. What has fired before is not told."""
        self._readers.setdefault(account, {}).setdefault(listener, set()).add(symbol)

    def leave(self, account: str, symbol: str, listener: Listener) -> None:
        """Read them no longer. Safe to call for who does not read."""
        readers = self._readers.get(account, {})
        symbols = readers.get(listener, set())
        symbols.discard(symbol)
        if not symbols:
            readers.pop(listener, None)
        if not readers:
            self._readers.pop(account, None)

    def take(self, scale: Scale, event: AlertFired) -> None:
        """One has fired. O(accounts that read)."""
        for account, readers in self._readers.items():
            name = self._ids.open(account, scale.symbol, event.alert_id)
            if name is None:
                continue
            said = alerts.alert_fired(scale, name, event)
            message = msgspec.json.encode(AlertTold(**msgspec.structs.asdict(said)))
            for listener, symbols in list(readers.items()):
                if EVERY in symbols or scale.symbol in symbols:
                    listener.tell(message)
            return
