"""The chain over what an engine publishes: a function of its log, and of the incarnation alone."""

from hashlib import sha256

import msgspec

from bus.protocol.codec import decode_frame
from bus.protocol.feed import StreamHeartbeat
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Rules, SessionOpened, TimeTicked
from bus.protocol.terms import CLOCK_SYSTEM, OPERATOR
from bus.sessions import Sessions
from bus.sockets.outbound import Departure
from bus.sockets.publication import NO_OUTPUTS, Publication
from matcher.codec.state_codec import decode_state
from matcher.engine import Engine
from tests.node.parties import BTC_USD, buy, sell

RULES = Rules(1000, 1000, 10)
NOON = 1_700_000_000_000_000_000


class Incarnations:
    """A core and its publication, as an engine has them; `said` is what left of the last batch."""

    def __init__(self, core: Engine | None = None, output_hash: bytes = NO_OUTPUTS) -> None:
        self.core = core or Engine()
        self.publication = Publication(self.core, Sessions(), 100, 100, output_hash)
        self.said = Departure(0)

    def start(self, epoch: int) -> None:
        self.core.apply_record(EngineStarted(epoch, SEMANTICS_VERSION, CLOCK_SYSTEM, RULES), NOON)
        self.collect()

    def open(self) -> None:
        self.core.apply_record(SessionOpened(1, "alice", OPERATOR, 0, False), NOON)
        self.collect()
        self.trade(BTC_USD)

    def trade(self, *commands: msgspec.Struct) -> None:
        self.core.apply_message(1, 1, self.core.time_ns, commands, self.core.time_ns + 1)
        self.collect()

    def collect(self) -> None:
        self.said = Departure(0)
        self.publication.collect_private(self.said)
        self.publication.collect_public(self.said)

    @property
    def hash(self) -> bytes:
        return self.publication.output_hash


def test_it_covers_drop_copy_topics_and_frames_of_each_batch_in_their_order() -> None:
    engine = Incarnations()
    engine.start(1)
    assert engine.hash == NO_OUTPUTS, "nothing was said"
    engine.open()
    expected = sha256(NO_OUTPUTS + engine.said.drop[0][1])
    for topic, frame in engine.said.public:
        expected.update(topic + frame)
    assert engine.hash == expected.digest()
    before = engine.hash
    engine.trade(buy("a"), sell("b"))
    assert len(engine.said.drop) == 1
    assert len({topic for topic, _ in engine.said.public}) == 3
    expected = sha256(before + engine.said.drop[0][1])
    for topic, frame in engine.said.public:
        expected.update(topic + frame)
    assert engine.hash == expected.digest()


def test_it_begins_anew_with_each_incarnation_whatever_was_before() -> None:
    engine, other = Incarnations(), Incarnations()
    for one, price in ((engine, 100), (other, 101)):
        one.start(1)
        one.open()
        one.trade(buy("a", price))
    assert engine.hash != other.hash
    for one in (engine, other):
        one.start(2)
        assert one.hash == NO_OUTPUTS


def test_a_batch_without_outputs_changes_nothing() -> None:
    engine = Incarnations()
    engine.start(1)
    engine.open()
    before = engine.hash
    engine.core.apply_record(SessionOpened(2, "bob", OPERATOR, 0, False), NOON)
    engine.collect()
    assert engine.hash == before


def test_one_that_begins_at_a_checkpoint_with_its_hash_goes_on_as_the_first_does() -> None:
    engine = Incarnations()
    engine.start(1)
    engine.open()
    engine.trade(buy("a"))
    later = Incarnations(Engine(decode_state(engine.core.encode_state())), engine.hash)
    for one in (engine, later):
        one.trade(sell("b"))
        one.core.apply_record(TimeTicked(), NOON + 1000)
        one.collect()
    assert engine.hash == later.hash


def test_one_that_lets_outputs_go_has_the_right_one_from_the_next_start_on() -> None:
    engine, recovered = Incarnations(), Incarnations()
    for one in (engine, recovered):
        one.core.apply_record(EngineStarted(1, SEMANTICS_VERSION, CLOCK_SYSTEM, RULES), NOON)
        one.publication.skip()
        one.start(2)
    engine.open()
    recovered.open()
    assert engine.hash == recovered.hash != NO_OUTPUTS


def test_the_heartbeat_of_the_clock_tells_it() -> None:
    engine = Incarnations()
    engine.start(1)
    engine.open()
    departure = Departure(0)
    engine.publication.heartbeats(departure)
    frames = {topic: decode_frame(frame) for topic, frame in departure.public + departure.drop}
    assert frames[b"heartbeat.clock."].events == [StreamHeartbeat(0, engine.hash)]
    assert frames[b"heartbeat.clock."].log_sequence == engine.core.sequence
    assert frames[b"heartbeat.drop."].events == [StreamHeartbeat(engine.core.report_count())]
