"""Replay: what a batch of the journal says, done again from its very bytes.

The same bytes decode to the same commands, so a core that is given all batches stands where the one stood that wrote
them. Commands that the operator decided to skip (I12) are answered with Rejected(skipped) in their place.

Called by recovery, and by whoever follows or examines a log.
"""

from collections.abc import Collection
from typing import Any

import msgspec

from bus.core import Core
from bus.errors import DataDirectoryMismatch, LogBreaksEngine, MatchbusError
from bus.journal.batch import Batch, entries
from bus.protocol.codec import CommandMessage, Malformed, decode_client_message, decode_record
from bus.protocol.commands import Command, EnterOrder
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Record, Skipped, Withheld
from bus.sequencer import RECORDS, OpenBatch, apply_open_batch


def apply_logged_batch(
    core: Core, batch: Batch, skipped: Collection[int] = (), until: int | None = None
) -> None:
    """Do what a batch of the journal says. `skipped`: sequences that the operator decided to pass over.

    With `until` only the commands up to that sequence, which is one of the batch or behind it. DataDirectoryMismatch
    when the log was written under other semantics; LogBreaksEngine names the command that breaks the core, and then
    nothing more can be done with that core.
    """
    assert core.sequence == batch.first_sequence - 1, "the log has no gap"
    items = logged_items(batch)
    if any(batch.first_sequence <= sequence <= batch.last_sequence for sequence in skipped):
        items = _pass_over(items, batch.first_sequence, skipped)
    count = batch.count
    if until is not None and until < batch.last_sequence:
        count = until - batch.first_sequence + 1
        items = _only(items, count)
    try:
        apply_open_batch(core, OpenBatch(batch.first_sequence, count, batch.time_ns, b"", items))
    except MatchbusError:
        raise
    except Exception as error:
        raise LogBreaksEngine(
            core.sequence,
            f"command {core.sequence} of the log breaks the engine: {type(error).__name__}: {error};"
            f" `matchbus journal skip {core.sequence}` passes over it",
        ) from error


def logged_items(batch: Batch) -> list[CommandMessage | Record | Skipped]:
    """The messages and records of a batch of the journal. DataDirectoryMismatch for other semantics than ours."""
    items: list[CommandMessage | Record | Skipped] = []
    for session, payload in entries(batch.payload):
        if session == RECORDS:
            record = decode_record(payload)
            if isinstance(record, EngineStarted) and record.semantics_version != SEMANTICS_VERSION:
                raise DataDirectoryMismatch(
                    f"the log was written under semantics version {record.semantics_version} at sequence"
                    f" {batch.first_sequence}; this is version {SEMANTICS_VERSION}"
                )
            items.append(record)
        else:
            message = decode_client_message(payload)
            assert isinstance(message, CommandMessage), "the log holds commands and records"
            items.append(message)
    return items


def _pass_over(
    items: list[CommandMessage | Record | Skipped], sequence: int, skipped: Collection[int]
) -> list[CommandMessage | Record | Skipped]:
    """The same items with Skipped in place of what is skipped. `sequence`: that of the first command."""
    kept: list[CommandMessage | Record | Skipped] = []
    for item in items:
        if not isinstance(item, CommandMessage):
            kept.append(Skipped(0, "") if sequence in skipped else item)
            sequence += 1
            continue
        commands: list[Any] = []
        for command in item.items:
            if isinstance(command, Malformed):
                commands.append(command)
                continue
            commands.append(_skipped(command) if sequence in skipped else command)
            sequence += 1
        kept.append(msgspec.structs.replace(item, items=commands))
    return kept


def _only(
    items: list[CommandMessage | Record | Skipped], count: int
) -> list[CommandMessage | Record | Skipped]:
    """The items with the first `count` commands and records."""
    kept: list[CommandMessage | Record | Skipped] = []
    for item in items:
        if not count:
            break
        if not isinstance(item, CommandMessage):
            kept.append(item)
            count -= 1
            continue
        commands: list[Any] = []
        for command in item.items:
            if count or isinstance(command, Malformed):
                commands.append(command)
                count -= not isinstance(command, Malformed)
            else:
                commands.append(Withheld(command))
        kept.append(msgspec.structs.replace(item, items=commands))
    return kept


def _skipped(command: Command) -> Skipped:
    tag = type(command).__struct_config__.tag
    assert isinstance(tag, int), "commands are tagged with numbers"
    request_id = (
        command.client_order_id if isinstance(command, EnterOrder) else getattr(command, "request_id", "")
    )
    return Skipped(tag, request_id)
