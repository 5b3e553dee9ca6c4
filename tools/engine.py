"""`matchbus engine`: one engine, from its data directory to its sockets; here journal, matcher and node are wired.

hold the directory ─▶ newest good checkpoint ─▶ replay what follows ─▶ log EngineStarted ─▶ "ready"
SIGTERM or Ctrl-C  ─▶ take nothing more ─▶ sync, send ─▶ checkpoint ─▶ let the directory go

`engine` is the verb, `serve` what it runs: one process, one engine.
"""

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import uvloop
import zmq

from bus.addresses import addresses
from bus.config import Config
from bus.errors import DataDirectoryMismatch, EngineStopped, MatchbusError
from bus.journal.checkpoint import REPLAY_RING_COMMANDS, Checkpoint, CheckpointHeader, CheckpointStore
from bus.journal.directory import DataDirectory
from bus.journal.disk import Disk
from bus.journal.journal import Journal
from bus.journal.recovery import recover
from bus.journal.skips import read_skips
from bus.metrics.server import MetricsServer
from bus.node import Node
from bus.process import Process, this_process
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Rules
from bus.protocol.terms import CLEARING_NONE, CLEARINGS, CLOCK_COMMANDS, CLOCK_SYSTEM, CLOCKS
from bus.replay import apply_logged_batch
from bus.sessions import Sessions
from bus.sockets.publication import Publication
from matcher.codec.state_codec import decode_state
from matcher.engine import Engine
from tools import options
from tools.core_kind import core_kind
from tools.tuning import relax_garbage_collector, tune_garbage_collector

_CLEARINGS: Final = {name: code for code, name in CLEARINGS.items()}


def engine(
    config: options.ConfigFile = None,
    data: options.EngineData = None,
    port_base: options.EnginePortBase = None,
    host: options.EngineHost = None,
    sync: options.EngineSync = None,
    clock: options.EngineClock = None,
    clearing: options.EngineClearing = None,
) -> None:
    """Run one engine: orders in, executions and book changes out, everything in its journal.

    Prints one line that starts with ready once it takes orders. Ctrl-C or SIGTERM stops it cleanly;
    nothing that was acknowledged is lost when it is killed.

    \b
    Examples:
      matchbus engine
      matchbus engine --data big-day --port-base 4000 --sync os
    """
    serve(
        options.engine_config(
            config,
            os.environ,
            data=data,
            port_base=port_base,
            host=host,
            sync=sync,
            clock=clock,
            clearing=clearing,
        )
    )


@dataclass(slots=True)
class Recovery:
    """An engine that stands where its log ends. `replayed`: commands behind the checkpoint; `notes`: a line each."""

    core: Engine
    publication: Publication
    sessions: Sessions
    store: CheckpointStore
    replayed: int
    notes: list[str]


def recover_engine(config: Config, journal: Journal, disk: Disk) -> Recovery:
    """Newest good checkpoint, then the log behind it. Raises what says that the directory cannot be used."""
    relax_garbage_collector()
    store = CheckpointStore(journal.directory, disk, kept=config.engine.checkpoints_kept)
    recovered = recover(journal, store, usable=lambda header: header.semantics_version == SEMANTICS_VERSION)
    payload = recovered.checkpoint.payload
    core = Engine(decode_state(payload)) if payload else Engine()
    sessions = Sessions()
    limits = config.limits
    publication = Publication(core, sessions, limits.report_ring_events_max, limits.feed_ring_events_max)
    rings_from = journal.probable_head - REPLAY_RING_COMMANDS
    skipped = {skip.sequence for skip in read_skips(journal.directory, disk)}
    start = core.sequence
    for batch in recovered.batches:
        apply_logged_batch(core, batch, skipped)
        if core.sequence <= rings_from:
            publication.skip()
        else:
            publication.encode_for_rings()
    notes = list(recovered.skipped)
    if journal.torn is not None:
        notes.append(f"cut a torn tail: {journal.torn}")
    return Recovery(core, publication, sessions, store, core.sequence - start, notes)


