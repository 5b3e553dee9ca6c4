"""The replay ring against a plain list that keeps everything."""

from hypothesis import given
from hypothesis import strategies as st

from bus.sockets.rings import Ring


@given(st.lists(st.integers(1, 7), max_size=400), st.integers(1, 40), st.integers(1, 5))
def test_a_ring_keeps_the_newest_frames_and_finds_each_number(
    counts: list[int], events_max: int, first: int
) -> None:
    ring: Ring[str] = Ring(events_max, first)
    assert (ring.oldest_number, ring.next_number, list(ring.since(first))) == (first, first, [])
    frames: list[tuple[int, int, str]] = []
    for i, count in enumerate(counts):
        ring.add(ring.next_number, count, f"frame {i}")
        frames.append((frames[-1][0] + frames[-1][1] if frames else first, count, f"frame {i}"))
        kept = list(frames)
        while len(kept) > 1 and sum(frame[1] for frame in kept) > events_max:
            del kept[0]
        assert ring.oldest_number == kept[0][0]
        assert ring.next_number == kept[-1][0] + kept[-1][1]
        assert list(ring.since(ring.oldest_number)) == kept
    for number in range(first - 1, ring.next_number + 2):
        found = list(ring.since(number))
        if ring.oldest_number <= number < ring.next_number:
            assert found[0][0] <= number < found[0][0] + found[0][1]
            assert found == frames[frames.index(found[0]) :]
        else:
            assert found == []


def test_after_a_gap_a_ring_starts_anew() -> None:
    ring: Ring[str] = Ring(100)
    ring.add(1, 2, "a")
    ring.add(5, 1, "b")
    assert (ring.oldest_number, ring.next_number) == (5, 6)
    assert list(ring.since(1)) == []
    assert list(ring.since(5)) == [(5, 1, "b")]


def test_what_a_ring_drops_it_lets_go() -> None:
    ring: Ring[bytes] = Ring(10)
    for number in range(1, 10_000):
        ring.add(number, 1, b"")
    assert len(ring._entries) < 200
