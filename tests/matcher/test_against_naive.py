"""The matcher against the naive exchange: the same log, the same events, to the last field.

Hypothesis draws short logs; long walks get into deeper water. Both are the same each time, and a walk has its seed in
the name of the test; for others see `tests.support.drawn`.
"""

import pytest
from hypothesis import given

from bus.protocol import reports
from matcher.engine import Engine
from tests.support.drawn import drawn, seeds
from tests.support.markets import Clock, Message, Record, Step, logs, walk
from tests.support.naive_book import NaiveExchange
from tests.support.naive_voice import Event

ACCEPTED_DEFAULTS = (None,) * 13 + reports.Accepted.__struct_defaults__


def both(steps: list[Step], *, check_every: int = 1) -> None:
    """Drive both through a log, one command at a time, and compare."""
    engine, naive, clock = Engine(), NaiveExchange(), Clock()
    for number, step in enumerate(steps):
        time_ns = clock.after(step, engine.state.time_ns)
        if isinstance(step, Record):
            expected = naive.apply(step.record, time_ns)
            engine.apply_record(step.record, time_ns)
            assert taken(engine) == expected, f"step {number}: {step}"
            continue
        created_ns = max(0, time_ns - step.age_ns)
        for i, item in enumerate(step.items):
            if not is_command(item):
                continue
            one = Message(step.session, (item,))
            expected = naive.apply(item, time_ns, step.session, step.correlation_id + i, created_ns)
            count = engine.apply_message(step.session, step.correlation_id + i, created_ns, [item], time_ns)
            assert count == 1
            assert taken(engine) == expected, f"step {number}: {one}"
            assert engine.state.sequence == naive.sequence
            assert engine.state.time_ns == naive.time_ns
        if number % check_every == 0:
            engine.state.check()
    engine.state.check()


def taken(engine: Engine) -> list[tuple[str, Event]]:
    """The events of the last command; an Accepted with the fields that it leaves out at its end."""
    private, public = engine.take_outputs()
    return [
        (stream, event + ACCEPTED_DEFAULTS[len(event) - 1 :] if event[0] == reports.ACCEPTED else event)
        for stream, _, events in private + public
        for event in events
    ]


def is_command(item: object) -> bool:
    """Malformed items take no sequence."""
    return type(item).__name__ != "Malformed"


@drawn(120)
@given(logs())
def test_every_event_is_the_naive_one(steps: list[Step]) -> None:
    both(steps)


@pytest.mark.parametrize("seed", seeds(30))
def test_long_walks_too(seed: int) -> None:
    both(walk(seed, 500), check_every=10)
