"""docs/lecture.md: its figures are there, and its answers have the numbers that the scripts print."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"\n## (.*?)\n(.*?)<!-- (\d\d) -->\n(.*?)<!-- end of \3 -->", TEXT, re.DOTALL)


def test_every_script_has_its_section_in_order():
    scripts = sorted((ROOT / "examples").glob("[0-9][0-9]_*.py"))
    assert [number for _, _, number, _ in SECTIONS] == [path.name[:2] for path in scripts]
    for (_, text, _, _), path in zip(SECTIONS, scripts, strict=True):
        assert f"python examples/{path.name}" in text


@pytest.mark.parametrize(("title", "text", "number", "said"), SECTIONS)
def test_answers_have_the_numbers_of_the_script(title, text, number, said):
    """A question is in bold, its answer the rest of the paragraph."""
    answers = re.findall(r"\*\*[^*]+\?\*\*\s(.+?)\n\n", text, re.DOTALL)
    assert answers and "What surprised" in " ".join(said.split())
    for value in re.findall(r"-?\d+\.\d+|\d+%", " ".join(answers)):
        assert value in said, value


def test_figures_are_there_small_and_described():
    images = re.findall(r"!\[(.+)\]\((.+)\)", TEXT)
    assert {ROOT / "docs" / path for _, path in images} <= set((ROOT / "docs" / "images" / "lecture").iterdir())
    assert sum(path.stat().st_size for path in (ROOT / "docs" / "images" / "lecture").iterdir()) < 2.5e6
    assert all(len(text) > 20 for text, _ in images)
