"""`matchbus journal ...`: reads the log of a data directory; `skip` alone writes, a decision beside it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bus.errors import CheckpointDamaged, ConfigError
from bus.journal.batch import Batch
from bus.journal.checkpoint import CheckpointStore
from bus.journal.disk import Disk
from bus.journal.reader import LogReader
from bus.journal.segment import segment_names
from tools import options
from tools.decoded import json_line, time_text
from tools.ending import quietly
from tools.journal.digests import digest_of
from tools.journal.entries import Decoder, Entry, entry_values, entry_words
from tools.journal.skipping import skip_command
from tools.showing import counted, show

journal = typer.Typer(
    name="journal", help="Read and verify the log of a data directory.", no_args_is_help=True
)

Directory = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="DIR",
        envvar="MATCHBUS_ENGINE_DATA_DIR",
        help="The data directory; an engine may be running in it.",
    ),
]
From = Annotated[int, typer.Option("--from", metavar="SEQUENCE", help="The first sequence to show.", min=1)]
To = Annotated[int | None, typer.Option("--to", metavar="SEQUENCE", help="The last sequence to show.", min=1)]


@journal.command(name="show")
def show_(
    data: Directory = options.DEFAULT_DATA,
    first: From = 1,
    last: To = None,
    as_json: options.AsJson = False,
) -> None:
    """Print the log: batches, and the commands and records in them, each with its sequence.

    \b
    Examples:
      matchbus journal show --from 100 --to 120
      matchbus journal show --json | jq 'select(.type == "EnterOrder")'
    """
    with quietly():
        batch: Batch | None = None
        for entry in entries(data, first, last):
            if as_json:
                print(json_line(entry_values(entry)))
                continue
            if entry.batch is not batch:
                batch = entry.batch
                show(Text(_batch_line(batch), "dim"))
            who = f"session {entry.session} ({entry.account or '?'})" if entry.session else "engine"
            show(
                Text.assemble(
                    (f"{entry.sequence:>10}  ", "bold"), (f"{who:<24} ", "cyan"), entry_words(entry)
                )
            )


@journal.command()
def export(
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write to this file instead of the standard output.")
    ] = None,
    data: Directory = options.DEFAULT_DATA,
) -> None:
    """Write the whole log as JSON, one line a command or record, decoded, with the protocol's names.

    \b
    Examples:
      matchbus journal export > log.jsonl
      matchbus journal export --data big-day --output big-day.jsonl
    """
    if output is None:
        with quietly():
            for entry in entries(data, 1, None):
                print(json_line(entry_values(entry)))
        return
    count = 0
    try:
        with output.open("w", encoding="utf-8") as file:
            for entry in entries(data, 1, None):
                file.write(f"{json_line(entry_values(entry))}\n")
                count += 1
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written: {error.strerror}") from None
    print(f"{counted(count, 'line')} in {output}", file=sys.stderr)


@journal.command()
def verify(data: Directory = options.DEFAULT_DATA) -> None:
    """Verify the log and the checkpoints, and say what is there.

    Checks every byte that was written: checksums, the chain of hashes, that sequences follow densely and that time
    rises. A torn tail (what a crash leaves unfinished) is named and is no damage; damage is named with its place,
    and the status is 1.

    \b
    Example:
      matchbus journal verify --data big-day
    """
    disk = Disk()
    _check_there(disk, data)
    store = CheckpointStore(data, disk)
    headers, damaged = store.candidates()
    waiting = {header.sequence: header for header in headers}
    reader = LogReader(disk, data)
    batches = commands = 0
    time_ns = 0
    for batch in reader.batches(reader.first_sequence - 1):
        batches += 1
        commands += batch.count
        time_ns = time_ns or batch.time_ns
        header = waiting.pop(batch.last_sequence, None)
        if header is not None and header.journal_hash != batch.hash:
            damaged.append(f"{store.path(header.sequence)}: the log has another batch there")
    for header in headers:
        try:
            store.load(header)
        except CheckpointDamaged as error:
            damaged.append(str(error))
    damaged += [
        f"{store.path(sequence)}: no batch of the log ends there"
        for sequence in waiting
        if sequence <= reader.end.last_sequence
    ]
    table = Table(box=None, show_header=False, pad_edge=False)
    rows = {
        "segments": counted(len(reader.segments), "file"),
        "batches": f"{batches:,}",
        "commands": f"{commands:,}, sequences {reader.first_sequence:,} to {reader.end.last_sequence:,}",
        "time": f"{time_text(time_ns)} to {time_text(reader.end.last_time_ns)} UTC" if batches else "",
        "known to be synced": f"up to {reader.synced_sequence:,}",
        "head hash": reader.end.last_hash.hex(),
        "checkpoints": ", ".join(f"{header.sequence:,}" for header in headers) or "none",
        "tail": str(reader.torn) if reader.torn else "whole",
    }
    for name, value in rows.items():
        table.add_row(Text(name, "dim"), value)
    show(table)
    if damaged:
        raise CheckpointDamaged("; ".join(damaged))
    print("intact")


@journal.command()
def digest(
    at: Annotated[
        int | None, typer.Option(metavar="SEQUENCE", help="After this sequence; not given: the last.", min=1)
    ] = None,
    from_start: Annotated[
        bool,
        typer.Option(
            "--from-start", help="Replay all of the log, and compare each checkpoint with what the log gives."
        ),
    ] = False,
    data: Directory = options.DEFAULT_DATA,
    as_json: options.AsJson = False,
) -> None:
    """Replay the log into a fresh engine, and print the digest of what it then is.

    The same log gives the same digest anywhere. Starts at the newest checkpoint that can be used.

    \b
    Examples:
      matchbus journal digest
      matchbus journal digest --from-start
      matchbus journal digest --at 1000 --json
    """
    _check_there(Disk(), data)
    found = digest_of(data, at=at, from_start=from_start)
    if as_json:
        values = {
            "sequence": found.sequence,
            "time_ns": found.time_ns,
            "digest": found.digest,
            "replayed": found.sequence - found.replayed_from,
            "checkpoints_compared": found.compared,
        }
        print(json_line(values))
    else:
        print(f"sequence {found.sequence} digest {found.digest}")
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    for sequence in found.compared:
        print(f"note: the checkpoint at sequence {sequence} holds the same state", file=sys.stderr)


@journal.command()
def skip(
    sequence: Annotated[
        int, typer.Argument(help="The command that breaks the engine; the engine names it.", min=1)
    ],
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", help="Why it may be passed over; kept for good.")
    ],
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="DIR",
            envvar="MATCHBUS_ENGINE_DATA_DIR",
            help="The data directory; no engine may be running in it.",
        ),
    ] = options.DEFAULT_DATA,
) -> None:
    """Pass over the one command at which the log breaks the engine. It is answered as rejected (skipped).

    \b
    Example:
      matchbus journal skip 4711 --why "overflow in the matcher, ticket 12"
    """
    skip_command(data, sequence, why)
    print(f"command {sequence} will be skipped; start the engine again")


def entries(data: str, first: int, last: int | None) -> Iterator[Entry]:
    """The log from `first` to `last`, decoded; all of it up to there is verified on the way."""
    disk = Disk()
    _check_there(disk, data)
    reader = LogReader(disk, data)
    decoder = Decoder()
    for batch in reader.batches(reader.first_sequence - 1):
        if last is not None and batch.first_sequence > last:
            return
        for entry in decoder.entries(batch):
            if first <= entry.sequence and (last is None or entry.sequence <= last):
                yield entry
    if reader.torn is not None:
        print(f"note: {reader.torn}", file=sys.stderr)


def _check_there(disk: Disk, data: str) -> None:
    if not os.path.isdir(data) or not segment_names(disk, data):
        raise ConfigError(f"{data}: there is no journal; name the data directory with --data")


def _batch_line(batch: Batch) -> str:
    sequences = (
        f"{batch.first_sequence}" if batch.count == 1 else f"{batch.first_sequence} to {batch.last_sequence}"
    )
    return (
        f"batch {sequences}  {time_text(batch.time_ns)}  {batch.segment} offset {batch.offset}"
        f"  hash {batch.hash.hex()[:12]}"
    )
