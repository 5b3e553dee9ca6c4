"""Old history, walked: frames byte by byte as they were published, from the nearest state, each command once."""

import io
import os
from dataclasses import replace

import pytest

from bus.core import Core
from bus.journal.checkpoint import Checkpoint, CheckpointStore
from bus.protocol.codec import decode_drop_frame, decode_frame
from bus.replication import walks as module
from bus.replication.walk_protocol import LENGTH, WalkAnswer, WalkRequest, decode_answer, framed
from bus.replication.walks import Walks, serve
from tests.replication.engines import ROOT, Engineless
from tests.support.simulated_disk import SimulatedDisk
from tools.shadow import make_core


class Begun:
    """Walks over an engine's log that tell where they began."""

    def __init__(self, disk: SimulatedDisk, ring: int = 10_000) -> None:
        self.sequences: list[int] = []

        def make(payload: bytes) -> Core:
            core = make_core(payload)
            self.sequences.append(core.sequence)
            return core

        self.walks = Walks(disk, ROOT, CheckpointStore(ROOT, disk), make, ring)

    def ask(self, topic: str, first: int, last: int, until: int) -> WalkAnswer:
        return self.walks.answer(WalkRequest(topic, first, last, until))


@pytest.fixture
def disk() -> SimulatedDisk:
    return SimulatedDisk()


@pytest.fixture
def engine(disk: SimulatedDisk) -> Engineless:
    """Three incarnations, with a checkpoint each at the end of the first and the second."""
    engine = Engineless(disk)
    for epoch in (1, 2, 3):
        engine.start()
        engine.trade(40)
        engine.tick()
        engine.stop(checkpoint=epoch < 3)
    return engine


def first_number(topic: str, frame: bytes) -> int:
    return (decode_drop_frame if topic == "drop." else decode_frame)(frame).first_number


def test_every_topic_from_its_first_event_is_as_it_was_published(
    disk: SimulatedDisk, engine: Engineless
) -> None:
    begun = Begun(disk)
    assert set(engine.published) >= {"trade.BTC-USD.", "level.BTC-USD.", "order.BTC-USD.", "clock.", "drop."}
    for topic, frames in engine.published.items():
        answer = begun.ask(topic, 1, 10**9, engine.core.sequence)
        assert (answer.frames, answer.problem) == (frames, ""), topic
    assert begun.sequences.count(0) == 1, "one walk for all of them"


def test_it_begins_at_the_nearest_checkpoint_before_the_event(
    disk: SimulatedDisk, engine: Engineless
) -> None:
    headers = sorted(header.sequence for header in engine.store.candidates()[0])
    topic = "order.BTC-USD."
    for began, epoch in ((0, 1), (headers[0], 2), (headers[1], 3)):
        begun = Begun(disk)
        wanted = [frame for frame in engine.published[topic] if decode_frame(frame).epoch == epoch]
        first = first_number(topic, wanted[0])
        last = first_number(topic, wanted[-1])
        answer = begun.ask(topic, first, last, engine.core.sequence)
        assert answer.frames == wanted
        assert begun.walks._walks[0].core.sequence > began
        assert begun.sequences[-1] == began or began in begun.sequences
        # And in a ring of what it has walked through, for whoever asks next.
        before = len(begun.sequences)
        assert begun.ask(topic, first, last, engine.core.sequence) == answer
        assert len(begun.sequences) == before


