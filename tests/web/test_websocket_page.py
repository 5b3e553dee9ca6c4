"""docs/websocket.md: what it names is all there is, and its client keeps a book through a restart of the web."""

import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import msgspec
import pytest

from tests.support.processes import LINE_S
from tests.support.venue import Venue
from web.schemas import own, stream
from web.stream.account import ORDERS_PER_MESSAGE, PAST_S_MAX, RESUMED_REPORTS_MAX
from web.stream.channels import CHANNELS
from web.stream.client import CLOSE_REASONS, QUEUE_BYTES_MAX, QUEUE_MESSAGES_MAX
from web.stream.conversation import (
    FLOOD_BURST,
    FLOOD_PER_SECOND,
    LOGIN_S,
    MESSAGES_BURST,
    MESSAGES_PER_SECOND,
    MISTAKES_BURST,
    SUBSCRIPTIONS_MAX,
)
from web.stream.frames import COMPRESSED_BYTES_MIN
from web.stream.order_entry import UNDER_WAY_MAX
from web.stream.reporting import EVENTS
from web.stream.sockets import MESSAGE_BYTES_MAX

PAGE = (Path(__file__).parents[2] / "docs/websocket.md").read_text(encoding="utf-8")


def test_every_channel_message_and_close_code_is_on_the_page() -> None:
    for channel in CHANNELS:
        assert f"`{channel}`" in PAGE
    for code in CLOSE_REASONS:
        assert f"| {code} |" in PAGE
    kinds = [
        kind
        for kind in {**vars(own), **vars(stream)}.values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    ]
    for kind in kinds:
        config = kind.__struct_config__
        if config.tag is None:
            continue
        if config.tag_field == "op":
            assert f'{{"op": "{config.tag}"' in PAGE
            continue
        assert f"`{config.tag}`" in PAGE
        if kind.__bases__ == (msgspec.Struct,):  # others have the fields that they have over REST
            for field in msgspec.structs.fields(kind):
                assert re.search(rf'[`"]{field.encode_name}[`"]', PAGE), f"{config.tag}.{field.encode_name}"


def test_limits_are_on_the_page() -> None:
    for limit in (MESSAGE_BYTES_MAX, QUEUE_BYTES_MAX, QUEUE_MESSAGES_MAX):
        assert f"{limit:,}" in PAGE
    assert f"| {MESSAGES_BURST} at once, {MESSAGES_PER_SECOND} a second |" in PAGE
    assert f"| {MISTAKES_BURST} at once, one in 5 s |" in PAGE
    assert f"| {SUBSCRIPTIONS_MAX} |" in PAGE
    assert f"| {FLOOD_BURST:,} at once, {FLOOD_PER_SECOND} a second |" in PAGE
    assert f"| {UNDER_WAY_MAX:,} |" in PAGE
    assert f"within {LOGIN_S} s" in PAGE
    assert f"in parts of {ORDERS_PER_MESSAGE}" in PAGE
    assert f"up to {RESUMED_REPORTS_MAX:,} reports" in PAGE
    assert f"within {PAST_S_MAX:.0f} s" in PAGE
    assert f"of {COMPRESSED_BYTES_MIN} bytes or more" in PAGE


def test_every_event_of_a_report_is_on_the_page() -> None:
    for event in EVENTS.values():
        assert re.search(rf"^\| (`\w+`, )*`{event}`", PAGE, re.MULTILINE), event


def test_the_checksums_of_the_example_are_right() -> None:
    for text, number in (("29999.00:0.500;", 3977955412), ("30001.00:0.250;", 3243558802)):
        assert zlib.crc32(text.encode()) == number
        assert str(number) in PAGE


class Example:
    """A client of the page as a process: the first, or the second."""

    def __init__(self, folder: Path, venue: Venue, number: int, *words: str) -> None:
        program = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[number]
        file = folder / "client.py"
        file.write_text(program, encoding="utf-8")
        url = f"ws://127.0.0.1:{venue.web_port}/ws"
        self._process = subprocess.Popen(
            [sys.executable, str(file), url, *words, "BTC-USD"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: Queue[str] = Queue()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def until(self, end: str) -> str:
        """The next line with an end."""
        while True:
            try:
                line = self._lines.get(timeout=LINE_S).rstrip()
            except Empty:
                raise AssertionError(f"no line that ends with {end}") from None
            if line.endswith(end):
                return line

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._reading.join()


@pytest.fixture
def example(tmp_path: Path, venue: Venue) -> Iterator[Example]:
    """It runs."""
    running = Example(tmp_path, venue, 0)
    yield running
    running.close()


def test_the_client_of_the_page_keeps_a_book_over_a_restart_of_the_web(
    venue: Venue, example: Example
) -> None:
    with venue.client("maker") as maker:
        assert " snapshot " in example.until("- - 0")
        maker.enter("BTC-USD", "buy", "0.5", "99").result()
        assert " update " in example.until("99.00 - 1")
        venue.web.kill()
        maker.enter("BTC-USD", "sell", "0.5", "101").result()
        venue.web = venue.start_web()
        venue.web.ready()
        example.until("99.00 101.00 2")
        maker.mass_cancel().result()
        example.until("- - 0")


@pytest.fixture
def account(tmp_path: Path, venue: Venue) -> Iterator[Example]:
    """It runs for an account."""
    key = venue.key("page", "read", "trade")
    running = Example(tmp_path, venue, 1, key.key_id, key.secret)
    yield running
    running.close()


def test_the_accounts_client_of_the_page_keeps_its_orders_over_a_restart_of_the_web(
    venue: Venue, account: Example
) -> None:
    with venue.client("taker") as taker:
        account.until("[('page-1', '0.500')]")
        taker.enter("BTC-USD", "sell", "0.2", "50").result()
        account.until("[('page-1', '0.300')]")
        venue.web.kill()
        taker.enter("BTC-USD", "sell", "0.1", "50").result()
        venue.web = venue.start_web()
        venue.web.ready()
        account.until("[('page-1', '0.200')]")
        taker.enter("BTC-USD", "sell", "0.2", "50").result()
        account.until(" []")
