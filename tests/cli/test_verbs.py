"""What holds for every verb: its help reads well, and it does not wait for what it does not need."""

import subprocess
import sys

from tests.support.documented import verbs
from tests.support.processes import ROOT
from tools.__main__ import app


def test_paragraphs_flow_and_examples_keep_their_lines() -> None:
    for name, command in verbs(app).items():
        paragraphs = command.help.split("\n\n")
        assert "\\" not in command.help, f"{name}: the source shows through"
        for paragraph in paragraphs:
            assert paragraph.startswith("\b") or "\n" not in paragraph, f"{name}: {paragraph}"


def test_a_verb_that_only_asks_does_not_import_what_an_engine_is_made_of() -> None:
    script = (
        "import sys\nimport tools.__main__\nfrom tools.verbs import Verbs\n"
        "assert Verbs(name='matchbus').get_command(None, 'order') is not None\n"
        "print(*(name for name in ('matcher', 'uvloop', 'bus.journal.writer') if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
