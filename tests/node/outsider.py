"""An outsider: knows docs/protocol.md and nothing else of this project, and keeps the books of a venue with pandas.

It hears the drop copy, the PUB on which every report of every account is told, and works out from it what everybody has
of each asset and what everybody has bought and sold. Numbers of fields are those of the tables of that page.
"""

from typing import Any

import msgpack  # type: ignore[import-untyped]  # has no types
import pandas as pd  # type: ignore[import-untyped]  # has no types here
import zmq

FILLED, MOVED, SETTLED = 42, 52, 53
#: Where the fee of a Settled begins: its asset ("" for none), how much, what the account has of it afterwards.
FEE_AT = 15
FEES = "venue:fees"
WAIT_MS_MAX = 10_000


class Outsider:
    """From the first report on: each one must be numbered one more than the one before."""

    def __init__(self, drop_copy: str) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, 0)
        self._socket.setsockopt(zmq.LINGER, 0)
        for topic in ("drop.", "heartbeat.drop."):
            self._socket.subscribe(topic)
        self._socket.connect(drop_copy)
        self._next_number = 1
        #: account, report
        self.reports: list[tuple[str, list[Any]]] = []

    def close(self) -> None:
        """It has heard enough."""
        self._context.destroy(linger=0)

    def hear_up_to(self, log_sequence: int) -> None:
        """Hear all that commands up to this one caused: until a heartbeat knows of it, and of no later report."""
        while True:
            assert self._socket.poll(WAIT_MS_MAX), "nothing came"
            topic, payload = self._socket.recv_multipart()
            frame = msgpack.unpackb(payload)
            if topic == b"heartbeat.drop.":
                if frame[5] >= log_sequence:
                    assert frame[7][0][1] == self._next_number - 1, "no report was lost"
                    return
                continue
            assert frame[3] == self._next_number, "no report was lost"
            self._next_number += frame[4]
            for account, _, reports in frame[7]:
                self.reports += [(account, report) for report in reports]

    def balances(self) -> Any:
        """A Series: units by account and asset."""
        moved = [
            (account, report[8], report[9] if account == report[7] else -report[9])
            for account, report in self.reports
            if report[0] == MOVED
        ]
        settled = [(account, report) for account, report in self.reports if report[0] == SETTLED]
        paid = [(account, report[9], -report[10]) for account, report in settled]
        received = [(account, report[12], report[13]) for account, report in settled]
        fees = [(account, *report[FEE_AT : FEE_AT + 2]) for account, report in settled if report[FEE_AT:]]
        charged = [(account, asset, -fee) for account, asset, fee in fees if asset]
        taken = [(FEES, asset, fee) for _, asset, fee in fees if asset]
        rows = pd.DataFrame(
            moved + paid + received + charged + taken, columns=["account", "asset", "units"]
        ).astype({"units": "int64"})
        return rows.groupby(["account", "asset"])["units"].sum()

    def totals_told(self) -> Any:
        """A Series: what each account was told last that it has of each asset; nobody tells `venue:fees`."""
        rows = []
        for account, report in self.reports:
            if report[0] == MOVED:
                rows.append((account, report[8], report[10]))
            elif report[0] == SETTLED:
                rows += [(account, report[9], report[11]), (account, report[12], report[14])]
                if report[FEE_AT:] and report[FEE_AT]:
                    rows.append((account, report[FEE_AT], report[FEE_AT + 2]))
        told = pd.DataFrame(rows, columns=["account", "asset", "units"]).astype({"units": "int64"})
        return told.groupby(["account", "asset"])["units"].last()

    def positions(self) -> Any:
        """A Series: lots bought less lots sold, by account and symbol."""
        rows = pd.DataFrame(
            [
                (account, report[7], report[11] if report[8] == 1 else -report[11])
                for account, report in self.reports
                if report[0] == FILLED
            ],
            columns=["account", "symbol", "lots"],
        )
        return rows.groupby(["account", "symbol"])["lots"].sum()
