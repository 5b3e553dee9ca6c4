"""`matchbus publisher rebuild`: market data made anew from the engine's log, and what is stored held against it.

    journal ─▶ matcher ─public events─▶ the publisher's markets ─rows─▶ a fresh store ◀─compared─▶ the store as it is

The rule guarded here: nothing of the log, of the stored rows or of a running exchange is touched. This is the one place
where matcher and publisher meet: the matcher says what happened, the publisher what comes of it.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from bus.config import Store as Settings
from bus.errors import ConfigError
from bus.journal.disk import Disk
from bus.journal.reader import LogReader, probable_head
from bus.journal.segment import segment_names
from bus.journal.skips import read_skips
from bus.replay import apply_logged_batch
from matcher.engine import Engine
from publisher.candles.intervals import INTERVALS
from publisher.rebuilding.comparison import Kept
from publisher.rebuilding.findings import Lines
from publisher.rebuilding.rebuilding import Rebuilding
from publisher.store.reading import read_progress
from publisher.store.retention import DAYS_MIN
from publisher.store.store import Store
from tools import options
from tools.decoded import json_line
from tools.publisher import stores
from tools.showing import counted

#: Commands between two looks at how far it is.
_PROGRESS_COMMANDS: Final = 10_000


def rebuild(
    data: stores.Data = None,
    store: stores.StoreUrl = None,
    into: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Write what is made anew into this empty database, up to the end of the log."
        ),
    ] = None,
    config: options.ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Make all market data anew from the engine's log, and prove that what is stored is the same.

    Every stored row is compared, field by field. Differences are printed a line each, the first 20, and the status is
    1. What an operator adjusted by hand is listed and is no difference, nor is what the settings let be forgotten.
    Engine and publisher may run meanwhile.

    \b
    Examples:
      matchbus publisher rebuild --data big-day
      matchbus publisher rebuild --into sqlite:///rebuilt.db
    """
    settings = stores.store_config(config, data, store)
    directory = settings.engine.data_dir
    if not os.path.isdir(directory) or not segment_names(Disk(), directory):
        raise ConfigError(f"{directory}: there is no journal; name the data directory with --data")
    with ExitStack() as stack:
        connection = None
        # A lost one can be made anew without being there.
        if into is None or stores.is_there(settings):
            stored = stack.enter_context(stores.stored(settings))
            connection = stack.enter_context(stored.reading())
        fresh = _fresh_store(stack, into)
        rebuilding = Rebuilding(fresh, connection, _kept(settings.store), whole=into is not None)
        sequence = _replay(rebuilding, directory, stack, show=not as_json)
    _tell(rebuilding, sequence, as_json=as_json)
    if rebuilding.findings.differences.count:
        raise typer.Exit(1)


def replay(rebuilding: Rebuilding, directory: str, progress: Callable[[int], object] = lambda _: None) -> int:
    """Give a rebuild all of the log that it wants; the last sequence. Raises what says that the log cannot be used.

    What is not known to be durable is left out, unless it was published: the next loss of power may take it away. Of
    what is behind that, only an answer of the engine may have told.
    """
    disk, core = Disk(), Engine()
    skipped = {skip.sequence for skip in read_skips(directory, disk)}
    reader = LogReader(disk, directory)
    last_sequence = max(reader.synced_sequence, rebuilding.last_sequence)
    told = 0
    for batch in reader.batches():
        is_ahead = batch.last_sequence > last_sequence
        if not (rebuilding.doubts if is_ahead else rebuilding.wanted):
            break
        apply_logged_batch(core, batch, skipped)
        core.take_private()
        take = rebuilding.look_ahead if is_ahead else rebuilding.take
        take(core.take_public(), core.sequence, core.time_ns, core.epoch)
        if core.sequence - told >= _PROGRESS_COMMANDS:
            told = core.sequence
            progress(told)
    rebuilding.finish()
    return core.sequence


def _replay(rebuilding: Rebuilding, directory: str, stack: ExitStack, *, show: bool) -> int:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not show,
    )
    stack.enter_context(bar)
    task = bar.add_task("the log again", total=probable_head(Disk(), directory))
    return replay(rebuilding, directory, lambda sequence: bar.update(task, completed=sequence))


def _fresh_store(stack: ExitStack, into: str | None) -> Store:
    if into is None:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="matchbus-rebuild-"))
        into = f"sqlite:///{Path(folder, 'rebuilt.db')}"
    fresh = Store(into, "")
    stack.callback(fresh.close)
    with fresh.reading() as connection:
        if read_progress(connection):
            raise ConfigError(f"--into: {fresh.name} has market data already; name an empty database")
    return fresh


def _kept(settings: Settings) -> Kept:
    days = settings.trades_days
    return Kept(
        max(days, DAYS_MIN) if days else 0,
        {name: int(getattr(settings, f"candles_{name}_days")) for name in INTERVALS},
    )


def _tell(rebuilding: Rebuilding, sequence: int, *, as_json: bool) -> None:
    findings = rebuilding.findings
    if as_json:
        print(
            json_line(
                {
                    "equal": not findings.differences.count,
                    "sequence": sequence,
                    "symbols": findings.symbols,
                    "trades": findings.trades,
                    "candles": findings.candles,
                    "corrections": findings.corrections,
                    "forgotten": findings.forgotten,
                    "adjusted": findings.adjustments.count,
                    "not_stored": sorted(rebuilding.not_stored),
                    "differences": findings.differences.count,
                    "first_differences": findings.differences.first,
                }
            )
        )
        return
    _print_lines("adjusted", findings.adjustments)
    if rebuilding.not_stored:
        names = ", ".join(sorted(rebuilding.not_stored))
        print(f"note: nothing is stored of {names}", file=sys.stderr)
    _print_lines("differs", findings.differences)
    rows = (
        f"{counted(findings.symbols, 'symbol')}, {counted(findings.trades, 'trade')},"
        f" {counted(findings.candles, 'candle')}, {counted(findings.corrections, 'correction')}"
    )
    forgotten = f", {findings.forgotten:,} older rows forgotten" if findings.forgotten else ""
    if findings.differences.count:
        print(f"{counted(findings.differences.count, 'difference')}: {rows} compared{forgotten}")
    else:
        print(f"equal: {rows}{forgotten}, log up to sequence {sequence}")


def _print_lines(word: str, lines: Lines) -> None:
    for line in lines.first:
        print(f"{word}: {line}")
    if lines.count > len(lines.first):
        print(f"{word}: and {lines.count - len(lines.first):,} more")
