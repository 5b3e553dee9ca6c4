"""Sessions: who sits where, until when, and how much he may send. Values and times in, values out; no I/O.

    (nobody) ──open──▶ seated ──end──▶ (nobody)
                         │  ▲
               unseat    ▼  │ seat, with the key
                        away            (the connection is lost; the lease runs)

A session is bound to one account for its life and to one connection at a time, the one whose Hello opened it or took
it back last. Whatever comes under its number from another connection is refused. Opening and ending are records of
the log; leases run on the monotonic clock and are not: a restart of the engine renews them.
"""

import hmac
from typing import Final

#: Bounds of a lease, and what a client gets that does not say. Shorter than a second is shorter than a pause of a
#: garbage collector; longer than an hour protects nobody.
LEASE_MS_MIN: Final = 1_000
LEASE_MS_MAX: Final = 3_600_000
LEASE_MS_DEFAULT: Final = 10_000

_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000


class Seat:
    """One open session. `route` is the routing id of its connection, b"" while it is away.

    `suspended`: the connection did not take what was sent, so nothing is sent but heartbeats until it resumes.
    """

    __slots__ = (
        "account",
        "deadline_ns",
        "lease_ms",
        "role",
        "route",
        "session",
        "suspended",
        "window_commands",
        "window_end_ns",
    )

    def __init__(
        self, session: int, account: str, role: int, lease_ms: int, route: bytes, now_ns: int
    ) -> None:
        self.session = session
        self.account = account
        self.role = role
        self.lease_ms = lease_ms
        self.route = route
        self.suspended = False
        self.deadline_ns = now_ns + lease_ms * _NS_PER_MS
        self.window_end_ns = 0
        self.window_commands = 0

    def renew(self, now_ns: int) -> None:
        """A message came: the lease starts again."""
        self.deadline_ns = now_ns + self.lease_ms * _NS_PER_MS

    def allow(self, commands: int, now_ns: int, commands_per_s_max: int) -> bool:
        """Whether the session may send so many commands now. Counts within windows of a second."""
        if now_ns >= self.window_end_ns:
            self.window_end_ns = now_ns + _NS_PER_S
            self.window_commands = 0
        if self.window_commands + commands > commands_per_s_max:
            return False
        self.window_commands += commands
        return True


class Sessions:
    """All open sessions."""

    def __init__(self) -> None:
        self._seats: dict[int, Seat] = {}
        self._by_account: dict[str, list[Seat]] = {}

    def __len__(self) -> int:
        return len(self._seats)

    def open(self, session: int, account: str, role: int, lease_ms: int, route: bytes, now_ns: int) -> Seat:
        """A new session sits down (or, with no route, is known to be open after a restart)."""
        assert session not in self._seats, "a session is opened once"
        seat = Seat(session, account, role, lease_ms, route, now_ns)
        self._seats[session] = seat
        self._by_account.setdefault(account, []).append(seat)
        return seat

    def close(self, seat: Seat) -> None:
        """A session takes nothing more; its account's reports still go to it until `forget`."""
        del self._seats[seat.session]

    def forget(self, seat: Seat) -> None:
        """A closed session is over."""
        others = self._by_account[seat.account]
        others.remove(seat)
        if not others:
            del self._by_account[seat.account]

    def get(self, session: int) -> Seat | None:
        """The open session of this number."""
        return self._seats.get(session)

    def of_account(self, account: str) -> list[Seat]:
        """All open sessions of an account."""
        return self._by_account.get(account, [])

    def all(self) -> list[Seat]:
        """All open sessions."""
        return list(self._seats.values())

    def extend(self, ns: int) -> None:
        """All leases end so much later."""
        for seat in self._seats.values():
            seat.deadline_ns += ns

    def expired(self, now_ns: int) -> list[Seat]:
        """Sessions whose lease has run out, in order of their numbers."""
        return [seat for seat in self._seats.values() if seat.deadline_ns <= now_ns]


def session_key(token: str, session: int) -> str:
    """What a client shows to take its session back: 32 hex digits that only the engine can make.

    Derived from the secret of the data directory, so that it need not be stored and outlives a restart.
    """
    return hmac.digest(token.encode(), b"session %d" % session, "sha256").hex()[:32]


def same_secret(ours: str, shown: str) -> bool:
    """Whether a client shows the right secret, in a time that tells nothing. `shown` may be any text."""
    return hmac.compare_digest(ours.encode(), shown.encode())


def lease_of(asked_ms: int) -> int | None:
    """The lease that a Hello gets, None when it asks for one out of bounds."""
    if asked_ms == 0:
        return LEASE_MS_DEFAULT
    return asked_ms if LEASE_MS_MIN <= asked_ms <= LEASE_MS_MAX else None
