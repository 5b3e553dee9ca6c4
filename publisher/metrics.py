"""What a publisher tells a monitoring system: what it carries, reads and says, and how its store keeps up.

Read from its own objects while they work (`bus.metrics`); `service` gives them.
"""

from collections.abc import Iterator
from typing import Final, Protocol

from bus.metrics.metric import COUNTER, GAUGE, Metric, Reading
from bus.metrics.of_process import ProcessMetrics
from bus.metrics.slices import in_slices
from bus.protocol.status import ProcessStatus
from bus.sockets.reading.feed_core import FeedCore
from publisher.carried import Carried
from publisher.counter import Counter
from publisher.desk import Desk
from publisher.feed_reader import FeedReader
from publisher.peers import Peers
from publisher.sockets import Streamer
from publisher.store.writer import StoreWriter

PUBLISHER: Final = ProcessMetrics("publisher", "name")

# What it carries.
SYMBOLS: Final = Metric(
    "matchbus_publisher_symbols",
    GAUGE,
    "Symbols: live, waiting (for a book that is whole), or restoring (from the store).",
    ("state",),
)
BEHIND: Final = Metric(
    "matchbus_publisher_behind_seconds",
    GAUGE,
    "How much engine time the symbol furthest behind is behind the newest that was heard; up to a heartbeat of the"
    " feed is ordinary.",
)
HEALING_TOPICS: Final = Metric(
    "matchbus_publisher_healing_topics",
    GAUGE,
    "Topics of the feed of which something is missing and was asked for.",
)
WAITING_MOMENTS: Final = Metric(
    "matchbus_publisher_waiting_moments", GAUGE, "Moments of the log that wait for something that is missing."
)
ORDER_BOOKS: Final = Metric(
    "matchbus_publisher_order_books",
    GAUGE,
    "Books by orders that are followed, since somebody asked for them.",
)
# What it reads.
FEED_MESSAGES: Final = Metric(
    "matchbus_publisher_feed_messages_total", COUNTER, "Frames and heartbeats of the feed that were taken."
)
RESYNCS: Final = Metric(
    "matchbus_publisher_resyncs_total",
    COUNTER,
    "Books that began anew with a snapshot, since too much was missing.",
)
WRONG_BOOKS: Final = Metric(
    "matchbus_publisher_wrong_books_total",
    COUNTER,
    "Books whose checksum was not the engine's; they begin anew.",
)
WITHDRAWALS: Final = Metric(
    "matchbus_publisher_withdrawals_total", COUNTER, "Symbols of which the engine lost what it had said."
)
# What it says.
FRAMES: Final = Metric("matchbus_publisher_frames_total", COUNTER, "Frames that were published.")
SUBSCRIPTIONS: Final = Metric(
    "matchbus_publisher_subscriptions_total", COUNTER, "Subscriptions that were taken."
)
MESSAGES: Final = Metric(
    "matchbus_publisher_messages_total", COUNTER, "Messages of requests, good and bad ones."
)
UNANSWERED: Final = Metric(
    "matchbus_publisher_unanswered_total", COUNTER, "Answers whose reader was gone, or took no more."
)
WAITING_QUESTIONS: Final = Metric(
    "matchbus_publisher_waiting_questions", GAUGE, "Requests that wait for the store."
)
PEER_DIFFERENCES: Final = Metric(
    "matchbus_publisher_peer_differences_total", COUNTER, "Spans of 10 s in which a peer said other frames."
)
PROBLEMS: Final = Metric(
    "matchbus_publisher_problems", GAUGE, "Symbols with a problem that stays, most likely of the store."
)
# Its store.
STORE_WAITING: Final = Metric(
    "matchbus_publisher_store_waiting_rows", GAUGE, "Rows that wait to be written, or are being written."
)
STORE_ROWS: Final = Metric("matchbus_publisher_store_rows_total", COUNTER, "Rows that were written.")
STORE_DELETED: Final = Metric(
    "matchbus_publisher_store_deleted_rows_total", COUNTER, "Rows that were old enough to be forgotten."
)
STORE_TRANSACTIONS: Final = Metric(
    "matchbus_publisher_store_transactions_total", COUNTER, "Transactions that were committed."
)
STORE_SECONDS: Final = Metric(
    "matchbus_publisher_store_transaction_seconds_total", COUNTER, "How long they took, all together."
)
STORE_RETRIES: Final = Metric(
    "matchbus_publisher_store_retries_total",
    COUNTER,
    "How often the database could not be used and was tried again.",
)
STORE_ADJUSTED: Final = Metric(
    "matchbus_publisher_store_adjusted_candles_total",
    COUNTER,
    "Candles that an operator's adjustment kept as it is.",
)

