"""The checks by which the house guards itself, as functions from a tree of files to the list of what breaks a rule.

They read source with `ast` and import nothing of it, so that they can be pointed at a small tree with a planted
violation: a check that cannot fail is no check. `tests/test_house.py` does both.
"""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOMS = ("bus", "matcher", "publisher", "web", "tools")

# The top of the repository. LICENSE stands there because whoever looks for a licence looks there, and
# the tools that read one do not look elsewhere.
TOP_LEVEL = frozenset({"pyproject.toml", "README.md", "LICENSE", "docs", "tests", *ROOMS})

# What a room may import of the others: imports point down.
BELOW = {
    "bus": ("bus",),
    "matcher": ("matcher", "bus"),
    "publisher": ("publisher", "bus"),
    "web": ("web", "bus"),
    "tools": ("tools", "matcher", "publisher", "web", "bus"),
}

# What brings in time, chance, the world outside, or a number that is not exact.
IMPURE_MODULES = frozenset(
    "asyncio datetime decimal fractions io locale logging multiprocessing os pathlib platform queue random secrets"
    " select selectors shutil signal socket ssl statistics structlog subprocess sys tempfile threading time tomllib"
    " tornado typer urllib uuid uvloop warnings weakref zmq".split()
)
# Parts of the bus that decide and do no I/O. They may know that time exists, as a value that they are given.
PURE_FILES = ("bus/replication/comparison.py", "bus/sequencer.py", "bus/sessions.py")

IMPURE_CALLS = frozenset(
    {"eval", "exec", "float", "frozenset", "hash", "id", "input", "open", "print", "set", "vars"}
)

# Where a machine or a person shows through. Written in pieces, since this file is searched as well.
BANNED_WORDS = tuple("/" + folder + "/" for folder in ("work", "root", "Users"))


@dataclass(frozen=True)
class Tree:
    """Some files below a root, by their paths relative to it."""

    root: Path
    files: tuple[str, ...]

    @classmethod
    def tracked(cls, root: Path) -> "Tree":
        """What is in the repository at `root`, as git has it, less what is deleted at the moment."""
        # A checkout may belong to another user than the one who runs the tests.
        command = ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z"]
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return cls(root, tuple(name for name in listed.split("\0") if name and (root / name).is_file()))

    @cached_property
    def sources(self) -> dict[str, ast.Module]:
        """The parsed source of the rooms, by path."""
        return {
            name: ast.parse((self.root / name).read_text(encoding="utf-8"), name)
            for name in self.files
            if name.endswith(".py") and name.split("/")[0] in ROOMS
        }

    @cached_property
    def modules(self) -> dict[str, str]:
        """The path of each module of the rooms, by its dotted name."""
        return {_module_name(name): name for name in self.sources}

    @cached_property
    def imports(self) -> dict[str, dict[str, int]]:
        """For each file the files of the rooms that it imports, with the line. Type-only and late imports count."""
        return {
            name: {
                self.modules[target]: line
                for dotted, line in _imported(name, module)
                if (target := self._longest_module(dotted)) is not None
            }
            for name, module in self.sources.items()
        }

    def _longest_module(self, dotted: str) -> str | None:
        """`bus.errors.ConfigError` is an import of the module `bus.errors`."""
        while dotted and dotted not in self.modules:
            dotted = dotted.rpartition(".")[0]
        return dotted or None


def top_level(tree: Tree) -> list[str]:
    """What stands at the top and should not, and what should and does not. Names with a dot in front are free."""
    there = {name.split("/")[0] for name in tree.files if not name.startswith(".")}
    return [f"{name} does not belong at the top" for name in sorted(there - TOP_LEVEL)] + [
        f"{name} is missing at the top" for name in sorted(TOP_LEVEL - there)
    ]


def imports_that_point_up(tree: Tree) -> list[str]:
    """Imports of a room that the importing room may not know."""
    return [
        f"{name}:{line} imports {target}"
        for name, targets in tree.imports.items()
        for target, line in targets.items()
        if target.split("/")[0] not in BELOW[name.split("/")[0]]
    ]


def import_circles(tree: Tree) -> list[str]:
    """Each circle of imports among files, once, beginning at its first file by name."""
    found: set[tuple[str, ...]] = set()
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> None:
        if name in path:
            circle = path[path.index(name) :]
            start = circle.index(min(circle))
            found.add((*circle[start:], *circle[:start]))
        elif name not in done:
            for target in tree.imports[name]:
                walk(target, [*path, name])
            done.add(name)

    for name in sorted(tree.imports):
        walk(name, [])
    return [" -> ".join([*circle, circle[0]]) for circle in sorted(found)]


