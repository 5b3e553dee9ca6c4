"""What readers ask a shadow: at once out of its rings, or behind a walk; bounded, and each request answered once."""

from typing import Any

import pytest

from bus.process import this_process
from bus.protocol import reasons
from bus.protocol.codec import decode_recovery_envelope, encode_message
from bus.protocol.control import QueryInstruments, Refused
from bus.protocol.recovery import NotKept, Replay, Replayed, Snapshot
from bus.protocol.status import ProcessStatus, QueryStatus
from bus.protocol.terms import L3
from bus.replication import deep_recovery as module
from bus.replication.deep_recovery import DeepRecovery
from bus.replication.walk_protocol import WalkAnswer, WalkRequest
from bus.sessions import Sessions
from bus.sockets.outbound import Departure
from bus.sockets.publication import Publication
from matcher.codec.state_codec import decode_state
from matcher.engine import Engine
from tests.replication.engines import Engineless
from tests.support.simulated_disk import SimulatedDisk

TOPIC = "order.BTC-USD."
TOKEN = "5e" * 32
ALICE, BOB = b"\0aaaa", b"\0bbbb"


class Deep:
    """A DeepRecovery over a core whose history is older than its rings, and the messages that readers send."""

    def __init__(self) -> None:
        self.engine = Engineless(SimulatedDisk()).start()
        self.engine.trade(30)
        core = Engine(decode_state(self.engine.core.encode_state()))
        self.last = core.numbers("BTC-USD")[2]
        self.core = core
        self.recovery = DeepRecovery(
            core, Publication(core, Sessions(), 1, 1000), 10_000, TOKEN, self._status
        )

    def _status(self, correlation_id: int) -> ProcessStatus:
        return this_process("shadow").status(correlation_id, 1, self.core.sequence, 1)

    def ask(self, route: bytes, correlation_id: int, *items: Any) -> None:
        self.recovery.take(route, encode_message(0, correlation_id, 0, items))

    def pass_ms(self, ms: int) -> None:
        self.recovery.now_ns += ms * 1_000_000
        self.recovery.pass_time()

    def answers(self) -> list[tuple[bytes, Any]]:
        departure = Departure(0)
        self.recovery.answer(departure)
        assert self.recovery.idle
        return [
            (route, item)
            for route, payload in departure.recovery
            for item in decode_recovery_envelope(payload).items
        ]


@pytest.fixture
def deep() -> Deep:
    return Deep()


def test_what_no_ring_has_is_walked_for_and_all_who_wait_are_answered(deep: Deep) -> None:
    deep.ask(ALICE, 1, Replay(TOPIC, 5, 9))
    deep.ask(BOB, 7, Replay(TOPIC, 5, 30))
    assert deep.answers() == []
    walk = deep.recovery.next_walk()
    assert walk == WalkRequest(TOPIC, 5, 30, deep.core.sequence)
    assert deep.recovery.next_walk() is None, "one at a time"
    deep.ask(b"\0cccc", 8, Replay(TOPIC, 5, 30))
    deep.recovery.walked(WalkAnswer([b"a", b"b"]))
    assert deep.answers() == [
        (ALICE, Replayed(1, TOPIC, [b"a", b"b"])),
        (BOB, Replayed(7, TOPIC, [b"a", b"b"])),
        (b"\0cccc", Replayed(8, TOPIC, [b"a", b"b"])),
    ]
    assert deep.recovery.next_walk() is None
    assert deep.recovery.replays == 3


def test_walks_are_made_in_the_order_in_which_they_were_asked_for(deep: Deep) -> None:
    for number in (30, 10, 20):
        deep.ask(ALICE, number, Replay(TOPIC, number, number))
    for number in (30, 10, 20):
        walk = deep.recovery.next_walk()
        assert walk is not None
        assert walk.first_number == number
        deep.recovery.walked(WalkAnswer([b"%d" % number]))
        assert deep.answers() == [(ALICE, Replayed(number, TOPIC, [b"%d" % number]))]


def test_what_is_in_a_ring_is_answered_at_once(deep: Deep) -> None:
    deep.recovery._publication.feed_rings["clock."] = deep.engine.recovery.publication.feed_rings[TOPIC]
    deep.ask(ALICE, 1, Replay("clock.", 1, 1))
    ((_, answer),) = deep.answers()
    assert answer.frames == deep.engine.published[TOPIC][:1]
    assert deep.recovery.next_walk() is None


