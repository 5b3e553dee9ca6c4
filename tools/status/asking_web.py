"""Asks an instance of the web whether it is ready, over HTTP: it has no other socket.

In a thread of its own, so that the other processes are asked meanwhile. Called by `tools.status.asking`.
"""

import contextlib
import ssl
import threading
from http.client import HTTPConnection, HTTPException, HTTPSConnection, RemoteDisconnected
from typing import Final
from urllib.parse import urlsplit

import msgspec

from tools.status.answers import Answer, NotThere, Served, Silent
from web.schemas.plain import Readiness

PATH: Final = "/ready"
#: What is read of an answer: a line for each of some parts.
_ANSWER_BYTES_MAX: Final = 65_536


class AskedWeb:
    """One question on its way to an endpoint `http://HOST:PORT`."""

    def __init__(self, endpoint: str, timeout_s: float) -> None:
        self._where = urlsplit(endpoint)
        self._timeout_s = timeout_s
        self._answer: Answer = Silent(connected=False)
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def answer(self, left_s: float) -> Answer:
        """What is known after so long."""
        self._thread.join(max(left_s, 0.0))
        return self._answer

    def _ask(self) -> None:
        host, port = self._where.hostname or "", self._where.port
        try:
            self._ask_over(HTTPConnection(host, port, timeout=self._timeout_s))
        except (RemoteDisconnected, ConnectionResetError):
            # As who speaks TLS only ends what is none.
            tls = HTTPSConnection(host, port, timeout=self._timeout_s, context=_any_certificate())
            with contextlib.suppress(RemoteDisconnected, ConnectionResetError):
                self._ask_over(tls)

    def _ask_over(self, connection: HTTPConnection) -> None:
        try:
            connection.connect()
            self._answer = Silent(connected=True)
            connection.request("GET", PATH)
            text = connection.getresponse().read(_ANSWER_BYTES_MAX)
            readiness = msgspec.json.decode(text, type=Readiness)
            self._answer = Served(
                readiness.ready, [(part.name, part.health, part.problem) for part in readiness.parts]
            )
        except ConnectionRefusedError:
            self._answer = NotThere()
        except (RemoteDisconnected, ConnectionResetError):
            raise
        except (HTTPException, msgspec.DecodeError):
            self._answer = Silent(connected=True, text="it answers what is no readiness")
        except OSError:
            pass  # the time is over, or the connection is: what is known by now stays
        finally:
            connection.close()


def _any_certificate() -> ssl.SSLContext:
    """The certificate is of a name, and this is an address; nothing that is secret is said or believed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