METRICS: Final = (
    *PUBLISHER.all(),
    SYMBOLS,
    BEHIND,
    HEALING_TOPICS,
    WAITING_MOMENTS,
    ORDER_BOOKS,
    FEED_MESSAGES,
    RESYNCS,
    WRONG_BOOKS,
    WITHDRAWALS,
    FRAMES,
    SUBSCRIPTIONS,
    MESSAGES,
    UNANSWERED,
    WAITING_QUESTIONS,
    PEER_DIFFERENCES,
    PROBLEMS,
    STORE_WAITING,
    STORE_ROWS,
    STORE_DELETED,
    STORE_TRANSACTIONS,
    STORE_SECONDS,
    STORE_RETRIES,
    STORE_ADJUSTED,
)

_NS_PER_S: Final = 1_000_000_000


class Publishing(Protocol):
    """What is read of the service, as far as it is public there."""

    name: str
    time_ns: int
    desks: dict[str, Desk]
    core: FeedCore
    reader: FeedReader
    streamer: Streamer
    counter: Counter
    peers: Peers
    writer: StoreWriter
    carried: Carried
    resyncs: int
    wrong_books: int
    adjusted_kept: int


def read_publisher(service: Publishing, status: ProcessStatus, restoring: int) -> Iterator[Reading]:
    """Readings of all metrics of a publisher. O(symbols)."""
    yield from PUBLISHER.read(status)
    yield from _desks(list(service.desks.values()), restoring, service.time_ns)
    yield HEALING_TOPICS, len(service.core.healing)
    yield FEED_MESSAGES, service.reader.messages
    yield RESYNCS, service.resyncs
    yield WRONG_BOOKS, service.wrong_books
    yield WITHDRAWALS, service.carried.withdrawals
    yield FRAMES, service.streamer.frames
    yield SUBSCRIPTIONS, service.streamer.subscriptions
    yield MESSAGES, service.counter.router.messages
    yield UNANSWERED, service.counter.unanswered
    yield WAITING_QUESTIONS, service.counter.questions_waiting
    yield PEER_DIFFERENCES, service.peers.differences
    yield PROBLEMS, len(service.carried.problems)
    writer = service.writer
    yield STORE_WAITING, writer.rows_waiting
    yield STORE_ROWS, writer.rows_written
    yield STORE_DELETED, writer.rows_deleted
    yield STORE_TRANSACTIONS, writer.transactions
    yield STORE_SECONDS, writer.transaction_seconds
    yield STORE_RETRIES, writer.retries
    yield STORE_ADJUSTED, service.adjusted_kept


def _desks(desks: list[Desk], restoring: int, time_ns: int) -> Iterator[Reading]:
    """Readings of what is carried. `time_ns`: the newest engine time that was heard."""
    live = moments = order_books = behind_ns = 0
    for desk in in_slices(desks):
        moments += desk.alignment.waiting
        order_books += desk.orders is not None
        if desk.market.live:
            live += 1
            behind_ns = max(behind_ns, time_ns - desk.market.time_ns)
    yield SYMBOLS, {("live",): live, ("waiting",): len(desks) - live, ("restoring",): restoring}
    yield BEHIND, behind_ns / _NS_PER_S
    yield WAITING_MOMENTS, moments
    yield ORDER_BOOKS, order_books
