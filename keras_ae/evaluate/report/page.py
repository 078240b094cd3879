"""Writes a report as one HTML page that needs no script and no other file."""

import math
import pathlib
from collections.abc import Mapping
from typing import Any

from keras_ae.evaluate.metric import FAMILIES
from keras_ae.evaluate.report import rows
from keras_ae.evaluate.report.details import pictures
from keras_ae.evaluate.report.figures import PALETTE, svg
from keras_ae.evaluate.report.html import render
from keras_ae.evaluate.report.results import Evaluation, Report, in_order
from keras_ae.evaluate.report.store import JSON, PAGE
from keras_ae.evaluate.report.table import reasons
from keras_ae.io.writing import replacing

_HERE = pathlib.Path(__file__).parent
_BETTER = {"higher": "higher is better", "lower": "lower is better", "": ""}


def write_page(report: Report, folder: Any) -> pathlib.Path:
    """Writes `index.html` into a folder, and returns its path."""
    path = pathlib.Path(folder) / PAGE
    with replacing(path) as temporary:
        temporary.write_text(page(report), encoding="utf-8")
    return path


def page(report: Report) -> str:
    """Returns the HTML of a report."""
    subjects = report.subjects
    names = list(subjects)
    families = _families(subjects)
    return render(
        _HERE / "page.html",
        {"title_of": rows.title},
        report=report,
        record=report.record,
        subjects=subjects,
        colors={name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)},
        families=families,
        count=sum(len(panel["items"]) for family in families for panel in family["panels"]),
        summary=rows.rows(subjects) if len(subjects) > 1 else {},
        left_out=reasons({name: one.left_out for name, one in subjects.items()}),
        failed=reasons({name: one.failed for name, one in subjects.items()}),
        runs=[one for group in report.groups.values() for one in group],
        text=rows,
        json_file=JSON,
    )


def _families(subjects):
    found = []
    for family, metrics in in_order(subjects.values()).items():
        panels = [panel for metric in metrics if (panel := _panel(metric, subjects))["items"]]
        if panels:
            found.append({"name": family, "question": FAMILIES.get(family, ""), "panels": panels})
    return found


def _panel(metric: str, subjects: Mapping[str, Evaluation]) -> dict[str, Any]:
    """What the page shows of one metric."""
    items = [_item(row, list(subjects)) for row in rows.rows_of(metric, subjects)]
    protocols = {item["protocol"] for item in items}
    shared = protocols.pop() if len(protocols) == 1 else ""
    if shared:
        items = [{**item, "protocol": ""} for item in items]
    return {
        "metric": metric,
        "summary": rows.summary(metric),
        "protocol": shared,
        "items": items,
        "figures": list(_figures(metric, subjects)),
    }


def _item(row: rows.Row, names: list[str]) -> dict[str, Any]:
    """What the page shows of one measurement: one cell per subject, with places in percent on one scale."""
    low, high = _scale(row)
    cells = []
    for name in names:
        if name not in row.cells:
            continue
        of = row.cells[name]
        cell = {"subject": name, "number": rows.number(of), "interval": rows.interval(of)}
        cell |= {"best": name in row.best, "at": None, "seeds": []}
        if high > low and math.isfinite(of.value):
            ends = of.interval or (of.value, of.value)
            left, at, right = (_place(value, low, high) for value in (ends[0], of.value, ends[1]))
            seeds = [_place(value, low, high) for value in of.details.get("seeds", ()) if _finite(value)]
            cell |= {"at": at, "left": left, "width": round(right - left, 2), "seeds": seeds}
        cells.append(cell)
    protocols = dict.fromkeys(each.protocol for each in row.cells.values() if each.protocol)
    protocols = [each for each in protocols if not any(other != each and other.endswith(each) for other in protocols)]
    return {
        "label": _label(row.metric, row.name),
        "unit": row.unit,
        "better": _BETTER[row.better],
        "protocol": "; ".join(protocols),
        "cells": cells,
    }


def _label(metric, name):
    """What distinguishes a measurement from the others of its metric; empty for the only one."""
    return "" if name == metric else rows.title(name.removeprefix(f"{metric}."))


def _scale(row):
    """The ends of the scale of a measurement: 0 and 1 for fractions, or what all subjects need; (0, 0) for none."""
    numbers = [n for each in row.cells.values() for n in (each.value, *(each.interval or ())) if _finite(n)]
    numbers += [n for each in row.cells.values() for n in each.details.get("seeds", ()) if _finite(n)]
    if not numbers:
        return 0.0, 0.0
    if row.unit == "fraction" and min(numbers) >= 0 and max(numbers) <= 1:
        return 0.0, 1.0
    if len(row.cells) < 2:
        return 0.0, 0.0
    room = 0.08 * (max(numbers) - min(numbers))
    return min(numbers) - room, max(numbers) + room


def _finite(value):
    return value is not None and math.isfinite(value)


def _place(value, low, high):
    return round(100 * min(max((value - low) / (high - low), 0.0), 1.0), 2)


def _figures(metric, subjects):
    """Yields the pictures of a metric: {"subject", "label", "kind", "svg", "alt"}."""
    for number, (name, one) in enumerate(subjects.items()):
        seen = []  # several measurements may have the same details
        for measurement in one.outcomes[metric].measurements if metric in one.outcomes else ():
            label = _label(metric, measurement.name)
            try:
                for kind, detail in pictures(measurement.details):
                    if (kind, detail) not in seen:
                        seen.append((kind, detail))
                        drawing, alt = svg(kind, detail, f"{metric}-{number}-{len(seen)}")
                        yield {"subject": name, "label": label, "kind": kind, "svg": drawing, "alt": alt}
            except Exception as error:  # the numbers must not be lost with a picture
                alt = f"This picture could not be drawn: {type(error).__name__}: {error}"
                yield {"subject": name, "label": label, "kind": "", "svg": "", "alt": alt}
