"""The report as one HTML page that needs no script and no other file."""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_ae.evaluate.report.figures import svg
from keras_ae.evaluate.report.html import render
from keras_ae.outliers.explanation import Usual
from keras_ae.outliers.report.findings import Findings
from keras_ae.outliers.report.reasons import top_reasons
from keras_ae.outliers.report.shown_examples import MOST_SURPRISE, Shown, picture, scale

_HERE = pathlib.Path(__file__).parent
_BINS = 60
_REASONS = 3
_TITLES = {
    "worst": ("The strangest", "The highest scores, the highest first."),
    "borderline": ("Borderline", "The scores nearest to the threshold, from either side."),
    "usual": ("Usual", "Scores below the threshold, from high to low, for comparison."),
}


def page(
    found: Findings,
    groups: Mapping[str, np.ndarray],
    shown: Mapping[int, Shown],
    usual: Usual | None,
    why_not: str,
    names: Sequence[str],
    columns: Sequence[str],
    row_names: Callable[[Sequence[int]], list[str] | None],
    summary: Mapping[str, Any],
) -> str:
    """Returns the HTML.

    Args:
        found: scores, threshold and drift.
        groups: rows to show, under the names of `_TITLES`.
        shown: the examples of these rows.
        usual: usual examples to compare with, or `None`.
        why_not: why there are none.
        names: names of the values of an example.
        columns: names of columns or channels, if any.
        row_names: function from rows to names of files, or `None`.
        summary: what `summary.json` holds.
    """
    groups = {name: rows for name, rows in groups.items() if len(rows)}
    cards = {
        name: [_card(found, row, shown[int(row)], usual, names, columns, row_names, f"{name}-{row}") for row in rows]
        for name, rows in groups.items()
    }
    return render(
        _HERE / "page.html",
        found=found,
        histogram=svg("histogram", _histogram(found), "scores"),
        groups=cards,
        titles=_TITLES,
        has_maps=usual is not None and any("bars" not in card for rows in cards.values() for card in rows),
        has_curves=any("svg" in card for rows in cards.values() for card in rows),
        scale=scale(),
        most=f"{MOST_SURPRISE:g}",
        why_not=why_not,
        summary=summary,
        record=summary,
    )


def _card(found, row, shown, usual, names, columns, row_names, prefix):
    files = row_names([row])
    card = {"title": files[0] if files else f"Row {row:,}", "row": int(row), "is_file": bool(files)}
    card |= {"score": f"{found.scores[row]:.4g}", "p_value": f"{found.p_values[row]:.2g}"}
    card |= {"outlier": bool(found.scores[row] > found.threshold)}
    card |= picture(shown, usual, names, columns, prefix)
    if shown.nats is not None and "bars" not in card:
        places, nats = (each[0] for each in top_reasons(shown.nats[np.newaxis], _REASONS))
        card["reasons"] = [(names[place], f"{value:+.1f}") for place, value in zip(places, nats, strict=True)]
    return card


def _histogram(found):
    """Shares of both sets of scores; the last bin holds all that are higher."""
    known, scores = found.calibration, found.scores
    low, middle = min(known.min(), scores.min()), float(np.median(known))
    high = min(max(known.max(), scores.max()), found.threshold + 2 * max(found.threshold - middle, 1e-6))
    high = max(high, low + 1e-6)
    edges = np.linspace(low, high, _BINS + 1)
    return {
        "edges": edges,
        "counts": {
            label: np.histogram(np.minimum(values, high), edges)[0] / len(values)
            for label, values in (("usual examples", known), ("rows", scores))
        },
        "lines": {"threshold": found.threshold},
        "x_label": "score; the last bar holds all that are higher",
        "y_label": "share",
        "log": True,
    }
