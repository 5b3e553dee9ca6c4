"""What can become of the question how a process is."""

from msgspec import Struct

from bus.protocol.status import ProcessStatus


class NotThere(Struct, frozen=True):
    """Nobody listens at the address."""


class Silent(Struct, frozen=True):
    """No status came in time. `connected`: something listens. `text`: what came in its place, "" for nothing."""

    connected: bool
    text: str = ""


class Served(Struct, frozen=True):
    """An instance of the web answered. `parts`: `(name, health, problem)` of those that it asks itself."""

    ready: bool
    parts: list[tuple[str, str, str]]


Answer = ProcessStatus | NotThere | Silent | Served
