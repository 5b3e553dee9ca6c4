"""Which files are the core: the part of matchbus that is compiled when a wheel is built.

It is the matcher, all of it, since that is where a command spends its time; whatever stays Python is named here with
the reason. Of the bus it is what stands between libzmq, msgspec and the disk, which are C already: the files that each
message or batch passes through. Of the publisher it is what each event passes through.
`tools.build.backend` compiles the list.
"""

from pathlib import Path

ROOM = "matcher"

# A file of the matcher that is not compiled, and why. (mypyc cannot compile a subclass of msgspec.Struct.)
NOT_CORE: dict[str, str] = {}

# The way of a message through the bus. Not `sequencer`, `journal/batch` and the protocol: they hold Structs.
BUS_CORE = (
    "bus/journal/writer.py",
    "bus/node.py",
    "bus/sessions.py",
    "bus/sockets/gateway.py",
    "bus/sockets/outbound.py",
    "bus/sockets/publication.py",
    "bus/sockets/reading/batch_numbers.py",
    "bus/sockets/reading/event_decoding.py",
    "bus/sockets/reading/feed_core.py",
    "bus/sockets/reading/ordering.py",
    "bus/sockets/rings.py",
    "bus/sockets/router.py",
)

# The way of an event through the publisher. Not what reads and writes the store, nor `statistics/values`, which holds a
# Struct.
PUBLISHER_CORE = (
    "publisher/alignment.py",
    "publisher/book.py",
    "publisher/candles/candle.py",
    "publisher/candles/intervals.py",
    "publisher/candles/ring.py",
    "publisher/candles/series.py",
    "publisher/conflation.py",
    "publisher/desk.py",
    "publisher/events.py",
    "publisher/feed_reader.py",
    "publisher/market.py",
    "publisher/sockets.py",
    "publisher/statistics/rolling.py",
    "publisher/statistics/seconds.py",
    "publisher/streams.py",
    "publisher/symbols.py",
    "publisher/trades.py",
)


def core_files(root: Path) -> list[str]:
    """The files to compile, relative to `root`, sorted. An `__init__.py` is never one: it holds a docstring only."""
    matcher = (
        relative
        for path in (root / ROOM).rglob("*.py")
        if path.name != "__init__.py" and (relative := path.relative_to(root).as_posix()) not in NOT_CORE
    )
    named = (file for file in (*BUS_CORE, *PUBLISHER_CORE) if (root / file).is_file())
    return sorted([*matcher, *named])
