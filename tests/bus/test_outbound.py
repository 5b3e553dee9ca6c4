"""The order in which departures leave: each behind its generation, all of them in order."""

from hypothesis import given
from hypothesis import strategies as st

from bus.sockets.outbound import Departure, Outbound


@given(st.lists(st.tuples(st.sampled_from(["write", "answer", "durable"]), st.integers(0, 3)), max_size=80))
def test_nothing_leaves_before_its_generation_and_nothing_overtakes(steps: list[tuple[str, int]]) -> None:
    left: list[Departure] = []
    outbound = Outbound(left.append)
    added: list[Departure] = []
    written = durable = 0
    for step, size in steps:
        if step == "durable":
            durable = min(durable + size, written)
            outbound.release(durable)
        else:
            written += step == "write"
            departure = Departure(written, size if step == "write" else 0)
            departure.letters.append((None, b"", b"x" * size))
            departure.recovery.append((b"", b"y" * size))
            added.append(departure)
            outbound.add(departure, durable)
        assert left == [departure for departure in added if departure.generation <= durable]
        waiting = added[len(left) :]
        assert outbound.waiting_commands == sum(departure.commands for departure in waiting)
        assert outbound.waiting_bytes == sum(len(d.letters[0][2]) + len(d.recovery[0][1]) for d in waiting)
    outbound.release(written)
    assert left == added
    assert (outbound.waiting_commands, outbound.waiting_bytes) == (0, 0)
