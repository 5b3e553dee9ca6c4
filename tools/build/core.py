"""Which files are the core: the part of matchbus that is compiled when a wheel is built.

It is the matcher, all of it, since that is where a command spends its time; whatever stays Python is named here with
the reason. Nothing outside gains from it: msgspec and libzmq are C already. `tools.build.backend` compiles the list.
"""

from pathlib import Path

ROOM = "matcher"

# A file of the matcher that is not compiled, and why. (mypyc cannot compile a subclass of msgspec.Struct.)
NOT_CORE: dict[str, str] = {}


def core_files(root: Path) -> list[str]:
    """The files to compile, relative to `root`, sorted. An `__init__.py` is never one: it holds a docstring only."""
    return sorted(
        relative
        for path in (root / ROOM).rglob("*.py")
        if path.name != "__init__.py" and (relative := path.relative_to(root).as_posix()) not in NOT_CORE
    )