@pytest.mark.parametrize("first", [0, 10**6])
def test_what_does_not_exist_is_not_kept(deep: Deep, first: int) -> None:
    first = deep.last + 1 if first else 0
    deep.ask(ALICE, 1, Replay(TOPIC, first, first + 1))
    assert deep.answers() == [(ALICE, NotKept(1, TOPIC, 1, deep.last + 1))]
    assert deep.recovery.next_walk() is None


@pytest.mark.parametrize(
    "topic", ["order.NONE.", "heartbeat.BTC-USD.", "heartbeat.clock.", "order.BTC-USD", "x", ""]
)
def test_what_is_no_topic_is_refused(deep: Deep, topic: str) -> None:
    deep.ask(ALICE, 1, Replay(topic, 1, 1))
    ((_, answer),) = deep.answers()
    assert (type(answer), answer.reason) == (Refused, reasons.NOT_OFFERED)


def test_the_drop_copy_is_for_those_who_have_the_token(deep: Deep) -> None:
    for token in ("", "wrong"):
        deep.ask(ALICE, 1, Replay("drop.", 1, 1, token))
        ((_, answer),) = deep.answers()
        assert answer.reason == reasons.BAD_TOKEN
    assert deep.recovery.next_walk() is None
    deep.ask(ALICE, 1, Replay("drop.", 1, 1, TOKEN))
    assert deep.recovery.next_walk() == WalkRequest("drop.", 1, 1, deep.core.sequence)


def test_no_page_is_asked_for_beyond_what_there_is(deep: Deep) -> None:
    deep.ask(ALICE, 1, Replay(TOPIC, 5, 2**62))
    walk = deep.recovery.next_walk()
    assert walk is not None
    assert walk.last_number == deep.last


def test_who_asks_for_the_same_again_is_answered_under_the_new_id(deep: Deep) -> None:
    deep.ask(ALICE, 1, Replay(TOPIC, 5, 9))
    assert deep.recovery.next_walk() is not None
    deep.ask(ALICE, 2, Replay(TOPIC, 5, 9))
    ((_, answer),) = deep.answers()
    assert (answer.correlation_id, answer.reason) == (1, reasons.QUEUE_FULL)
    deep.recovery.walked(WalkAnswer([b"a"]))
    assert deep.answers() == [(ALICE, Replayed(2, TOPIC, [b"a"]))]


def test_who_waits_for_long_is_told_to_ask_again_and_finds_the_page_when_it_is_there(deep: Deep) -> None:
    deep.ask(ALICE, 1, Replay(TOPIC, 5, 9))
    assert deep.recovery.next_walk() is not None
    deep.pass_ms(module.PATIENCE_MS - 1)
    assert deep.answers() == []
    deep.ask(BOB, 2, Replay(TOPIC, 5, 9))
    deep.pass_ms(1)
    ((route, answer),) = deep.answers()
    assert (route, answer.correlation_id, answer.reason) == (ALICE, 1, reasons.QUEUE_FULL)
    deep.pass_ms(module.PATIENCE_MS)
    ((route, answer),) = deep.answers()
    assert (route, answer.correlation_id) == (BOB, 2)
    deep.recovery.walked(WalkAnswer([b"a"]))
    assert deep.answers() == []
    deep.ask(ALICE, 3, Replay(TOPIC, 5, 9))
    assert deep.answers() == [(ALICE, Replayed(3, TOPIC, [b"a"]))]
    assert deep.recovery.replays == 1
    deep.ask(BOB, 4, Replay(TOPIC, 5, 9))  # kept once: it is walked through by now, and soon had again
    assert deep.recovery.next_walk() is not None


def test_a_page_for_which_nobody_asks_any_longer_is_not_walked_for(deep: Deep) -> None:
    for number in (5, 6, 7):
        deep.ask(ALICE, number, Replay(TOPIC, number, number))
    walk = deep.recovery.next_walk()
    assert walk is not None
    deep.pass_ms(module.FORGOTTEN_MS - 1)
    deep.ask(ALICE, 8, Replay(TOPIC, 7, 7))
    deep.pass_ms(1)
    assert len(deep.answers()) == 3
    deep.recovery.walked(WalkAnswer([b"a"]))
    walk = deep.recovery.next_walk()
    assert walk is not None
    assert walk.first_number == 7


