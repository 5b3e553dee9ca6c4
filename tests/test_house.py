"""The house guards itself: its walls, its import arrows, its pure rooms, and what its documentation owes.

Each check stands here twice: pointed at this repository, where it must find nothing, and at a few files with a planted
violation, where it must find exactly that.
"""

import tomllib
from pathlib import Path
from typing import Annotated

import pytest
import typer

from bus.config_loading import Setting, settings
from tests.support import documented, house
from tools.__main__ import app

ROOT = Path(__file__).parent.parent

in_the_repository = pytest.mark.skipif(
    not (ROOT / ".git").exists(),
    reason="looks at the sources, and here are only the tests of an installed package",
)


@pytest.fixture(scope="module")
def tree() -> house.Tree:
    """This repository."""
    return house.Tree.tracked(ROOT)


def planted(folder: Path, files: dict[str, str]) -> house.Tree:
    """A small tree with these files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return house.Tree(folder, tuple(files))


def text(name: str) -> str:
    """A page of this repository."""
    return (ROOT / name).read_text(encoding="utf-8")


# The walls


@in_the_repository
def test_nothing_else_stands_at_the_top(tree: house.Tree) -> None:
    assert house.top_level(tree) == []


def test_a_stray_entry_at_the_top_is_found_and_a_missing_one_too(tmp_path: Path) -> None:
    allowed = {f"{name}/x" if "." not in name else name: "" for name in house.TOP_LEVEL if name != "web"}
    assert house.top_level(
        planted(tmp_path, {**allowed, "scripts/x.sh": "", ".ci/run": "", "setup.py": ""})
    ) == [
        "scripts does not belong at the top",
        "setup.py does not belong at the top",
        "web is missing at the top",
    ]


@in_the_repository
def test_imports_point_down(tree: house.Tree) -> None:
    assert house.imports_that_point_up(tree) == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("bus/a.py", "matcher/b.py"),
        ("bus/a.py", "publisher/b.py"),
        ("bus/a.py", "web/b.py"),
        ("bus/a.py", "tools/b.py"),
        ("matcher/a.py", "publisher/b.py"),
        ("matcher/a.py", "web/b.py"),
        ("matcher/a.py", "tools/b.py"),
        ("publisher/a.py", "matcher/b.py"),
        ("publisher/a.py", "web/b.py"),
        ("web/a.py", "matcher/b.py"),
        ("web/a.py", "publisher/b.py"),
        ("web/a.py", "tools/b.py"),
    ],
)
def test_an_import_that_points_up_is_found(tmp_path: Path, importer: str, imported: str) -> None:
    dotted = imported.removesuffix(".py").replace("/", ".")
    tree = planted(tmp_path, {importer: f"import os\nfrom {dotted} import Thing\n", imported: ""})
    assert house.imports_that_point_up(tree) == [f"{importer}:2 imports {imported}"]


def test_a_type_only_and_a_late_import_count_as_well(tmp_path: Path) -> None:
    tree = planted(
        tmp_path,
        {
            "bus/a.py": "if TYPE_CHECKING:\n    from web.b import Thing\n",
            "bus/c.py": "def late():\n    import tools.d\n",
            "web/b.py": "",
            "tools/d.py": "from web import b\nfrom bus import a, c\n",
        },
    )
    assert house.imports_that_point_up(tree) == [
        "bus/a.py:2 imports web/b.py",
        "bus/c.py:2 imports tools/d.py",
    ]


@in_the_repository
def test_no_files_import_each_other_in_a_circle(tree: house.Tree) -> None:
    assert house.import_circles(tree) == []


def test_circles_are_found_also_type_only_and_relative_ones(tmp_path: Path) -> None:
    tree = planted(
        tmp_path,
        {
            "bus/a.py": "from bus.b import x\n",
            "bus/b.py": "if TYPE_CHECKING:\n    from bus import c\n",
            "bus/c.py": "from .a import y\nfrom bus import d\n",
            "bus/d.py": "import bus.d\n",
            "bus/e.py": "from bus import a, b, c, d\n",
        },
    )
    assert house.import_circles(tree) == [
        "bus/a.py -> bus/b.py -> bus/c.py -> bus/a.py",
        "bus/d.py -> bus/d.py",
    ]


@in_the_repository
def test_init_files_hold_a_docstring_and_nothing_else(tree: house.Tree) -> None:
    assert house.inits_that_hold_more(tree) == []


@pytest.mark.parametrize(
    "content", ["", "import os\n", '"""Map."""\nfrom bus.a import b\n', '"""Map."""\nX = 1\n']
)
def test_an_init_file_that_holds_more_or_nothing_is_found(tmp_path: Path, content: str) -> None:
    tree = planted(tmp_path, {"bus/__init__.py": content, "web/__init__.py": '"""Map."""\n'})
    assert house.inits_that_hold_more(tree) == ["bus/__init__.py holds more than its docstring"]


@in_the_repository
def test_every_module_says_what_lives_in_it(tree: house.Tree) -> None:
    assert house.modules_without_docstring(tree) == []


def test_a_module_without_docstring_is_found(tmp_path: Path) -> None:
    tree = planted(tmp_path, {"bus/a.py": "X = 1\n", "bus/b.py": '"""B."""\n', "tests/test_a.py": "# A.\n"})
    assert house.modules_without_docstring(tree) == [
        "bus/a.py has no docstring",
        "tests/test_a.py has no docstring",
    ]


# The pure rooms


@in_the_repository
def test_the_world_does_not_get_into_the_pure_rooms(tree: house.Tree) -> None:
    assert house.impure_imports(tree) == []


@pytest.mark.parametrize(
    "module", "time random os socket logging zmq asyncio pathlib io datetime threading".split()
)
@pytest.mark.parametrize("room", ["matcher/book/level.py", "bus/sequencer.py", "bus/sessions.py"])
def test_an_impure_import_is_found(tmp_path: Path, room: str, module: str) -> None:
    tree = planted(
        tmp_path, {room: f"from {module} import x\nimport {module}.y\n", "bus/clock.py": "import time\n"}
    )
    assert house.impure_imports(tree) == [f"{room}:1 imports {module}.x", f"{room}:2 imports {module}.y"]


def test_an_impure_import_is_found_behind_another_file(tmp_path: Path) -> None:
    tree = planted(
        tmp_path,
        {
            "matcher/engine.py": "from bus.a import x\n",
            "bus/a.py": "import bus.b\n",
            "bus/b.py": "import msgspec\nimport time\n",
        },
    )
    assert house.impure_imports(tree) == ["bus/b.py:2 imports time (and matcher/engine.py imports it)"]


@in_the_repository
def test_the_matcher_depends_on_nothing_but_its_log(tree: house.Tree) -> None:
    assert house.impure_code(tree) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("x = 0.5", "has the float 0.5"),
        ("x = -1e3", "has the float 1000.0"),
        ("x = 1j", "has the float 1j"),
        ("x = a / b", "divides into a float with /"),
        ("x /= b", "divides into a float with /"),
        ("x = {1, 2}", "makes a set, whose order is not in the log"),
        ("x = {y for y in z}", "makes a set, whose order is not in the log"),
        ("x = set(y)", "calls set()"),
        ("x = frozenset(y)", "calls frozenset()"),
        ("x = hash(y)", "calls hash()"),
        ("x = id(y)", "calls id()"),
        ("x = float(y)", "calls float()"),
        ("x = open(y)", "calls open()"),
        ("print(y)", "calls print()"),
    ],
)
def test_impure_code_is_found(tmp_path: Path, line: str, found: str) -> None:
    tree = planted(tmp_path, {"matcher/gate/a.py": f"def f(x, y, z, a, b):\n    {line}\n", "bus/a.py": line})
    assert house.impure_code(tree) == [f"matcher/gate/a.py:2 {found}"]


def test_pure_code_is_left_alone(tmp_path: Path) -> None:
    pure = "x = {1: 2}\ny = 7 // 2\nz = x in (1, 2)\nself.hash(x)\nw = [a for a in x]\n"
    assert house.impure_code(planted(tmp_path, {"matcher/a.py": pure})) == []


# The files


@in_the_repository
def test_no_file_names_a_place_on_somebodys_machine(tree: house.Tree) -> None:
    assert house.banned_words(tree) == []


def test_a_place_on_a_machine_is_found_in_text_and_not_in_bytes(tmp_path: Path) -> None:
    word = house.BANNED_WORDS[0]
    tree = planted(tmp_path, {"docs/a.md": f"fine\nsee {word}x\n", "tests/a.bin": f"\0{word}\n"})
    assert house.banned_words(tree) == [f"docs/a.md:2 has {word}"]


@in_the_repository
def test_no_compiled_module_hides_its_source(tree: house.Tree) -> None:
    assert house.stale_extensions(tree) == []


def test_a_compiled_module_beside_its_source_is_found_though_git_ignores_it(tmp_path: Path) -> None:
    tree = planted(tmp_path, {"matcher/book/level.py": "", "web/__init__.py": ""})
    (tmp_path / "matcher/book/level.cpython-311-x86_64-linux-gnu.so").touch()
    assert house.stale_extensions(tree) == [
        "matcher/book/level.cpython-311-x86_64-linux-gnu.so hides the source beside it"
    ]


@in_the_repository
def test_large_files_are_named(tree: house.Tree, capsys: pytest.CaptureFixture[str]) -> None:
    """A note for the reader of the output, not a failure: a large file is a sign to stop and think."""
    for line in house.large_files(tree, lines_max=400):
        with capsys.disabled():
            print(f"\nnote: {line}", end="")  # noqa: T201  # the note is what this is for


def test_a_large_file_is_found(tmp_path: Path) -> None:
    tree = planted(
        tmp_path, {"bus/a.py": "x = 1\n" * 11, "bus/b.py": "x = 1\n" * 12, "bus/c.py": "x = 1\n" * 10}
    )
    assert house.large_files(tree, lines_max=10) == ["bus/b.py has 12 lines", "bus/a.py has 11 lines"]


@in_the_repository
def test_every_error_says_what_it_means(tree: house.Tree) -> None:
    assert house.classes_without_docstring(tree, "bus/errors.py") == []


def test_an_error_without_docstring_is_found(tmp_path: Path) -> None:
    tree = planted(
        tmp_path, {"bus/errors.py": 'class A(Exception):\n    """A."""\n\n\nclass B(A):\n    code = 1\n'}
    )
    assert house.classes_without_docstring(tree, "bus/errors.py") == ["bus/errors.py:5 B has no docstring"]


# The documentation


def test_every_verb_and_option_has_help() -> None:
    assert documented.verbs_without_help(app) == []


def test_every_verb_stands_in_the_docs() -> None:
    assert documented.verbs_not_in_docs(app, text("README.md"), text("docs/cli.md")) == []


def test_every_option_stands_in_the_section_of_its_verb() -> None:
    assert documented.options_not_in_docs(app, text("docs/cli.md")) == []


def test_an_option_that_the_section_of_its_verb_does_not_have_or_has_too_much_is_found() -> None:
    small = typer.Typer()

    @small.command()
    def walk(speed: int = 1, quick: Annotated[bool, typer.Option("--quick")] = False) -> None:
        """Walk."""

    @small.command()
    def run() -> None:
        """Run."""

    page = "# Page\n\n## `matchbus walk`\n\n`--speed N` and `--slow`.\n\n```console\n$ matchbus walk --quick\n```\n"
    assert documented.options_not_in_docs(small, page) == [
        "matchbus walk: --quick is not documented",
        "matchbus walk: --slow is no option",
        "matchbus run has no example",
    ]


def test_a_verb_or_an_option_without_help_is_found() -> None:
    small = typer.Typer()
    inner = typer.Typer()

    @small.command()
    def silent() -> None:
        pass

    @small.command()
    def spoken(loud: bool = False) -> None:
        """Speak."""

    @inner.command()
    def check() -> None:
        """Check it."""

    @inner.command()
    def cut() -> None:
        pass

    small.add_typer(inner, name="journal")
    assert documented.verbs_without_help(small) == [
        "matchbus silent has no help",
        "matchbus journal cut has no help",
        "matchbus spoken: loud has no help",
    ]
    assert documented.verbs_not_in_docs(
        small, "`matchbus silent`", "matchbus journal check, matchbus spokenword"
    ) == [
        "matchbus spoken is not documented",
        "matchbus journal cut is not documented",
    ]


def test_every_setting_stands_in_the_docs_with_its_default() -> None:
    assert documented.settings_not_in_docs(settings(), text("docs/configuration.md")) == []


def test_a_setting_that_the_docs_do_not_have_or_have_otherwise_is_found() -> None:
    made_up = [Setting("a", "x_ms", int, 1), Setting("a", "y", str, "z"), Setting("a", "w", int, 3)]
    page = "\n".join(
        [
            "| key | unit | default | environment | meaning |",
            "|---|---|---|---|---|",
            "| `a.x_ms` | ms | `2` | `MATCHBUS_A_X_MS` | Time. |",
            '| `a.y` | text | `"z"` | `MATCHBUS_A_Y` | Name. |',
            "| `a.v` | text | `1` | `MATCHBUS_A_V` | Gone. |",
        ]
    )
    assert documented.settings_not_in_docs(made_up, page) == [
        "a.w has no row",
        "a.v is no setting",
        "a.x_ms: the row says `2` and `MATCHBUS_A_X_MS`, the code `1` and `MATCHBUS_A_X_MS`",
    ]


@in_the_repository
def test_every_requirement_has_a_pin_for_ci() -> None:
    project = tomllib.loads(text("pyproject.toml"))
    requirements = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["test"],
    ]
    assert documented.requirements_without_pin(requirements, text(".ci/constraints.txt")) == []


def test_a_requirement_without_pin_is_found() -> None:
    requirements = ["a>=1", "b[c]>=2,<3", "D", "e; python_version < '3.12'"]
    assert documented.requirements_without_pin(requirements, "a==1.0\nb==2.1\nd>=3\n") == [
        "d is not pinned",
        "e is not pinned",
    ]
