"""The wheel of `tools/build/backend.py`: compiled when it can be, pure when not, and never with an old extension in it.

They build real wheels, of a small tree with a core of two files, in a process of its own as an installer does. What
needs a compiler to run is marked slow.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import matcher
import tools.build
from tools.build.core import BUS_CORE, NOT_CORE, core_files
from tools.core_kind import kind_of_file

ROOT = Path(__file__).parent.parent

LEVEL = '''"""A price level."""

from mypy_extensions import i64


class Level:
    """A price."""

    def __init__(self, price_ticks: i64) -> None:
        self.price_ticks: i64 = price_ticks
'''
ENGINE = '''"""An engine."""

from matcher.book.level import Level


def apply(price_ticks: int) -> int:
    """Make a level."""
    return Level(price_ticks).price_ticks
'''


def small_tree(folder: Path) -> Path:
    """A small tree that the project's own pyproject.toml and backend build."""
    for room in ("bus", "matcher", "matcher/book", "publisher", "web", "tools"):
        (folder / room).mkdir(parents=True)
        (folder / room / "__init__.py").write_text(f'"""{room}."""\n', encoding="utf-8")
    for page in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / page, folder)
    (folder / "LICENSE").touch()
    carried = (
        "docs/rules.md",
        "tests/scenarios/one.txt",
        "tests/scenarios/two.txt",
        "tests/scenarios/fees/three.txt",
    )
    pages = ("web/page/index.html", "web/page/main.js", "tools/report/page.html", "tools/report/page.css")
    for page in (*carried, *pages):
        (folder / page).parent.mkdir(parents=True, exist_ok=True)
        (folder / page).write_text(f"{page}\n", encoding="utf-8")
    shutil.copytree(
        tools.build.__path__[0], folder / "tools/build", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "matcher/book/level.py").write_text(LEVEL, encoding="utf-8")
    (folder / "matcher/engine.py").write_text(ENGINE, encoding="utf-8")
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tree to build in."""
    return small_tree(tmp_path / "source")


def built(source: Path, hook: str, **environment: str) -> tuple[Path, str]:
    """What a hook of the backend makes, and what it says."""
    into = source.parent / f"built-{len(list(source.parent.iterdir()))}"
    into.mkdir()
    script = (
        f"import sys; sys.path.insert(0, '.'); from tools.build.backend import {hook}; {hook}({str(into)!r})"
    )
    clean = {
        name: value for name, value in os.environ.items() if name not in ("MATCHBUS_PURE", "CC", "PYTHONPATH")
    }
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=source,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = into.iterdir()
    return file, done.stdout


class Wheel:
    """What a build has made and said."""

    def __init__(self, source: Path, hook: str = "build_wheel", **environment: str) -> None:
        self.source = source
        self.file, said = built(source, hook, **environment)
        self.said = [line for line in said.splitlines() if line.startswith("matchbus core:")]
        with zipfile.ZipFile(self.file) as archive:
            self.names = archive.namelist()

    def text(self, name: str) -> str:
        """The content of a file in it."""
        with zipfile.ZipFile(self.file) as archive:
            return archive.read(name).decode()

    @property
    def extensions(self) -> list[str]:
        """The modules that are compiled, without the ending of the platform."""
        return sorted(name.split(".")[0] for name in self.names if name.endswith((".so", ".pyd")))

    @property
    def is_tagged_pure(self) -> bool:
        """Whether the wheel says that it runs anywhere."""
        return self.file.name == "matchbus-0.1.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    """A wheel with a compiled core; one is enough for all who only look at it."""
    return Wheel(small_tree(tmp_path_factory.mktemp("compiled") / "source"))


@pytest.mark.slow
def test_a_wheel_has_the_core_compiled_and_its_source_beside_it(compiled: Wheel) -> None:
    assert compiled.said == ["matchbus core: compiled"]
    assert compiled.extensions == ["matchbus_core__mypyc", "matcher/book/level", "matcher/engine"]
    assert {"matcher/engine.py", "matcher/book/level.py", "tools/build/backend.py"} <= set(compiled.names)
    assert "tools/rules/carried/rules.md" in compiled.names
    assert not compiled.is_tagged_pure


@pytest.mark.slow
def test_the_compiled_core_is_what_python_imports(compiled: Wheel, tmp_path: Path) -> None:
    with zipfile.ZipFile(compiled.file) as archive:
        archive.extractall(tmp_path / "installed")
    script = "from matcher import engine; print(engine.apply(7)); print(engine.__file__)"
    command = [sys.executable, "-P", "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    result, file = done.stdout.split()
    assert result == "7"
    assert file.startswith(str(tmp_path / "installed"))
    assert kind_of_file(file) == "compiled"


@pytest.mark.slow
def test_a_build_leaves_nothing_in_the_source_tree(compiled: Wheel, source: Path) -> None:
    def files(folder: Path) -> list[str]:
        found = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
        return sorted(name for name in found if "__pycache__" not in name)

    assert files(compiled.source) == files(source)


def imported(file: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            # What is imported may be a module itself.
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.skipif(
    not (ROOT / ".git").exists(),
    reason="looks at the sources, and here are only the tests of an installed package",
)
def test_a_build_installs_what_the_core_imports() -> None:
    """The compiler looks at all that the core imports, however far; a library that is not there means a pure wheel."""
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    required = {re.split(r"[\[><=]", text)[0] for text in metadata["build-system"]["requires"]}
    # `mypy_extensions` is what mypy requires, the stubs are of the library that they describe.
    allowed = required | {"mypy-extensions", "sortedcontainers", "matchbus"}
    distributions = packages_distributions()
    todo, seen, missing = [ROOT / file for file in core_files(ROOT)], set[Path](), dict[str, str]()
    while todo:
        file = todo.pop()
        if file in seen:
            continue
        seen.add(file)
        for name in imported(file):
            first = name.split(".")[0]
            own = ROOT.joinpath(*name.split(".")).with_suffix(".py")
            if own.is_file():
                todo.append(own)
            elif first in distributions:
                names = {name.replace("_", "-") for name in distributions[first]}
                if not allowed & names:
                    missing[first] = file.relative_to(ROOT).as_posix()
    assert len(seen) > len(core_files(ROOT))
    assert missing == {}


def test_an_editable_install_is_pure(source: Path) -> None:
    wheel = Wheel(source, hook="build_editable")
    assert (wheel.said, wheel.extensions) == ([], [])
    assert list(source.rglob("*.so")) == []


def test_a_pure_wheel_can_be_asked_for(source: Path) -> None:
    wheel = Wheel(source, MATCHBUS_PURE="1")
    assert wheel.said == ["matchbus core: python (MATCHBUS_PURE is set)"]
    assert (wheel.extensions, wheel.is_tagged_pure) == ([], True)
    assert "matcher/engine.py" in wheel.names


def test_a_wheel_carries_the_rules_and_the_scenarios(source: Path) -> None:
    (source / "tests/scenarios/notes.md").touch()
    (source / "docs/other.md").touch()
    wheel = Wheel(source, MATCHBUS_PURE="1")
    carried = {name: wheel.text(name) for name in wheel.names if name.startswith("tools/rules/")}
    assert carried == {
        "tools/rules/carried/rules.md": "docs/rules.md\n",
        "tools/rules/carried/scenarios/one.txt": "tests/scenarios/one.txt\n",
        "tools/rules/carried/scenarios/two.txt": "tests/scenarios/two.txt\n",
        "tools/rules/carried/scenarios/fees/three.txt": "tests/scenarios/fees/three.txt\n",
    }
    assert not (source / "tools/rules/carried").exists()


def test_a_wheel_carries_the_trading_page_and_what_reports_are_made_of(source: Path) -> None:
    wheel = Wheel(source, MATCHBUS_PURE="1")
    assert {"web/page/index.html", "web/page/main.js"} <= set(wheel.names)
    assert {"tools/report/page.html", "tools/report/page.css"} <= set(wheel.names)


def test_a_wheel_without_rules_is_none(source: Path) -> None:
    (source / "docs/rules.md").unlink()
    with pytest.raises(AssertionError, match=r"nothing is here of docs/rules\.md"):
        Wheel(source, MATCHBUS_PURE="1")


def test_an_sdist_has_all_that_a_wheel_needs(source: Path, tmp_path: Path) -> None:
    sdist, _ = built(source, "build_sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    wheel = Wheel(tmp_path / "unpacked/matchbus-0.1.0", MATCHBUS_PURE="1")
    assert sorted(wheel.names) == sorted(Wheel(source, MATCHBUS_PURE="1").names)


@pytest.mark.slow
def test_without_a_c_compiler_the_wheel_is_pure(source: Path) -> None:
    wheel = Wheel(source, CC="/nonexistent/cc")
    assert len(wheel.said) == 1
    assert wheel.said[0].startswith("matchbus core: python (not compiled: ")
    assert (wheel.extensions, wheel.is_tagged_pure) == ([], True)


def test_with_a_broken_type_compiler_the_wheel_is_pure(source: Path, tmp_path: Path) -> None:
    (tmp_path / "broken/mypyc").mkdir(parents=True)
    (tmp_path / "broken/mypyc/__init__.py").write_text("raise OSError('not today')", encoding="utf-8")
    wheel = Wheel(source, PYTHONPATH=str(tmp_path / "broken"))
    assert wheel.said == ["matchbus core: python (not compiled: OSError: not today)"]
    assert (wheel.extensions, wheel.is_tagged_pure) == ([], True)


@pytest.mark.slow
def test_a_core_that_does_not_pass_the_type_check_leaves_a_pure_wheel(source: Path) -> None:
    (source / "matcher/engine.py").write_text(ENGINE.replace("price_ticks)", "'7')"), encoding="utf-8")
    wheel = Wheel(source)
    assert wheel.said == [
        "matchbus core: python (not compiled: TypeError: the core does not pass the type check, see above)"
    ]
    assert (wheel.extensions, wheel.is_tagged_pure) == ([], True)


@pytest.mark.slow
def test_extensions_of_an_earlier_build_do_not_get_into_a_later_wheel(source: Path) -> None:
    ending = ".cpython-311-x86_64-linux-gnu.so"
    stale = [source / f"matcher/engine{ending}", source / f"build/lib/matcher/old{ending}"]
    for file in stale:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"stale")
    assert Wheel(source, MATCHBUS_PURE="1").extensions == []
    assert Wheel(source, CC="/nonexistent/cc").extensions == []


def test_the_core_is_every_file_of_the_matcher(source: Path) -> None:
    assert core_files(source) == ["matcher/book/level.py", "matcher/engine.py"]


def test_an_excluded_file_is_not_of_the_core(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NOT_CORE, "matcher/book/level.py", "for this test")
    assert core_files(source) == ["matcher/engine.py"]


def test_the_way_of_a_message_through_the_bus_is_of_the_core(source: Path) -> None:
    (source / "bus/sockets").mkdir(parents=True, exist_ok=True)
    (source / "bus/sockets/router.py").write_text("", encoding="utf-8")
    assert core_files(source) == ["bus/sockets/router.py", "matcher/book/level.py", "matcher/engine.py"]
    installed = Path(matcher.__path__[0]).parent
    assert [name for name in BUS_CORE if not (installed / name).is_file()] == []


def test_every_exclusion_names_a_file_that_exists_and_has_its_reason() -> None:
    installed = Path(matcher.__path__[0]).parent
    assert [name for name in NOT_CORE if not (installed / name).is_file()] == []
    assert [name for name, reason in NOT_CORE.items() if len(reason.split()) < 3] == []


def test_a_module_is_compiled_unless_it_came_from_source() -> None:
    assert kind_of_file("x/matcher/engine.py") == "python"
    assert kind_of_file("x/matcher/engine.pyc") == "python"
    assert kind_of_file("x/matcher/engine.cpython-311-x86_64-linux-gnu.so") == "compiled"
    assert kind_of_file("x/matcher/engine.cp311-win_amd64.pyd") == "compiled"
