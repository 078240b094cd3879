"""Scores a data set, and writes which rows are outliers and why."""

import csv
import dataclasses
import math
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from keras_ae.environment import environment
from keras_ae.io.json_files import write_json
from keras_ae.io.paths import check_path
from keras_ae.io.writing import publish_files, recover, staging
from keras_ae.outliers.explanation import Usual
from keras_ae.outliers.report.findings import Findings
from keras_ae.outliers.report.page import page
from keras_ae.outliers.report.reasons import feature_names, top_reasons
from keras_ae.outliers.report.shown_examples import Shown
from keras_ae.validation.arguments import check_size

TABLE, SUMMARY, PAGE = "outliers.csv", "summary.json", "outliers.html"
_REASONS = 5  # features per row
_SHOWN = {"worst": 12, "borderline": 6, "usual": 6}
_MOST_USUAL = 2000  # usual examples to compare with
_VALUES = 2**24  # in the usual examples


def report(
    detector,
    X: Any,
    usual: np.ndarray | None = None,
    condition: Any = None,
    usual_condition: Any = None,
    *,
    out: Any,
    false_alarms: float = 0.01,
    columns: Sequence[str] = (),
    row_names: Callable[[Sequence[int]], list[str] | None] | None = None,
    most_rows: int = 10_000,
    num: int | None = None,
    data: Mapping[str, Any] | None = None,
    console: Console | None = None,
    why_not: str = "no usual examples were given.",
) -> Findings:
    """Writes which examples are outliers, and why: `outliers.csv`, `summary.json` and one page, `outliers.html`.

    The scores are kept in memory, 8 bytes per row, the examples are not: X is read twice, and only the rows that are
    reported are explained.

    | Column of outliers.csv | What it is |
    |---|---|
    | row | number of the row, from 0 |
    | file | name of the file, for a folder of images |
    | score | higher for more anomalous rows |
    | p_value | conformal p-value |
    | outlier | 1 if the p-value is at most `false_alarms` |
    | feature_1, nats_1, ... | the most unusual values of the row: deviance above the mean of usual examples |

    Args:
        detector: a fitted `OutlierDetector`.
        X: examples [N, *event], or an iterable of (x [B, *event], condition or `None`), which can be iterated again.
        usual: usual examples [M, *event] to compare with; a sample of 2,000 is used. Without them, the report has no
            reasons, only scores and p-values.
        condition: the conditions of X, if it is an array.
        usual_condition: the conditions of the usual examples.
        out: the folder to write. Other files in it stay.
        false_alarms: largest probability that a usual row is marked as an outlier, in (0, 1).
        columns: names of the columns of a table, or of the channels of a sequence; by default the columns of the
            data frame that the detector was fitted to.
        row_names: function from row numbers to names of files, or `None`.
        most_rows: rows in outliers.csv, those with the highest scores.
        num: number of rows of an iterable, for the progress bar.
        data: what else `summary.json` says about the data; "name" is on the page.
        console: a `rich.console.Console` for the progress bar; `None` shows none.
        why_not: what the page says about missing reasons if there are no usual examples.

    Returns:
        The `Findings`.

    Raises:
        ValueError: for data without rows, too few held-out examples for the rate, and wrong arguments.

    Example:
        >>> import tempfile
        >>> from keras_ae.outliers import OutlierDetector
        >>> x = np.random.default_rng(0).normal(size=[200, 4])
        >>> detector = OutlierDetector(epochs=2, random_state=0).fit(x)
        >>> strange = np.concatenate([x[:50], [[0.0, 0.0, 50.0, 0.0]]])
        >>> found = report(detector, strange, x, out=tempfile.mkdtemp(), false_alarms=0.1)
        >>> int(found.strangest(1)[0])
        50
    """
    out, most_rows = check_path("out", out), check_size("most_rows", most_rows)
    columns = columns or tuple(getattr(detector, "feature_names_in_", ()))
    names = feature_names(detector.model_.event_shape, columns)
    threshold, calibration = detector.threshold(false_alarms), detector.calibration_
    batches = _Batches(X, condition, num)
    with _progress(console) as progress:
        scores = [-detector.score_samples(*batch) for batch in batches.read(progress, "scores")]
        found = Findings(np.concatenate(scores or [np.zeros(0)]), calibration, threshold, false_alarms)
        if not len(found):
            raise ValueError("`X` must have at least one row. Received: none")
        groups = {name: getattr(found, "strangest" if name == "worst" else name)(k) for name, k in _SHOWN.items()}
        reported = found.strangest(most_rows)
        against = None
        if usual is not None:
            against, why_not = _usual(detector, usual, usual_condition)
        explained = _Explained(against, {int(row) for row in np.concatenate(list(groups.values()))})
        explained.read(dataclasses.replace(batches, num=len(found)).read(progress, "reasons"), reported)
    row_names = row_names or (lambda rows: None)
    summary = {
        "data": dict(data or {}),
        "scoring": detector.scoring if isinstance(detector.scoring, str) else type(detector.scoring).__name__,
        "model": type(detector.model_).__name__,
        **found.summary(),
        "rows_in_table": len(reported),
        **environment(),
    }
    html = page(found, groups, explained.shown, against, why_not, names, columns, row_names, summary)
    recover(out / PAGE)
    with staging(out / PAGE) as folder:
        _write_table(folder / TABLE, found, reported, explained, names, row_names(reported))
        write_json(folder / SUMMARY, summary)
        (folder / PAGE).write_text(html, encoding="utf-8")
        publish_files(folder, out / PAGE)
    return found


