"""A request that an account made under an id of its own, remembered so that sending it again is safe (I6)."""

from mypy_extensions import mypyc_attr

from bus.protocol.commands import EnterOrder, Quote, ReplaceOrder, Transfer

#: A command that takes an id of the account's.
Remembered = EnterOrder | ReplaceOrder | Quote | Transfer


@mypyc_attr(acyclic=True)
class Request:
    """What every remembered request has. An accepted order is one too: `matcher.book.level.Order`.

    `sequence` is the log sequence at which it was executed; for an order that is its order id. `ended_ns` is the
    engine time of its end, 0 while it lives. `reason` is 0 when it was taken, else why it was refused.
    """

    __slots__ = ("created_ns", "ended_ns", "reason", "request_id", "sequence")

    def __init__(self, request_id: str, sequence: int, created_ns: int, reason: int) -> None:
        self.request_id = request_id
        self.sequence = sequence
        self.created_ns = created_ns
        self.ended_ns = 0
        self.reason = reason


@mypyc_attr(acyclic=True)
class PlainRequest(Request):
    """A request that is no order: a replace, a transfer, a quote that made none, what was refused. Its command is kept.

    `target`: for a replace or a quote that was taken, the order that it changed.
    """

    __slots__ = ("command", "target")

    def __init__(
        self,
        request_id: str,
        command: Remembered,
        sequence: int,
        created_ns: int,
        reason: int,
        target: Request | None,
    ) -> None:
        self.request_id = request_id
        self.command = command
        self.sequence = sequence
        self.created_ns = created_ns
        self.ended_ns = 0
        self.reason = reason
        self.target = target