def inits_that_hold_more(tree: Tree) -> list[str]:
    """`__init__.py` files with anything besides a docstring; below tests they may be missing but not full."""
    return [
        f"{name} holds more than its docstring"
        for name, module in _all_sources(tree)
        if name.endswith("__init__.py") and [type(part) for part in module.body] != [ast.Expr]
    ]


def modules_without_docstring(tree: Tree) -> list[str]:
    """Files of Python that do not say what lives in them."""
    return [
        f"{name} has no docstring" for name, module in _all_sources(tree) if not ast.get_docstring(module)
    ]


def impure_imports(tree: Tree) -> list[str]:
    """Imports by which the world gets into a pure room, also by way of another file of the project."""
    reached_from: dict[str, str] = {}
    waiting = [(name, name) for name in tree.sources if name.startswith("matcher/") or name in PURE_FILES]
    while waiting:
        name, origin = waiting.pop()
        if name not in reached_from:
            reached_from[name] = origin
            waiting.extend((target, origin) for target in tree.imports[name])
    return [
        f"{name}:{line} imports {dotted}" + ("" if name == origin else f" (and {origin} imports it)")
        for name, origin in sorted(reached_from.items())
        for dotted, line in _imported(name, tree.sources[name])
        if dotted.split(".")[0] in IMPURE_MODULES
    ]


def impure_code(tree: Tree) -> list[str]:
    """What makes the matcher depend on anything but its log: floats, hashes, sets, addresses, the outside."""
    return [
        f"{name}:{line} {what}"
        for name, module in tree.sources.items()
        if name.startswith("matcher/")
        for line, what in _impurities(module)
    ]


def banned_words(tree: Tree) -> list[str]:
    """Lines that name a place on somebody's machine."""
    return [
        f"{name}:{number} has {word}"
        for name in tree.files
        for number, line in enumerate(_text_lines(tree.root / name), 1)
        for word in BANNED_WORDS
        if word in line
    ]


def stale_extensions(tree: Tree) -> list[str]:
    """Compiled modules beside their source: Python would import them instead of what is written there."""
    return [
        f"{path.relative_to(tree.root).as_posix()} hides the source beside it"
        for room in ROOMS
        for path in sorted((tree.root / room).rglob("*"))
        if path.suffix in (".so", ".pyd")
    ]


def large_files(tree: Tree, lines_max: int) -> list[str]:
    """Files that may have become two nouns: a sign to stop and think, not a limit."""
    sized = [(len(_text_lines(tree.root / name)), name) for name in tree.sources]
    return [f"{name} has {lines} lines" for lines, name in sorted(sized, reverse=True) if lines > lines_max]


def classes_without_docstring(tree: Tree, name: str) -> list[str]:
    """Classes of one file that do not say what they mean."""
    return [
        f"{name}:{node.lineno} {node.name} has no docstring"
        for node in ast.walk(tree.sources[name])
        if isinstance(node, ast.ClassDef) and not ast.get_docstring(node)
    ]


def _all_sources(tree: Tree) -> Iterator[tuple[str, ast.Module]]:
    """The rooms and the tests."""
    yield from tree.sources.items()
    for name in tree.files:
        if name.startswith("tests/") and name.endswith(".py"):
            yield name, ast.parse((tree.root / name).read_text(encoding="utf-8"), name)


def _module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(path: str, module: ast.Module) -> Iterator[tuple[str, int]]:
    """Everything that a file imports, dotted and absolute, with the line. `from a import b` gives `a.b`."""
    package = (
        path.removesuffix("/__init__.py").split("/") if path.endswith("__init__.py") else path.split("/")[:-1]
    )
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                yield ".".join([*base, alias.name]), node.lineno


def _impurities(module: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield node.lineno, f"has the float {node.value}"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield node.lineno, "divides into a float with /"
        elif isinstance(node, ast.Set | ast.SetComp):
            yield node.lineno, "makes a set, whose order is not in the log"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
            yield node.lineno, f"calls {node.func.id}()"


def _text_lines(file: Path) -> list[str]:
    """The lines of a file of text; none for one of bytes."""
    content = file.read_bytes()
    return [] if b"\0" in content else content.decode("utf-8", errors="replace").splitlines()
