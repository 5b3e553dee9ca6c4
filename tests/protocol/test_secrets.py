"""A secret that a client shows may be any text: it is answered, never an exception in the engine."""

from pathlib import Path
from typing import Any

import pytest
import zmq

from bus.addresses import addresses
from bus.protocol import reasons
from bus.protocol.codec import decode_envelope, decode_recovery_envelope, encode_message
from bus.protocol.control import Hello, Refused, Welcome
from bus.protocol.recovery import Replay
from bus.protocol.terms import OPERATOR
from bus.protocol.topics import DROP
from bus.sessions import same_secret
from bus.sockets.session.dealer import open_dealer
from tests.support.processes import Processes


@pytest.mark.parametrize("shown", ["", "é", "secret\0", "secre", "\U0001f511"])
def test_only_the_secret_is_the_secret(shown: str) -> None:
    assert not same_secret("secret", shown)
    assert same_secret("secret", "secret")


def asked(socket: "zmq.Socket[bytes]", item: Any) -> bytes:
    """What the engine says to it."""
    socket.send(encode_message(0, 1, 0, [item]))
    assert socket.poll(10_000), "no answer"
    return socket.recv()


def test_a_secret_that_is_no_ascii_is_answered_and_nothing_breaks(
    processes: Processes, tmp_path: Path
) -> None:
    processes.engine(tmp_path)
    where = addresses(processes.port_base, "127.0.0.1")
    with (
        zmq.Context() as context,
        open_dealer(context, where.orders) as orders,
        open_dealer(context, where.recovery) as replays,
    ):
        welcome = decode_envelope(asked(orders, Hello("alice"))).items[0]
        assert isinstance(welcome, Welcome)
        for hello, reason in (
            (Hello("alice", OPERATOR, "é"), reasons.BAD_TOKEN),
            (Hello("alice", session=welcome.session, session_key="é"), reasons.NOT_YOUR_SESSION),
        ):
            refused = decode_envelope(asked(orders, hello)).items[0]
            assert isinstance(refused, Refused)
            assert refused.reason == reason
        answer = decode_recovery_envelope(asked(replays, Replay(DROP, 1, 1, "é"))).items[0]
        assert isinstance(answer, Refused)
        assert answer.reason == reasons.BAD_TOKEN
