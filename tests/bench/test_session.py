"""What the bench's client reads of an envelope without decoding it."""

import pytest
from msgspec import Raw

from bus.protocol.codec import decode_envelope, encode, encode_envelope
from bus.protocol.control import EngineHeartbeat
from tools.bench.reader import Count
from tools.bench.session import header

EDGES = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1]


@pytest.mark.parametrize("session", [1, 200, 70_000])
@pytest.mark.parametrize("first_report", EDGES)
@pytest.mark.parametrize("log_sequence", EDGES)
def test_the_head_of_an_envelope_is_read_as_the_codec_reads_it(
    session: int, first_report: int, log_sequence: int
) -> None:
    envelope = encode_envelope(session, 3, first_report, log_sequence, 2**60, Raw(encode([])))
    whole = decode_envelope(envelope)
    assert header(envelope) == (whole.first_report, whole.log_sequence) == (first_report, log_sequence)


def test_an_answer_is_told_from_reports() -> None:
    assert header(encode_envelope(9, 1, 0, 77, 1, (EngineHeartbeat(5, 6),)))[0] == 0


def test_the_reader_counts_what_it_misses_for_each_topic() -> None:
    count = Count()

    def publish(topic: bytes, first_number: int, events: int) -> None:
        count.take(topic, encode((1, 0, 1, first_number, events, 1, 1, [0] * events)))

    publish(b"trade.A.", 5, 2)
    publish(b"level.A.", 1, 1)
    publish(b"heartbeat.A.", 0, 1)
    publish(b"trade.A.", 7, 1)
    publish(b"trade.A.", 11, 1)
    assert (count.frames, count.events, count.missed) == (5, 5, 3)
