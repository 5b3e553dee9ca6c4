"""The settings of one exchange: values that are read once (`bus.config_loading`) and never change.

Every limit carries its unit in its name and its reason above it (I11). `docs/configuration.md` has the same
keys for people, and a test holds the two together.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from bus.addresses import HIGHEST_OFFSET, WEB_INSTANCES_MAX

# All offsets of `bus.addresses` must lead to a port.
PortBase = Annotated[int, Meta(ge=0, le=65_535 - HIGHEST_OFFSET)]
Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]
# How long something is kept; 0 is for ever. A century is a slip.
Days = Annotated[int, Meta(ge=0, le=36_525)]


class Engine(Struct, frozen=True, kw_only=True):
    """What one engine is: where it remembers, where it listens, what it promises."""

    # Relative to the working directory. One engine at a time may hold it.
    data_dir: Annotated[str, Meta(min_length=1)] = "matchbus-data"
    # All addresses shift together. 0: every socket takes whatever port is free.
    port_base: PortBase = 3000
    # A numeric loopback address. Nothing else until connections are encrypted and authenticated.
    host: str = "127.0.0.1"
    # disk: safe against loss of power before anybody sees it. os: safe against a crash of the process only.
    sync: Literal["disk", "os"] = "disk"
    # commands: only AdvanceClock moves time (replays). A data directory keeps its kind of clock.
    clock: Literal["system", "commands"] = "system"
    # spot: orders are backed, and fills move money. keep: as the data directory does; a new one does not clear.
    clearing: Literal["keep", "none", "spot"] = "keep"
    # Filled with zeros beforehand, which halves each sync; 64 MiB is about a million commands and
    # takes well under a second to fill.
    segment_bytes: Annotated[int, Meta(ge=65_536, le=2**31 - 1)] = 67_108_864
    # More than one, because the newest may be damaged, and recovery starts from one that lies further back.
    checkpoints_kept: Annotated[int, Meta(ge=2, le=1000)] = 4


class Limits(Struct, frozen=True, kw_only=True):
    """What one engine takes before it says no (I11)."""

    # One frame of a client. 1,024 orders of 50 bytes fit; what is larger is not decoded at all.
    message_bytes_max: Annotated[int, Meta(ge=1024, le=2**24)] = 65_536
    # A message is answered as one, so this bounds how long the others wait for one client's turn.
    commands_per_message_max: Positive = 1024
    # One drain is one batch. A cap in bytes is fair (a message holds 1 to N commands); 8 KiB is about 300 commands.
    # Four times as much was no faster, and let the others wait four times as long beside a flood (bench fairness).
    drain_bytes_max: Annotated[int, Meta(ge=1024, le=2**24)] = 8_192
    # Commands that are applied and wait for the disk, with everything they will answer: memory, and the
    # longest wait behind a slow disk.
    unsynced_commands_max: Positive = 65_536
    # The part of that queue that only cancels may use: who wants to leave the market can, also in a flood.
    cancel_reserve_commands: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 8192
    # For each session, before the journal: a client gone wild fills its own allowance, not the disk.
    commands_per_s_max: Positive = 1_000_000
    # A session costs a few KiB and a heartbeat; file descriptors end near here on an ordinary system.
    sessions_max: Positive = 10_000
    # Messages of one client inside libzmq, incoming. Low on purpose: a flooder then waits in its own TCP window.
    receive_high_water_mark: Positive = 100
    # Messages for one reader inside libzmq, outgoing. Beyond it the reader has a gap, which it notices and heals.
    send_high_water_mark: Positive = 10_000
    # About 500 bytes each (350 compiled), kept while the order lives and 24 hours after.
    client_order_ids_per_account_max: Positive = 1_000_000
    # Private reports that can still be asked for again, for each account.
    report_ring_events_max: Positive = 65_536
    # Public events that can still be asked for again, for each topic; older gaps are healed with a snapshot.
    feed_ring_events_max: Positive = 65_536
    # Each has a book, topics and rings of its own.
    instruments_max: Positive = 10_000
    # Of the trading day, so that they can be busted and corrected; about 90 bytes each, more where an order that traded
    # would otherwise be forgotten.
    trades_kept_per_instrument_max: Positive = 1_000_000
    # About 300 bytes each.
    open_orders_per_account_max: Positive = 1_000_000


class Feed(Struct, frozen=True, kw_only=True):
    """How the public stream behaves when nothing happens."""

    # How often all last numbers are said; a symbol that has changed says its own each 100 ms.
    heartbeat_interval_ms: Annotated[int, Meta(ge=10, le=60_000)] = 1000


class Protection(Struct, frozen=True, kw_only=True):
    """What lets the engine stop the whole market by itself (docs/rules.md, chapter STOP)."""

    # Connections to the feed, of publishers and all other readers: with fewer nobody may know the prices. 0: no matter.
    feed_readers_min: Annotated[int, Meta(ge=0, le=10_000)] = 0
    # For so long they must be too few: a publisher that starts again is back within a second or two. The engine's own
    # start counts, too.
    feed_lost_ms: Annotated[int, Meta(ge=100, le=600_000)] = 10_000


class Shadow(Struct, frozen=True, kw_only=True):
    """When the shadow writes checkpoints. How many stay is `engine.checkpoints_kept`: both write them."""

    # A start replays at most about so many commands: some seconds.
    checkpoint_interval_commands: Positive = 250_000
    # So that a quiet day leaves some as well.
    checkpoint_interval_s: Annotated[int, Meta(ge=1, le=86_400)] = 600


class Store(Struct, frozen=True, kw_only=True):
    """What the publisher remembers, and for how long."""

    # Empty: publisher/market.db below the data directory, SQLite. Else sqlite:///FILE or postgresql://USER@HOST/DATABASE.
    url: str = ""
    # What happened is in the database after this long. A transaction costs about as much as a hundred rows, so that
    # shorter is possible; what is lost in a crash meanwhile comes again from the feed.
    batch_ms_max: Annotated[int, Meta(ge=1, le=60_000)] = 250
    # Rows of one transaction, some 50 ms of work: another publisher waits no longer than this for its turn.
    batch_rows_max: Positive = 20_000
    # Rows that wait for the database, 270 to 390 bytes each. Behind a longer outage they are read again from the feed.
    queue_rows_max: Positive = 200_000
    # For ever: trades are the record of the market, everything else can be made from them again, and what was deleted
    # by a default is gone. A trade takes about 50 bytes in SQLite, 125 in PostgreSQL.
    trades_days: Days = 0
    # For ever: a candle takes about 130 bytes in SQLite, 215 in PostgreSQL. A year of minutes is 70 MB (SQLite), of all
    # other intervals together 20 MB, for each symbol.
    candles_1m_days: Days = 0
    candles_5m_days: Days = 0
    candles_15m_days: Days = 0
    candles_30m_days: Days = 0
    candles_1h_days: Days = 0
    candles_4h_days: Days = 0
    candles_1d_days: Days = 0
    candles_1w_days: Days = 0


class Metrics(Struct, frozen=True, kw_only=True):
    """What processes tell a monitoring system."""

    # Each process serves its own, on loopback. Off: it listens nowhere, and counts all the same.
    enabled: bool = True


class Publisher(Struct, frozen=True, kw_only=True):
    """What a publisher of market data holds beside books and candles."""

    # The last ones of each symbol, in memory; older ones come from the store.
    trades_kept: Annotated[int, Meta(ge=1, le=1_000_000)] = 1_000
    # Of each chained stream of each symbol: what a reader has missed is given from here. About 200 bytes each.
    stream_ring_frames_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 1_024
    # A reader notices a lost last frame, or a publisher that is gone, after about this long.
    heartbeat_interval_ms: Annotated[int, Meta(ge=10, le=60_000)] = 1_000


class History(Struct, frozen=True, kw_only=True):
    """Where the private history keeps what accounts did."""

    # The address of a database of its own; "" is the SQLite file history/history.db in the data directory.
    url: str = ""


class Web(Struct, frozen=True, kw_only=True):
    """What the web tier lets in, and how long it waits."""

    # Processes that share the port, looked after by one that answers nothing itself. One of them serves from one core;
    # more than cores that are free only cost memory, some 80 MB each.
    instances: Annotated[int, Meta(ge=1, le=WEB_INSTANCES_MAX)] = 1
    # A numeric address, 0.0.0.0 for all of this machine; "" is engine.host. Beyond loopback only with TLS.
    host: str = ""
    # TLS, of both or neither: certificates in PEM, that of this server first, and its private key.
    certificate_file: str = ""
    private_key_file: str = ""
    # For those who end TLS in a proxy of their own: what this process says beyond loopback, everybody on the way reads.
    unencrypted_beyond_loopback: bool = False
    # Pages of other sites that may use the web from a browser, separated by commas, such as https://example.com.
    allowed_origins: str = ""
    # How long the engine, a publisher or the history may take for one answer; then the request is answered with 503.
    answer_timeout_ms: Annotated[int, Meta(ge=10, le=600_000)] = 5_000
    # A body of a hundred orders has some 30 kB.
    body_bytes_max: Annotated[int, Meta(ge=1_024, le=2**24)] = 262_144
    # A connection on which nothing is said for so long is closed; so is one whose body does not come.
    idle_connection_s: Annotated[int, Meta(ge=1, le=3_600)] = 60
    # Where keys are kept, for all instances: "" is the SQLite file web/keys.db in the data directory.
    keys_url: str = ""
    # Where the analysis of use is kept, for all instances: "" is the SQLite file web/usage.db in the data directory.
    usage_url: str = ""
    # For how long it is kept; 0: it is not. A minute has at most some hundred rows of 100 bytes for each instance.
    usage_hours: Annotated[int, Meta(ge=0, le=744)] = 48
    # How far the clock of whoever signs may be off, the way of the request included. A request that somebody has
    # overheard can be sent again for so long.
    signature_window_ms: Annotated[int, Meta(ge=100, le=60_000)] = 5_000
    # Public by default, as the market is. Else it needs a key of scope read.
    market_data_needs_key: bool = False
    # Requests a second of one key, or of one address without a key; twice as many may come at once, ten times as many
    # from one address with keys. Each instance counts for itself. Time, health, what is not there.
    house_per_s_max: Positive = 50
    # A page asks for some, and then listens.
    market_per_s_max: Positive = 100
    # The trading page has some 25 files, which are at hand in memory; an office opens it a dozen times at once.
    page_per_s_max: Positive = 200
    # Each is a search in a database.
    history_per_s_max: Positive = 20
    # Of requests, also where one has many orders in it.
    orders_per_s_max: Positive = 200
    # More: who wants to leave the market can.
    cancels_per_s_max: Positive = 400
    # A page asks again whenever something has happened to it; money itself moves seldom.
    money_per_s_max: Positive = 20
    # A person makes them.
    keys_per_s_max: Positive = 2
    # Some dozen instruments are halted one by one, without having to wait.
    admin_per_s_max: Positive = 50
    # Addresses and networks, separated by commas, that are told 429 and are never kept out: one's own machines, or a
    # proxy behind which everybody has its address.
    never_blocked: str = ""
    # Addresses and networks of proxies, separated by commas: whose word counts on where a request comes from. Nobody's:
    # anybody may write a header.
    trusted_proxies: str = ""
    # Addresses and networks from where GET /metrics is answered without a key: a monitoring system cannot sign.
    metrics_networks: str = ""
    # Of one file of the audit log; four full ones are kept beside it. A flood makes 40 MB a day at most.
    audit_bytes_max: Annotated[int, Meta(ge=65_536, le=2**32)] = 2**24
    # Of one instance, WebSockets included. Each takes a file descriptor and, silent, about 12 kB.
    connections_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    # Accounts that one instance serves at once: each has a session of the engine, and here some KiB and a socket.
    sessions_max: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    # An account's session is ended when it was not used for so long; the next request opens another, in some ms.
    idle_session_s: Annotated[int, Meta(ge=1, le=86_400)] = 300
    # A WebSocket that has not taken what was sent to it for so long is closed: its books would be of another time.
    slow_reader_ms: Annotated[int, Meta(ge=100, le=600_000)] = 10_000
    # Costs memory for each connection that wants it, and the work is done for each.
    websocket_deflate: bool = True


class Config(Struct, frozen=True, kw_only=True):
    """All settings of one exchange."""

    engine: Engine = Engine()
    limits: Limits = Limits()
    feed: Feed = Feed()
    protection: Protection = Protection()
    shadow: Shadow = Shadow()
    store: Store = Store()
    metrics: Metrics = Metrics()
    publisher: Publisher = Publisher()
    history: History = History()
    web: Web = Web()
