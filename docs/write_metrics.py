"""Writes the tables of metrics into docs/evaluation.md, from the registry: python docs/write_metrics.py"""

import pathlib
import re

from keras_ae.evaluate import FAMILIES, METRICS

PAGE = pathlib.Path(__file__).parent / "evaluation.md"
_PART = re.compile(r"(?<=<!-- metrics -->\n).*(?=<!-- /metrics -->)", re.DOTALL)


def tables():
    """The tables: one a family, one line a metric."""
    parts = []
    for family, question in FAMILIES.items():
        metrics = sorted((each for each in METRICS.values() if each.family == family), key=lambda each: each.name)
        if not metrics:
            continue
        lines = [f"### {family.replace('_', ' ').capitalize()}", "", question, ""]
        lines += ["| Metric | What it measures | Needs | Options |", "|---|---|---|---|"]
        lines += [_line(each) for each in metrics]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _line(metric):
    needs = "; ".join(need.value for need in metric.needs)
    options = ", ".join(f"`{name}={value!r}`" for name, value in metric.options.items())
    cells = (f"`{metric.name}`", metric.summary, needs, options)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def page():
    """The text of docs/evaluation.md with the tables of today."""
    written = tables()
    return _PART.sub(lambda _: written, PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
