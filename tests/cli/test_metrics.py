"""Real processes scraped over HTTP while they work, and how they start and end with it."""

import contextlib
import itertools
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bus.errors import NotTaken
from bus.sockets.client import Client
from tests.metrics.test_definitions import METRICS
from tests.support.processes import LINE_S, Processes
from tests.support.scraping import SCRAPE_S_MAX, defined, kinds, scrape
from tools.core_kind import core_kind


def test_an_engine_that_trades_is_scraped_all_the_while(processes: Processes, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    engine = processes.start(*processes.exchange("engine", "--data", data, "--sync", "disk"))
    url = engine.ready()["metrics"]
    assert url == f"http://127.0.0.1:{processes.port_base + 41}/metrics"
    processes.run(*processes.exchange("instrument", "define", "BTC-USD", "--data", data))
    pages = [scrape(url)]
    done = threading.Event()

    def scrape_on() -> None:
        while not done.is_set():
            pages.append(scrape(url))

    scraper = threading.Thread(target=scrape_on)
    scraper.start()
    with (
        Client(account="alice", port_base=processes.port_base) as alice,
        Client(account="bob", port_base=processes.port_base) as bob,
    ):
        for _ in range(60):
            bob.enter("BTC-USD", "sell", "1", "30000").result()
            alice.enter("BTC-USD", "buy", "1", "30000").result()
        done.set()
        scraper.join()
        pages.append(scrape(url))
    assert len(pages) > 2
    first, last = pages[0], pages[-1]

    def by(name: str) -> float:
        return last[f"matchbus_engine_{name}"] - first.get(f"matchbus_engine_{name}", 0)

    assert (by("commands_total"), by("rejected_total"), by('feed_events_total{kind="trade"}')) == (120, 0, 60)
    assert by("reports_total") == 120 + 120
    assert by('sessions{state="seated"}') == 2
    assert 1 <= by("sync_seconds_count") <= by("batch_commands_count") <= by("batch_commands_sum")
    assert by("batch_commands_sum") == by("log_sequence")
    assert last[f'matchbus_engine_info{{core="{core_kind()}",sync="disk",version="0.1.0"}}'] == 1
    assert last["process_start_time_seconds"] == first["process_start_time_seconds"]
    for earlier, later in itertools.pairwise(pages):
        for name, value in earlier.items():
            assert value <= later[name] or not ("_total" in name or "_bucket" in name or "log_" in name), name


def test_who_hangs_at_its_metrics_does_not_hold_up_the_end_of_an_engine(
    processes: Processes, tmp_path: Path
) -> None:
    engine = processes.start(*processes.exchange("engine", "--data", str(tmp_path), "--sync", "os"))
    engine.ready()
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            where = ("127.0.0.1", processes.port_base + 41)
            stack.enter_context(socket.create_connection(where, SCRAPE_S_MAX)).sendall(b"GET /met")
        status, _, errors = engine.stop()
    assert (status, errors) == (0, [])


def test_a_port_of_metrics_that_is_taken_stops_the_start_unless_they_are_off(
    processes: Processes, tmp_path: Path
) -> None:
    words = processes.exchange("engine", "--data", str(tmp_path), "--sync", "os")
    with socket.create_server(("127.0.0.1", processes.port_base + 41)):
        assert processes.run(*words, status=1) == (
            f"matchbus: http://127.0.0.1:{processes.port_base + 41}: metrics cannot be served there: Address already"
            " in use; choose another --port-base, or set metrics.enabled = false"
        )
        engine = processes.start(*words, MATCHBUS_METRICS_ENABLED="false")
        facts = engine.ready()
        assert (facts["metrics"], facts["sequence"]) == ("off", "1")


def test_a_part_whose_port_of_metrics_is_taken_ends_with_one_line(
    processes: Processes, tmp_path: Path
) -> None:
    data = str(tmp_path / "data")
    processes.engine(tmp_path / "data")
    base = processes.port_base
    further = ("publisher", "--at", str(base + 20))
    with contextlib.ExitStack() as stack:
        parts = {}
        for words, port in ((("publisher",), 42), (further, 22), (("shadow",), 43), (("history",), 44)):
            stack.enter_context(socket.create_server(("127.0.0.1", base + port)))
            parts[port] = processes.start(*processes.exchange(*words, "--data", data))
        for port, part in parts.items():
            status, output, errors = part.wait()
            assert (status, output, len(errors)) == (1, [], 1)
            where = f"http://127.0.0.1:{base + port}"
            assert errors[0].startswith(
                f"matchbus: {where}: metrics cannot be served there: Address already in use"
            )


def until(
    told: Callable[[], dict[str, float]], holds: Callable[[dict[str, float]], bool]
) -> dict[str, float]:
    """The first page of which it holds. A page takes its time to come, so this asks some ten times a second."""
    deadline = time.monotonic() + LINE_S
    while not holds(page := told()):
        assert time.monotonic() < deadline, page
    return page


def test_every_part_of_an_exchange_tells_what_it_did_of_the_same_trades(
    processes: Processes, tmp_path: Path
) -> None:
    data = str(tmp_path / "data")
    up = processes.start(*processes.exchange("up", "--data", data, "--sync", "os"))
    facts = up.ready()
    parts = {"engine": 41, "publisher": 42, "shadow": 43, "history": 44}
    for name, offset in parts.items():
        assert facts[f"{name}_metrics"] == f"http://127.0.0.1:{processes.port_base + offset}/metrics"

    def told(name: str) -> dict[str, float]:
        prefix = f"matchbus_{name}_"
        page = scrape(facts[f"{name}_metrics"]).items()
        return {sample.removeprefix(prefix): value for sample, value in page if sample.startswith(prefix)}

    processes.run(*processes.exchange("instrument", "define", "BTC-USD", "--data", data))
    with Client(account="alice", port_base=processes.port_base) as alice:
        for _ in range(20):
            alice.enter("BTC-USD", "sell", "1", "30000").result()
            alice.enter("BTC-USD", "buy", "1", "30000").result()
        with pytest.raises(NotTaken):
            alice.enter("BTC-USD", "buy", "1", "30000", client_order_id="x" * 1000).result()
    engine = told("engine")
    assert engine['feed_events_total{kind="trade"}'] == 20
    reports = engine["reports_total"]

    history = until(lambda: told("history"), lambda page: page["drop_number"] == reports)
    assert (history["reports_total"], history["behind_reports"], history["beginnings_total"]) == (
        reports,
        0,
        1,
    )
    assert 1 <= history["transactions_total"] <= reports
    processes.run(*processes.exchange("order", "history", "--account", "alice", "--data", data))
    asked = told("history")
    assert asked["pages_total"] - history["pages_total"] == 1
    assert asked["messages_total"] - history["messages_total"] >= 1
    assert (asked["waiting_requests"], asked["database_failures_total"]) == (0, 0)
    assert asked["withdrawn_reports_total"] == 0

    publisher = until(
        lambda: told("publisher"),
        lambda page: (
            page["log_sequence"] >= engine["log_sequence"]
            and page["store_waiting_rows"] == 0
            and page['symbols{state="live"}'] == 1
        ),
    )
    assert publisher["store_rows_total"] >= 20  # a row for each trade; open candles may be written later
    assert publisher["frames_total"] > 0
    assert publisher["feed_messages_total"] > 0
    assert publisher["store_transactions_total"] >= 1
    assert publisher["store_transaction_seconds_total"] > 0
    nothing = ("resyncs", "wrong_books", "withdrawals", "unanswered", "store_retries", "peer_differences")
    assert [publisher[f"{name}_total"] for name in nothing] == [0] * len(nothing)
    gone = ("healing_topics", "waiting_moments", "waiting_questions", "problems", "order_books")
    assert [publisher[name] for name in gone] == [0] * len(gone)
    assert 0 <= publisher["behind_seconds"] < 5

    before = {name: told(name) for name in parts}
    table = processes.run(*processes.exchange("status")).splitlines()
    assert table[-1] == "all 5 ok"
    assert facts["web_metrics"] == f"http://127.0.0.1:{processes.port_base + 45}/metrics"
    asked_web = scrape(facts["web_metrics"])
    assert asked_web['matchbus_web_requests_total{method="GET",path="/ready",status="200"}'] == 1
    for name in parts:
        after = until(partial(told, name), lambda page: page["log_sequence"] >= engine["log_sequence"])
        messages = 'messages_total{socket="recovery"}' if name == "engine" else "messages_total"
        # By the status, and by the web, which the status asks as well.
        assert after[messages] - before[name][messages] == 2 or name in ("engine", "shadow")
        assert after['health{health="ok"}'] == 1
        assert after["log_time_seconds"] >= engine["log_time_seconds"]
        with urllib.request.urlopen(facts[f"{name}_metrics"], timeout=SCRAPE_S_MAX) as answer:
            page = kinds(answer.read().decode())
        assert {metric: what for metric, what in page.items() if metric.startswith("matchbus_")} == defined(
            METRICS[name]
        )