def test_the_page_that_follows_goes_on_where_the_last_one_ended(
    disk: SimulatedDisk, engine: Engineless, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = "level.BTC-USD."
    monkeypatch.setattr(module, "REPLAY_BYTES_MAX", 300)
    monkeypatch.setattr("bus.sockets.recovery.REPLAY_BYTES_MAX", 300)
    begun = Begun(disk)
    got: list[bytes] = []
    sequences = []
    following = 1
    while len(got) < len(engine.published[topic]):
        page = begun.ask(topic, following, 10**9, engine.core.sequence).frames
        assert page
        assert sum(map(len, page)) <= 300 or len(page) == 1
        got += page
        last = decode_frame(page[-1])
        following = last.first_number + last.count
        sequences.append(begun.walks._walks[0].core.sequence)
        for behind in engine.published[topic][len(got) : len(got) + 1]:
            assert sequences[-1] <= decode_frame(behind).log_sequence, "no further than the page needs"
    assert got == engine.published[topic]
    assert sequences == sorted(sequences)
    assert len(set(sequences)) > 20
    assert begun.sequences.count(0) == 1


def test_what_comes_later_is_walked_to_from_where_a_walk_stands(
    disk: SimulatedDisk, engine: Engineless
) -> None:
    begun = Begun(disk, ring=20)
    topic = "order.BTC-USD."
    for index in (0, 15, 30):  # all of them before the first checkpoint
        first = first_number(topic, engine.published[topic][index])
        assert begun.ask(topic, first, first, engine.core.sequence).frames == [engine.published[topic][index]]
    assert begun.sequences.count(0) == 1


def test_a_checkpoint_of_another_history_is_passed_over(disk: SimulatedDisk, engine: Engineless) -> None:
    header = engine.store.candidates()[0][0]
    checkpoint = engine.store.load(header)
    engine.store.write(Checkpoint(replace(header, journal_hash=bytes(32)), checkpoint.payload))
    begun = Begun(disk)
    topic = "order.BTC-USD."
    frames = [frame for frame in engine.published[topic] if decode_frame(frame).epoch == 3]
    assert begun.ask(topic, first_number(topic, frames[0]), 10**9, engine.core.sequence).frames == frames
    assert begun.walks._bad == {replace(header, journal_hash=bytes(32))}


def test_two_readers_at_two_places_do_not_send_each_other_back(
    disk: SimulatedDisk, engine: Engineless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPLAY_BYTES_MAX", 200)
    monkeypatch.setattr("bus.sockets.recovery.REPLAY_BYTES_MAX", 200)
    begun = Begun(disk, ring=60)
    topic = "order.BTC-USD."
    number = {0: 1, 1: first_number(topic, engine.published[topic][60])}
    got: dict[int, list[bytes]] = {0: [], 1: []}
    for turn in range(20):
        reader = turn % 2
        page = begun.ask(topic, number[reader], 10**9, engine.core.sequence).frames
        got[reader] += page
        last = decode_frame(page[-1])
        number[reader] = last.first_number + last.count
    assert got[0] == engine.published[topic][: len(got[0])]
    assert got[1] == engine.published[topic][60 : 60 + len(got[1])]
    assert len(begun.sequences) <= 2 + len(engine.store.candidates()[0])


def test_no_more_walks_are_kept_than_allowed(disk: SimulatedDisk, engine: Engineless) -> None:
    begun = Begun(disk, ring=1)
    topic = "order.BTC-USD."
    for index in (90, 60, 30, 0):
        first = first_number(topic, engine.published[topic][index])
        assert begun.ask(topic, first, first, engine.core.sequence).frames == [engine.published[topic][index]]
        assert len(begun.walks._walks) <= module.WALKS_KEPT


def test_it_goes_no_further_than_what_is_durable(disk: SimulatedDisk, engine: Engineless) -> None:
    begun = Begun(disk)
    until = decode_frame(engine.published["clock."][0]).log_sequence
    answer = begun.ask("clock.", 1, 10**9, until)
    assert answer.frames == engine.published["clock."][:1]
    assert begun.walks._walks[0].core.sequence == until


def test_without_the_beginning_of_the_log_it_says_what_is_the_oldest_that_can_be_had(
    disk: SimulatedDisk,
) -> None:
    engine = Engineless(disk).start()
    engine.trade(400)
    engine.stop(checkpoint=True)
    engine.start()
    engine.trade(20)
    engine.stop()
    names = [name for name in disk.names(ROOT) if name.endswith(".mbj")]
    disk.unlink(os.path.join(ROOT, names[0]))
    topic = "order.BTC-USD."
    begun = Begun(disk)
    oldest = begun.ask(topic, 1, 10, engine.core.sequence).oldest_number
    second = [frame for frame in engine.published[topic] if decode_frame(frame).epoch == 2]
    assert oldest == first_number(topic, second[0])
    assert begun.ask(topic, oldest, 10**9, engine.core.sequence).frames == second
    assert begun.ask(topic, oldest - 1, 10**9, engine.core.sequence) == WalkAnswer([], oldest)
    disk.unlink(engine.store.path(engine.store.candidates()[0][0].sequence))
    assert "and no state before it" in Begun(disk).ask(topic, oldest, oldest, engine.core.sequence).problem


def test_a_damaged_checkpoint_is_passed_over(disk: SimulatedDisk, engine: Engineless) -> None:
    for header in engine.store.candidates()[0]:
        disk.content(engine.store.path(header.sequence))[-1] ^= 1
    begun = Begun(disk)
    topic = "order.BTC-USD."
    frames = [frame for frame in engine.published[topic] if decode_frame(frame).epoch == 3]
    first = first_number(topic, frames[0])
    assert begun.ask(topic, first, 10**9, engine.core.sequence).frames == frames
    assert begun.sequences == [0]


def test_damage_in_the_log_is_a_problem_and_no_answer(disk: SimulatedDisk, engine: Engineless) -> None:
    name = next(name for name in disk.names(ROOT) if name.endswith(".mbj"))
    disk.content(os.path.join(ROOT, name))[3000] ^= 1
    begun = Begun(disk)
    for _ in range(2):
        answer = begun.ask("order.BTC-USD.", 1, 10**9, engine.core.sequence)
        assert answer.frames == []
        assert "the batch is not intact, and it had been synced" in answer.problem
    assert begun.walks._walks == []


def test_requests_come_and_answers_leave_through_two_pipes(disk: SimulatedDisk, engine: Engineless) -> None:
    requests = [WalkRequest("clock.", n, n, engine.core.sequence) for n in (1, 3, 2)]
    answers = io.BytesIO()
    serve(io.BytesIO(b"".join(map(framed, requests))), answers, Begun(disk).walks)
    answers.seek(0)
    for request in requests:
        (length,) = LENGTH.unpack(answers.read(LENGTH.size))
        frames = decode_answer(answers.read(length)).frames
        assert frames == [engine.published["clock."][request.first_number - 1]]
    assert answers.read() == b""
