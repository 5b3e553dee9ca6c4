"""One reader of an own channel: nothing of before its beginning is told, nothing twice, not more than fits is held."""

import asyncio

import pytest

from web.stream import readers
from web.stream.channels import ORDERS
from web.stream.client import TOO_SLOW, Client
from web.stream.readers import Reader


class Way:
    """The way out of a real Client: what left, and with which code it was ended."""

    def __init__(self) -> None:
        self.left: list[bytes] = []
        self.codes: list[int] = []
        self.client = Client(self._write, lambda code, _: self.codes.append(code))

    def _write(self, messages: list[bytes]) -> "asyncio.Future[None]":
        self.left.extend(messages)
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        taken.set_result(None)
        return taken


def test_a_reader_is_told_from_its_beginning_on_and_nothing_twice() -> None:
    async def story() -> None:
        way = Way()
        reader = Reader(ORDERS, way.client, 4)
        generation = reader.begin()
        for number in (3, 4, 5):
            reader.take(number, b"held %d" % number)
        await reader.tell_all([b"before"])
        await reader.go_live(5, generation)
        # An instance that is behind the one that told it of report 4 comes to it only now.
        for number in (4, 5, 6, 6, 7):
            reader.take(number, b"live %d" % number)
        await way.client.drained()
        assert way.left == [b"before", b"held 5", b"live 6", b"live 7"]

    asyncio.run(story())


def test_a_reader_that_begins_anew_forgets_what_was_held_for_it() -> None:
    async def story() -> None:
        way = Way()
        reader = Reader(ORDERS, way.client, None)
        reader.begin()
        reader.take(9, b"of a past that is withdrawn")
        generation = reader.begin()
        reader.take(7, b"seven")
        await reader.go_live(7, generation)
        await way.client.drained()
        assert way.left == [b"seven"]

    asyncio.run(story())


def test_who_is_behind_while_more_is_held_than_may_be_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "HELD_MAX", 3)

    async def story() -> None:
        way = Way()
        reader = Reader(ORDERS, way.client, None)
        reader.begin()
        for number in range(4):
            reader.take(number, b"")
        assert way.codes == [TOO_SLOW]

    asyncio.run(story())
