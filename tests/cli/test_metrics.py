"""Real processes scraped over HTTP while they work, and how they start and end with it."""

import contextlib
import itertools
import socket
import threading
from pathlib import Path

from bus.sockets.client import Client
from tests.support.processes import Processes
from tests.support.scraping import SCRAPE_S_MAX, scrape


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
    assert last['matchbus_engine_info{core="python",sync="disk",version="0.1.0"}'] == 1 or "compiled" in str(
        last
    )
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


def test_an_exchange_says_where_the_metrics_of_each_part_are(processes: Processes, tmp_path: Path) -> None:
    up = processes.start(*processes.exchange("up", "--data", str(tmp_path / "data"), "--sync", "os"))
    told = {name: value for name, value in up.ready().items() if name.endswith("_metrics")}
    assert told["engine_metrics"] == f"http://127.0.0.1:{processes.port_base + 41}/metrics"
    for name, url in told.items():
        process = name.removesuffix("_metrics")
        assert scrape(url)[f'matchbus_{process}_health{{health="ok"}}'] == 1
