"""Documentation that is made from the code, or names it, is in step with it."""

from __future__ import annotations

import doctest
import re
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_configuration_page_is_up_to_date():
    page = runpy.run_path(str(ROOT / "docs" / "configuration.py"))["page"]
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == page(), (
        "run: python docs/configuration.py"
    )


def test_commands_in_the_readme_exist_with_their_options():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^semsync ([a-z]+)(.*)$", text, flags=re.MULTILINE)
    assert commands
    for command, rest in commands:
        help_text = subprocess.run(
            [sys.executable, "-m", "semsync", command, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for option in re.findall(r"--[a-z-]+", rest.split("#")[0]):
            assert option in help_text, f"semsync {command} {option}"


def test_links_between_pages_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_examples_in_the_pages_run():
    n_examples = 0
    for page in (ROOT / "docs").rglob("*.md"):
        result = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
        assert result.failed == 0, page.relative_to(ROOT)
        n_examples += result.attempted
    assert n_examples


def test_the_page_on_clusters_builds_nest_with_the_models_of_the_makefile():
    text = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8").replace("\\\n", "")
    makefile = re.sub(r"\$\\\n\s*", "", (ROOT / "Makefile").read_text(encoding="utf-8"))
    (documented,) = re.findall(r'^models="(.*)"$', text, flags=re.MULTILINE)
    (built,) = re.findall(r"^NEST_MODELS := (.*)$", makefile, flags=re.MULTILINE)
    assert documented == built
    assert "spike_train_injector" in built.split(";")