def serve(config: Config) -> None:
    """Run one engine until SIGTERM or SIGINT. Raises MatchbusError with one line when it cannot run any longer."""
    process = this_process("engine", ("core", core_kind()), ("sync", config.engine.sync))
    with ExitStack() as stack:
        directory = DataDirectory.hold(config.engine.data_dir)
        stack.callback(directory.close)
        disk = Disk()
        journal = Journal.open(
            directory.path, policy=config.engine.sync, segment_bytes=config.engine.segment_bytes, disk=disk
        )
        stack.callback(journal.close)
        recovery = recover_engine(config, journal, disk)
        started = _engine_started(config, recovery.core)
        tune_garbage_collector()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(config, directory, journal, recovery, started, process))
        write_checkpoint(recovery, journal)


async def _run(
    config: Config,
    directory: DataDirectory,
    journal: Journal,
    recovery: Recovery,
    started: EngineStarted,
    process: Process,
) -> None:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[MatchbusError | None] = loop.create_future()

    def stop(error: MatchbusError | None = None) -> None:
        if not stopped.done():
            stopped.set_result(error)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    where = addresses(config.engine.port_base, config.engine.host)
    with ExitStack() as stack:
        context = stack.enter_context(zmq.Context())
        # Sockets go with the node, so ending the context never waits for one.
        node = Node(
            loop,
            context,
            config,
            where,
            recovery.core,
            journal,
            recovery.publication,
            recovery.sessions,
            directory.token(),
            process,
            stop,
        )
        # Behind the node, so that who starts an exchange twice hears of the first of its addresses.
        metrics = stack.enter_context(MetricsServer(where.metrics_engine, config.metrics))
        loop.set_exception_handler(lambda _, context: node.fail(_unforeseen(context, recovery.core)))
        node.start(started)
        metrics.start(node.readings)
        for note in recovery.notes:
            print(f"note: {note}", file=sys.stderr)
        a = node.addresses
        print(
            f"ready orders={a.orders} feed={a.feed} recovery={a.recovery} drop_copy={a.drop_copy} metrics={metrics.url}"
            f" sequence={recovery.core.sequence} replayed={recovery.replayed} core={core_kind()} pid={os.getpid()}",
            flush=True,
        )
        error = await stopped
        if error is not None:
            raise error
        node.stop()


def _unforeseen(context: dict[str, Any], core: Engine) -> EngineStopped:
    """An exception that nobody foresaw is a bug: whatever it left half done, nothing may be built on it."""
    error = context.get("exception")
    stopped = EngineStopped(
        f"stopped behind sequence {core.sequence}: {type(error).__name__ if error else 'error'}: "
        f"{error or context.get('message', 'no message')}"
    )
    stopped.__cause__ = error
    return stopped


def _engine_started(config: Config, core: Engine) -> EngineStarted:
    """The first record of this incarnation; DataDirectoryMismatch when the log has another kind of clock."""
    clock = CLOCK_COMMANDS if config.engine.clock == "commands" else CLOCK_SYSTEM
    if core.epoch and core.clock != clock:
        raise DataDirectoryMismatch(
            f"{config.engine.data_dir}: its log runs on --clock {CLOCKS[core.clock]}, and keeps it"
        )
    clearing = core.clearing() if config.engine.clearing == "keep" else _CLEARINGS[config.engine.clearing]
    if core.clearing() != CLEARING_NONE and clearing == CLEARING_NONE:
        raise DataDirectoryMismatch(
            f'{config.engine.data_dir}: its venue clears, and keeps to it (engine.clearing = "spot")'
        )
    open_orders = core.open_order_count()
    if core.clearing() != clearing and open_orders:
        raise DataDirectoryMismatch(
            f"{config.engine.data_dir}: {open_orders} {'orders are' if open_orders > 1 else 'order is'} open and not "
            f'backed: cancel before the venue clears (engine.clearing = "spot")'
        )
    limits = config.limits
    rules = Rules(
        limits.open_orders_per_account_max,
        limits.client_order_ids_per_account_max,
        limits.instruments_max,
        limits.trades_kept_per_instrument_max,
        clearing,
    )
    return EngineStarted(core.epoch + 1, SEMANTICS_VERSION, clock, rules)


def write_checkpoint(recovery: Recovery, journal: Journal) -> None:
    """A clean stop leaves the state behind, so that the next start replays little."""
    core = recovery.core
    header = CheckpointHeader(
        core.sequence,
        core.time_ns,
        core.epoch,
        SEMANTICS_VERSION,
        journal.head_hash,
        recovery.publication.output_hash,
    )
    recovery.store.write(Checkpoint(header, core.encode_state()))
