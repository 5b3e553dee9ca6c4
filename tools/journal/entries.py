"""Batches of the log as what they hold: each command and each record with its sequence, in order.

Decoding is a function of the bytes alone, so this is what the engine did; items of a message that were malformed took
no sequence and are left out, as they were then.
"""

import json
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from bus.journal.batch import Batch
from bus.journal.batch import entries as raw_entries
from bus.protocol.codec import CommandMessage, Malformed, decode_client_message, decode_record
from bus.protocol.commands import Command
from bus.protocol.records import Record, SessionOpened
from bus.sequencer import RECORDS
from tools.decoded import named


class Entry(Struct, frozen=True):
    """One sequence of the log. A record has session 0, correlation id 0 and was created when it was logged.

    `account` is that of the session, "" for a record and where the session opened before the first batch that was read.
    """

    sequence: int
    batch: Batch
    session: int
    account: str
    correlation_id: int
    created_ns: int
    item: Command | Record


class Decoder:
    """Decodes batches in their order; remembers whose sessions are whose."""

    def __init__(self) -> None:
        self._accounts: dict[int, str] = {}

    def entries(self, batch: Batch) -> Iterator[Entry]:
        """What a batch holds. AssertionError when it holds another count than it says."""
        sequence = batch.first_sequence
        for session, payload in raw_entries(batch.payload):
            if session == RECORDS:
                record = decode_record(payload)
                if isinstance(record, SessionOpened):
                    self._accounts[record.session] = record.account
                yield Entry(sequence, batch, RECORDS, "", 0, batch.time_ns, record)
                sequence += 1
                continue
            message = decode_client_message(payload)
            assert isinstance(message, CommandMessage), "the log holds commands and records"
            account = self._accounts.get(session, "")
            for correlation_id, command in enumerate(message.items, message.correlation_id):
                if not isinstance(command, Malformed):
                    yield Entry(
                        sequence, batch, session, account, correlation_id, message.created_ns, command
                    )
                    sequence += 1
        assert sequence == batch.last_sequence + 1, "a batch takes as many sequences as it says"


def entry_values(entry: Entry) -> dict[str, Any]:
    """An entry as names and values for `--json`; `time_ns` is that of its batch."""
    return {
        "sequence": entry.sequence,
        "time_ns": entry.batch.time_ns,
        "session": entry.session,
        "account": entry.account,
        "correlation_id": entry.correlation_id,
        "created_ns": entry.created_ns,
        **named(entry.item),
    }


def entry_words(entry: Entry) -> str:
    """An entry for people: its type and its fields, those left out that say nothing."""
    values = named(entry.item)
    kind = values.pop("type")
    told = (f"{name}={_told(value)}" for name, value in values.items() if value not in (None, "", [], 0))
    return " ".join([kind, *told])


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "(" + " ".join(f"{name}={_told(inner)}" for name, inner in value.items() if name != "type") + ")"
        )
    if isinstance(value, list):
        return ",".join(map(_told, value))
    if isinstance(value, str) and not (value.isprintable() and " " not in value):
        return json.dumps(value)  # a remark: it ends where it ends, and holds nothing that a terminal obeys
    return str(value)