@dataclasses.dataclass(frozen=True)
class _Batches:
    """Examples as an iterable of (x, condition)."""

    x: Any
    condition: Any
    num: int | None

    def read(self, progress: Progress, label: str) -> Iterator[tuple]:
        is_array = hasattr(self.x, "shape")
        batches: Iterable = [(self.x, self.condition)] if is_array else self.x
        task = progress.add_task(label, total=len(self.x) if is_array else self.num)
        for x, condition in batches:
            yield x, condition
            progress.advance(task, len(x))


class _Explained:
    """The most unusual features of reported rows, and the examples of the page."""

    def __init__(self, usual: Usual | None, on_page: set[int]):
        self.usual, self.on_page = usual, on_page
        self.shown: dict[int, Shown] = {}
        self.reasons: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def read(self, batches: Iterable[tuple], reported: np.ndarray) -> None:
        wanted, start = np.unique([*reported, *self.on_page]), 0
        for x, condition in batches:
            rows = wanted[(wanted >= start) & (wanted < start + len(x))]
            if len(rows):
                self._explain(rows, np.asarray(x)[rows - start], _rows(condition, rows - start))
            start += len(x)

    def _explain(self, rows, x, condition):
        nats = None
        if self.usual is not None:
            _, nats, codes = self.usual.parts(x, condition)
            nats -= self.usual.mean
            for row, *reasons in zip(rows, *top_reasons(nats, _REASONS), strict=True):
                self.reasons[int(row)] = tuple(reasons)
        for number, row in enumerate(rows):
            if row in self.on_page:
                self.shown[int(row)] = Shown(x[number])
                if nats is not None:
                    code = codes[number : number + 1]
                    expected = self.usual.decoded(code, _rows(condition, [number]))[0]
                    nearest = self.usual.x[self.usual.nearest(code)[0]]
                    self.shown[int(row)] = Shown(x[number], nats[number], nearest, expected)


def _usual(detector, usual, condition):
    """Returns usual examples to compare with; without independent values, `None` and the reason."""
    usual = np.asarray(usual, np.float32)
    most = int(np.clip(_VALUES // math.prod(usual.shape[1:]), 2, _MOST_USUAL))
    rows = np.sort(np.random.default_rng(0).permutation(len(usual))[:most])
    try:
        return Usual(detector, usual[rows], _rows(condition, rows)), ""
    except ValueError as error:
        return None, str(error)


def _rows(condition, rows):
    if isinstance(condition, Mapping):
        return {name: np.asarray(values)[rows] for name, values in condition.items()}
    return None if condition is None else np.asarray(condition)[rows]


def _write_table(path: pathlib.Path, found: Findings, rows, explained: _Explained, names, files) -> None:
    num = min(_REASONS, len(names)) if explained.usual is not None else 0
    head = ["row", *(["file"] if files else []), "score", "p_value", "outlier"]
    head += [f"{kind}_{number}" for number in range(1, num + 1) for kind in ("feature", "nats")]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for number, row in enumerate(rows):
            score = found.scores[row]
            cells = [row, *([files[number]] if files else []), f"{score:.6g}", f"{found.p_values[row]:.6g}"]
            cells.append(int(score > found.threshold))
            for place, nats in zip(*explained.reasons.get(int(row), ((), ())), strict=True):
                cells += [names[place], f"{nats:.4g}"] if nats > 0 else ["", ""]
            writer.writerow(cells)


def _progress(console):
    columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} rows")]
    return Progress(*columns, TimeElapsedColumn(), console=console, disable=console is None)
