"""A disk that takes no more: the real engine, on a real file system, in a process of its own.

The kernel itself refuses the writes: behind what a limit of the process allows, each fails with EFBIG, as they fail
with ENOSPC on a disk that is full. The simulated disk of `test_durability` shows every other way to fail.
"""

import resource
from pathlib import Path

import pytest

from bus.errors import MatchbusError
from bus.sockets.client import Client
from tests.support.processes import Processes

#: From then on each write that goes beyond the first byte of a file fails.
LIMIT_BYTES = 1


@pytest.mark.parametrize("sync", ["disk", "os"])
def test_a_full_disk_stops_the_engine_before_anything_unsafe_is_seen(
    processes: Processes, tmp_path: Path, sync: str
) -> None:
    data = tmp_path / "data"
    words = processes.exchange("engine", "--data", str(data), "--sync", sync)
    engine = processes.start(*words)
    pid = int(engine.ready()["pid"])
    processes.run(*processes.exchange("instrument", "define", "BTC-USD", "--data", str(data)))
    port_base = processes.port_base
    with Client(port_base=port_base, account="alice") as alice:
        first = alice.enter("BTC-USD", "buy", "0.5", "30000", client_order_id="safe").result()

    unsafe = Client(port_base=port_base, account="alice", timeout=1)
    unsafe.open()
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))
    pending = unsafe.enter("BTC-USD", "buy", "0.5", "30001", client_order_id="unsafe")
    with pytest.raises((MatchbusError, TimeoutError)):
        pending.result()
    unsafe.close()

    status, _, errors = engine.wait()
    assert status == 1
    assert len(errors) == 1, "one line that says why"
    assert errors[0].startswith("matchbus: ")
    assert "File too large" in errors[0]

    assert "intact" in processes.run("journal", "verify", "--data", str(data))
    again = processes.start(*words)
    again.ready()
    with Client(port_base=port_base, account="alice") as alice:
        orders = alice.open_orders().orders
        assert [(order.order_id, order.entered.client_order_id) for order in orders] == [
            (first.order_id, "safe")
        ]
        assert alice.enter("BTC-USD", "buy", "0.5", "30001", client_order_id="unsafe").result().order_id
