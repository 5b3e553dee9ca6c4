"""What the frames of a batch say of each other: a frame of one topic tells that another topic has lost one.

No I/O. Each frame of a symbol carries the last numbers of all its topics behind the batch, and the frames of a batch
leave in one order:

    clock. ─▶ for each symbol: status ─▶ trade ─▶ level ─▶ order ─▶ frames or heartbeats of a later batch

So when a frame comes, the topics before it in this order have come, and with the first frame of a later batch all have.
A network that changes the order makes a reader ask for what is under way: it gets it twice, and drops it once.
"""

from typing import Final

from bus.protocol.codec import FrameHeader
from bus.protocol.topics import LEVEL, ORDER, STATUS, TRADE, topic

#: The last numbers of a symbol's trade, level, order and status topics.
Numbers = tuple[int, int, int, int]
#: `(topic, number)`: everything up to this number should have come.
Due = tuple[str, int]

#: The order in which the frames of a symbol leave, and where each one's number stands among `Numbers`.
_RANKS: Final = {STATUS: 0, TRADE: 1, LEVEL: 2, ORDER: 3}
_PLACES: Final = (3, 0, 1, 2)
_LAST_RANK: Final = len(_PLACES) - 1


def numbers_of(header: FrameHeader) -> Numbers | None:
    """The numbers of a frame; None when it is not of a symbol. More than four are of a later version."""
    numbers = header.numbers
    return (numbers[0], numbers[1], numbers[2], numbers[3]) if len(numbers) >= len(_PLACES) else None


class BatchNumbers:
    """The batch that is coming in."""

    def __init__(self) -> None:
        self._batch = (0, 0)  # epoch, log sequence
        #: By symbol: its numbers behind this batch, and the rank up to which its topics are looked after.
        self._open: dict[str, tuple[Numbers, int]] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    def take(self, kind: str, symbol: str, header: FrameHeader) -> list[Due]:
        """A frame of the live feed; what should have come by now. `symbol` is "" for `clock.`."""
        batch = (header.epoch, header.log_sequence)
        if batch < self._batch:
            return []  # newer frames have said more
        due = self._begin(batch) if batch > self._batch else []
        numbers = numbers_of(header)
        rank = _RANKS.get(kind)
        if numbers is not None and rank is not None:
            known = self._open.get(symbol)
            looked_after = -1 if known is None else known[1]
            if rank > looked_after:
                self._add(due, symbol, numbers, looked_after + 1, rank)
                self._open[symbol] = (numbers, rank)
        return due

    def take_heartbeat(self, header: FrameHeader) -> list[Due]:
        """A heartbeat of the feed: the batch that it stands behind is complete, and so are all before."""
        batch = (header.epoch, header.log_sequence)
        return self._begin(batch) if batch >= self._batch else []

    def _begin(self, batch: tuple[int, int]) -> list[Due]:
        """All of the batch before has come; of an engine that is no more nothing will."""
        due: list[Due] = []
        if batch[0] == self._batch[0]:
            for symbol, (numbers, looked_after) in self._open.items():
                self._add(due, symbol, numbers, looked_after + 1, _LAST_RANK + 1)
        self._open.clear()
        self._batch = batch
        return due

    def _add(self, due: list[Due], symbol: str, numbers: Numbers, first_rank: int, end_rank: int) -> None:
        if first_rank == end_rank:
            return
        names = self._names.get(symbol)
        if names is None:
            names = self._names[symbol] = tuple(topic(kind, symbol) for kind in _RANKS)
        due.extend((names[rank], numbers[_PLACES[rank]]) for rank in range(first_rank, end_rank))
