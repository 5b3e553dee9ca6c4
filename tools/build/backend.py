"""The build backend: setuptools, with a core that is compiled when it can be.

Called by pip and other installers (pyproject.toml, `build-backend`), never by matchbus itself. All hooks are those
of `setuptools.build_meta` except `build_wheel`, and `build_sdist`, which adds what `carried` says; an editable install
is therefore pure without any sniffing. `MATCHBUS_PURE=1` asks for a pure wheel.

The rule guarded here: a wheel holds the core as it is now, compiled or as Python, and never an extension of an
earlier build. So everything a build writes lies in a temporary folder, and a build that fails to compile is
thrown away and made again as a pure one. The pure wheel is then tagged `py3-none-any`, as it should be; an
extension that is merely left out would leave the tag of the platform on a wheel of plain Python.
"""

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import setuptools
from setuptools.build_meta import (
    build_editable,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)
from setuptools.build_meta import build_sdist as build_sdist_as_configured
from setuptools.build_meta import build_wheel as build_wheel_as_configured

from tools.build.carried import CarryAlong
from tools.build.core import core_files

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

TYPE_CHECK_OPTIONS = [
    "--config-file=",  # the project's own strictness is for its tests, not a reason to install it slow
    "--cache-dir=" + os.devnull,
]


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build a wheel with a compiled core, or a pure one where that is asked for or all that is possible."""
    arguments = (os.path.abspath(wheel_directory), config_settings, metadata_directory)
    if os.environ.get("MATCHBUS_PURE", "") not in ("", "0"):
        print("matchbus core: python (MATCHBUS_PURE is set)")
    else:
        try:
            with setup_in_temporary_folder(compiled=True):
                name = build_wheel_as_configured(*arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as failure:  # setuptools ends with SystemExit where the C compiler fails
            print(f"matchbus core: python (not compiled: {one_line(failure)})")
        else:
            print("matchbus core: compiled")
            return name
    with setup_in_temporary_folder(compiled=False):
        return build_wheel_as_configured(*arguments)


def build_sdist(sdist_directory: str, config_settings: dict[str, Any] | None = None) -> str:
    """Build an sdist from which a wheel can be built."""
    with setup_with(cmdclass={"build_py": CarryAlong}):
        return build_sdist_as_configured(os.path.abspath(sdist_directory), config_settings)


@contextlib.contextmanager
def setup_in_temporary_folder(*, compiled: bool) -> Iterator[None]:
    """Let setuptools write into a folder that vanishes."""
    with tempfile.TemporaryDirectory(prefix="matchbus-build-") as folder:
        keywords: dict[str, Any] = {
            "options": {"build": {"build_base": folder}, "egg_info": {"egg_base": folder}},
            "cmdclass": {"build_py": CarryAlong},
        }
        if compiled:
            keywords["ext_modules"] = extensions(folder)
        with setup_with(**keywords):
            yield


@contextlib.contextmanager
def setup_with(**keywords: Any) -> Iterator[None]:
    """Let `setuptools.setup`, which build_meta calls without arguments, have these."""
    setup = setuptools.setup
    setuptools.setup = functools.partial(setup, **keywords)
    try:
        yield
    finally:
        setuptools.setup = setup


def extensions(folder: str) -> list[Any]:
    """Translate the core to C under `folder`. Raises, in more than one way, where that cannot be done."""
    from mypyc.build import mypycify

    files = core_files(Path.cwd())  # a backend is called in the root of the source tree
    if not files:
        raise FileNotFoundError("no file of the core is here")
    try:
        return mypycify([*TYPE_CHECK_OPTIONS, *files], target_dir=folder, group_name="matchbus_core")
    except SystemExit as failure:  # its way to say that it has printed what is wrong
        raise TypeError("the core does not pass the type check, see above") from failure


def one_line(failure: BaseException) -> str:
    """The failure as one line: its kind and the first line of its text, if it has any."""
    lines = str(failure).strip().splitlines()
    return f"{type(failure).__name__}: {lines[0]}" if lines else type(failure).__name__
