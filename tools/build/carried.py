"""What an installed matchbus carries along although it is no source: the rulebook and the scenarios.

They live where their readers look for them, in docs/ and tests/; a wheel has copies inside of the package `tools.rules`
(`tools/rules/places.py` looks there), and an sdist has them where they live, so that a wheel can be built from it.
"""

import shutil
from pathlib import Path

from setuptools.command.build_py import build_py

#: Where it goes in a wheel, and what: a file, or the files of a folder.
CARRIED = {
    "tools/rules/carried": "docs/rules.md",
    "tools/rules/carried/scenarios": "tests/scenarios/*.txt",
    "tools/rules/carried/scenarios/fees": "tests/scenarios/fees/*.txt",
}


def carried_files(root: Path | None = None) -> dict[str, str]:
    """Path in the wheel -> path in the source tree at `root`. FileNotFoundError when one is missing.

    Without a root it is the working directory: a backend is called in the root of the source tree.
    """
    root = root or Path.cwd()
    files = {}
    for folder, pattern in CARRIED.items():
        found = sorted(root.glob(pattern))
        if not found:
            raise FileNotFoundError(f"nothing is here of {pattern}")
        files.update({f"{folder}/{path.name}": path.relative_to(root).as_posix() for path in found})
    return files


class CarryAlong(build_py):
    """setuptools' copying of sources, and then of what is carried along. Not for an editable install."""

    def run(self) -> None:
        """Called by setuptools for a wheel."""
        super().run()
        for target, source in carried_files().items():
            path = Path(self.build_lib, target)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)

    def get_source_files(self) -> list[str]:
        """Called by setuptools for an sdist."""
        sources: list[str] = super().get_source_files()  # type: ignore[no-untyped-call]
        return [*sources, *carried_files().values()]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Called by setuptools for what it has installed."""
        carried = [str(Path(self.build_lib, target)) for target in carried_files()]
        return [*super().get_outputs(include_bytecode), *carried]
