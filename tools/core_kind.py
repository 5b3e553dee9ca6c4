"""Which core runs here: the compiled one or the same source as plain Python.

Asked by `matchbus version` and by everything that measures: a benchmark that does not say which core it
ran is worth nothing.
"""

from typing import Literal

CoreKind = Literal["compiled", "python"]


def core_kind() -> CoreKind:
    """The kind of the core that is imported in this process, judged by the file that holds the engine."""
    from matcher import engine

    return kind_of_file(engine.__file__)


def kind_of_file(file: str) -> CoreKind:
    """The kind of a module from where it was loaded: source is Python, an extension module is compiled."""
    return "python" if file.endswith((".py", ".pyc")) else "compiled"
