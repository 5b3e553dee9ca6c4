"""Which files are the core: the part of matchbus that is compiled when a wheel is built.

The one list. `tools.build.backend` compiles it, tests hold it against the tree. It is the part of the matcher in
which a command spends its time; msgspec Structs, the command line and all that waits for a socket gain nothing.
"""

from pathlib import Path

CORE_PATTERNS = (
    "matcher/book/*.py",
    "matcher/gate/*.py",
    "matcher/ledger/*.py",
    "matcher/instruments.py",
    "matcher/state.py",
    "matcher/state_codec.py",
    "matcher/engine.py",
    "matcher/outputs.py",
)

# A file that stays Python although a pattern names it, or although it stands in `matcher/`, and the reason.
NOT_CORE: dict[str, str] = {}


def core_files(root: Path) -> list[str]:
    """The files to compile, relative to `root`, sorted. `__init__.py` is never one: it holds a docstring only."""
    return sorted(
        relative
        for pattern in CORE_PATTERNS
        for path in root.glob(pattern)
        if path.name != "__init__.py" and (relative := path.relative_to(root).as_posix()) not in NOT_CORE
    )
