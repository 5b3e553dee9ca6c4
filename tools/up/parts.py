"""What an exchange is made of: the list of its processes stands here, in one place.

Asked by `command`, which starts them, and by `matchbus status`, which looks for them.
"""

from collections.abc import Sequence

from bus.config import Config


def parts(
    settings: Config, where: Sequence[str], how: Sequence[str], demo_seed: int | None
) -> list[tuple[str, list[str]]]:
    """What an exchange is made of: `(name, words of the command line)`, in the order in which they start.

    `where`: options of all that read the settings. `how`: those of the engine alone.
    """
    engine = settings.engine
    found = [
        ("engine", ["engine", *where, *how]),
        ("shadow", ["shadow", *where]),
        ("publisher", ["publisher", *where]),
        ("history", ["history", *where]),
        ("web", ["web", *where]),
    ]
    if demo_seed is not None:
        there = ["--connect", engine.host, "--port-base", str(engine.port_base), "--data", engine.data_dir]
        found.append(("demo", ["demo", *there, "--seed", str(demo_seed)]))
    return found
