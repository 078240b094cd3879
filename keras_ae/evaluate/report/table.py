"""The report as text, for a terminal."""

from collections.abc import Iterable, Mapping

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from keras_ae.evaluate.report.results import Evaluation, Report
from keras_ae.evaluate.report.rows import Row, plus_minus, rows, title

_ARROWS = {"higher": " \u2191", "lower": " \u2193", "": ""}


def table(report: Report) -> Group:
    """Returns the measurements by family, what was left out and what failed, to print with rich."""
    subjects = report.subjects
    parts = (
        [_measurements(rows(subjects), list(subjects))] if any(one.measurements for one in subjects.values()) else []
    )
    left_out = reasons({name: one.left_out for name, one in subjects.items()})
    failed = reasons({name: one.failed for name, one in subjects.items()})
    for heading, style, found in (("Left out", "dim", left_out), ("Failed", "red", failed)):
        if found:
            lines = [Text(f"\n{heading}", f"bold {style}")]
            for metrics, who, why in found:
                of = f" of {', '.join(who)}" if len(who) < len(subjects) else ""
                lines.append(Text(f"  {', '.join(map(title, metrics))}{of}: {why}", style))
            parts += lines
    return Group(*parts)


def show(report: Report, console: Console) -> None:
    """Prints the report, and where its files are."""
    console.print(table(report), soft_wrap=False)
    if report.path is not None:
        console.print(f"\nreport  {report.path / 'index.html'}", highlight=False, markup=False, soft_wrap=True)


def reasons(found: Mapping[str, Mapping[str, str]]) -> list[tuple[list[str], list[str], str]]:
    """Groups equal reasons: {subject: {metric: why}} becomes [(metrics, subjects, why)].

    A reason that begins with the name of its metric, such as "dci needs factors.", loses it here.
    """
    subjects: dict[tuple[str, str], list[str]] = {}
    for subject, of in found.items():
        for metric, why in of.items():
            subjects.setdefault((why.removeprefix(f"{metric} "), metric), []).append(subject)
    metrics: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (why, metric), who in subjects.items():
        metrics.setdefault((why, tuple(who)), []).append(metric)
    return [(of, list(who), why) for (why, who), of in metrics.items()]


def _measurements(families: Mapping[str, Iterable[Row]], names: list[str]) -> Table:
    found = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    found.add_column("", overflow="fold")
    for name in names:
        found.add_column(Text(name), justify="right")
    found.add_column("unit")
    for family, of_family in families.items():
        found.add_row(Text(title(family), "bold cyan"))
        for row in of_family:
            cells = [_cell(row, name) for name in names]
            found.add_row(Text(f"  {row.label}"), *cells, Text(f"{row.unit}{_ARROWS[row.better]}", "dim"))
        found.add_section()
    return found


def _cell(row: Row, name: str) -> Text:
    if name not in row.cells:
        return Text("-", "dim")
    return Text(plus_minus(row.cells[name]), "bold green" if name in row.best else "")


def markdown(evaluations: Mapping[str, Evaluation]) -> str:
    """Returns the measurements as a Markdown table, the best values in bold."""
    lines = [f"| | {' | '.join(evaluations)} |", f"|---|{'---|' * len(evaluations)}"]
    for family, of_family in rows(evaluations).items():
        lines.append(f"| **{title(family)}** |{' |' * len(evaluations)}")
        for row in of_family:
            unit = f", {row.unit}" if row.unit else ""
            texts = [plus_minus(row.cells[name]) if name in row.cells else "" for name in evaluations]
            marked = [f"**{t}**" if n in row.best else t for n, t in zip(evaluations, texts, strict=True)]
            lines.append(f"| {row.label}{unit}{_ARROWS[row.better]} | {' | '.join(marked)} |")
    return "\n".join(lines)
