"""Whether requests can be answered: what follows from how the parts are, and how often they are asked."""

import asyncio
import time
from pathlib import Path
from typing import Final

import pytest
import zmq

from bus.config import Config, Engine
from bus.protocol.status import DEGRADED, FAILED, HEALING, OK
from bus.sockets.history_client import AsyncHistoryClient
from bus.sockets.market.async_market_client import AsyncMarketClient
from bus.sockets.market.market_sockets import publisher_at
from tests.support.processes import Processes
from tests.support.scraping import scrape
from web.readiness import UNREACHABLE, Parts, can_serve
from web.schemas.plain import Part

ASKED: Final = 'matchbus_engine_messages_total{socket="recovery"}'
WAIT_S: Final = 30


@pytest.mark.parametrize(
    ("healths", "ready"),
    [
        ("engine ok, publisher ok, history ok", True),
        ("engine ok, publisher unreachable, publisher ok, history ok", True),
        ("engine degraded, publisher healing, history healing", True),
        ("engine unreachable, publisher ok, history ok", False),
        ("engine failed, publisher ok, history ok", False),
        ("engine ok, publisher failed, publisher unreachable, history ok", False),
        ("engine ok, publisher ok, history unreachable", False),
        ("engine ok, publisher ok, history failed", False),
    ],
)
def test_ready_is_who_has_one_of_each_that_serves(healths: str, ready: bool) -> None:
    told = [words.split() for words in healths.split(", ")]
    parts = [Part(name, health, "", 0) for name, health in told]
    assert {part.health for part in parts} <= {OK, HEALING, DEGRADED, FAILED, UNREACHABLE}
    assert can_serve(parts) is ready


def test_however_many_ask_each_part_is_asked_once_in_a_while(processes: Processes, tmp_path: Path) -> None:
    processes.engine(tmp_path)
    base = processes.port_base
    url = f"http://127.0.0.1:{base + 41}/metrics"
    config = Config(engine=Engine(port_base=base, data_dir=str(tmp_path)))

    async def ask() -> None:
        with zmq.Context() as context:
            market = AsyncMarketClient([publisher_at(base)], context=context)
            history = AsyncHistoryClient(port_base=base, token="", context=context)
            async with market, history:
                parts = Parts(config, market, history, context)
                parts.open()
                try:
                    before = scrape(url)[ASKED]
                    answers = await asyncio.gather(*(parts.readiness() for _ in range(50)))
                    assert scrape(url)[ASKED] == before + 1
                    assert len({id(answer) for answer in answers}) == 1
                    assert not answers[0].ready
                    found = [(part.name, part.health) for part in answers[0].parts]
                    assert found == [("engine", OK), ("publisher", UNREACHABLE), ("history", UNREACHABLE)]
                    # And again when it is old.
                    deadline = time.monotonic() + WAIT_S
                    while await parts.readiness() is answers[0]:
                        assert time.monotonic() < deadline
                        await asyncio.sleep(0)
                    assert scrape(url)[ASKED] == before + 2
                finally:
                    parts.close()

    asyncio.run(ask())