def test_pages_that_nobody_took_are_kept_up_to_a_number(deep: Deep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WALKED_MAX", 2)
    for number in (5, 6, 7):
        deep.ask(ALICE, number, Replay(TOPIC, number, number))
        assert deep.recovery.next_walk() is not None
        deep.pass_ms(module.PATIENCE_MS)
        deep.recovery.walked(WalkAnswer([b"%d" % number]))
    assert len(deep.answers()) == 3
    for number in (6, 7):
        deep.ask(ALICE, number, Replay(TOPIC, number, number))
        assert deep.answers() == [(ALICE, Replayed(number, TOPIC, [b"%d" % number]))]
    deep.ask(ALICE, 5, Replay(TOPIC, 5, 5))
    assert deep.answers() == []


def test_how_much_may_wait_is_bounded_for_one_reader_and_for_all(
    deep: Deep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_PER_READER_MAX", 3)
    monkeypatch.setattr(module, "WAITING_MAX", 5)
    for number in range(1, 5):
        deep.ask(ALICE, number, Replay(TOPIC, number, number))
    ((route, answer),) = deep.answers()
    assert (route, answer.correlation_id, answer.reason) == (ALICE, 4, reasons.QUEUE_FULL)
    assert answer.text.startswith("3 pages of old history are waited for by this reader")
    for number in range(11, 14):
        deep.ask(BOB, number, Replay(TOPIC, number, number))
    ((route, answer),) = deep.answers()
    assert (route, answer.correlation_id) == (BOB, 13)
    assert answer.text.startswith("5 pages of old history wait")
    deep.ask(BOB, 14, Replay(TOPIC, 1, 1))  # for that one somebody waits already
    assert deep.answers() == []
    for number in (1, 2, 3):
        assert deep.recovery.next_walk() is not None
        deep.recovery.walked(WalkAnswer([b"a"]))
        assert len(deep.answers()) == 1 + (number == 1)
    deep.ask(ALICE, 20, Replay(TOPIC, 20, 20))
    assert deep.answers() == []


def test_what_is_gone_from_the_log_is_not_kept_and_a_problem_is_said(deep: Deep) -> None:
    deep.ask(ALICE, 1, Replay(TOPIC, 5, 9))
    deep.recovery.next_walk()
    deep.recovery.walked(WalkAnswer([], 20))
    assert deep.answers() == [(ALICE, NotKept(1, TOPIC, 20, deep.last + 1))]
    for replaced, reason in ((False, reasons.NOT_OFFERED), (True, reasons.QUEUE_FULL)):
        deep.ask(ALICE, 2, Replay(TOPIC, 5, 9))
        deep.recovery.next_walk()
        deep.recovery.walked(WalkAnswer([], 1, "it is damaged", replaced))
        ((_, answer),) = deep.answers()
        assert (answer.correlation_id, answer.reason) == (2, reason)
        assert "it is damaged" in answer.text


def test_while_it_is_unable_it_answers_how_it_is_and_nothing_else(deep: Deep) -> None:
    deep.ask(ALICE, 1, Replay(TOPIC, 5, 9))
    deep.recovery.unable = "it begins anew"
    assert deep.recovery.next_walk() is None
    deep.recovery.give_up("it begins anew")
    deep.ask(ALICE, 2, Replay(TOPIC, 5, 9), Snapshot("BTC-USD", L3), QueryInstruments(), QueryStatus())
    answers = [answer for _, answer in deep.answers()]
    assert [type(answer) for answer in answers] == [Refused] * 4 + [ProcessStatus]
    assert [answer.correlation_id for answer in answers] == [1, 2, 3, 4, 5]
    assert {(a.reason, a.text) for a in answers[:-1]} == {(reasons.QUEUE_FULL, "it begins anew")}
    deep.recovery.unable = ""
    assert deep.recovery.next_walk() is None
    deep.ask(ALICE, 6, Snapshot("BTC-USD", L3))
    ((_, answer),) = deep.answers()
    assert answer.log_sequence == deep.core.sequence
