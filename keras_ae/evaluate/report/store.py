"""The file `metrics.json` of an evaluation: its format, and the results that it holds already."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

from keras_ae.evaluate.report.results import MEASURED, Evaluation, Outcome, Report
from keras_ae.io.json_files import read_json, write_json
from keras_ae.io.locking import LOCK, locked
from keras_ae.io.paths import check_path
from keras_ae.io.writing import naming

FORMAT, VERSION = "keras_ae evaluation", 1
JSON, PAGE = "metrics.json", "index.html"


class Store:
    """Reads and writes `metrics.json`.

    Args:
        out: the folder, or `None` to write nothing.
        resume: whether to use what is in the folder already.

    Raises:
        FileExistsError: if the folder holds an evaluation and `resume` is false, or is something else.
    """

    def __init__(self, out: Any, *, resume: bool = False):
        self.path = None if out is None else check_path("out", out)
        self._known: dict[str, Outcome] = {}
        if self.path is None:
            return
        if self.path.exists() and not self.path.is_dir():
            raise FileExistsError(f"`out` must be a folder. Received: {self.path}, which is a file.")
        file = self.path / JSON
        if file.is_file():
            if not resume:
                raise FileExistsError(
                    f"{self.path} holds an evaluation already: choose another folder, or continue it with resume=True."
                )
            value = _load(file)
            with _naming_damage(file):
                entries = [each for one in value["subjects"] for each in one["metrics"]] + value["cache"]
                outcomes = [Outcome.from_json(each) for each in entries if each["state"] == MEASURED]
            self._known = {each.key: each for each in outcomes}
        elif self.path.is_dir() and any(entry.name != LOCK for entry in self.path.iterdir()):
            raise FileExistsError(f"{self.path} is not empty, and not an evaluation: choose another folder.")

    @classmethod
    @contextlib.contextmanager
    def locked(cls, out: Any, *, resume: bool = False) -> Iterator["Store"]:
        """Context with a store that no other process writes to.

        Raises:
            BlockingIOError: if another process evaluates into the folder.
        """
        path = cls(out, resume=resume).path
        if path is None:
            yield cls(None)
            return
        with naming(path):
            path.mkdir(parents=True, exist_ok=True)
        with locked(path):
            yield cls(path, resume=resume)  # read again: another process may have written since

    def measured(self, key: str) -> Outcome | None:
        """Returns the outcome with a key that was measured before, or `None`."""
        return self._known.get(key)

    def write(self, report: Report) -> None:
        """Writes the report so far, in place of the file that is there.

        What was measured before and is not in the report (yet) stays in the file, under "cache".
        """
        if self.path is None:
            return
        used = {each.key for group in report.groups.values() for one in group for each in one.outcomes.values()}
        cache = [dataclasses.asdict(each) for key, each in self._known.items() if key not in used]
        write_json(self.path / JSON, {**as_json(report), "cache": cache})


def as_json(report: Report) -> dict[str, Any]:
    """Returns a report as dictionaries and lists."""
    subjects = [
        {
            "name": one.name,
            "group": name,
            "kind": one.kind,
            "hash": one.hash,
            "metrics": [dataclasses.asdict(each) for each in one.outcomes.values()],
        }
        for name, group in report.groups.items()
        for one in group
    ]
    means = {
        name: {key: dataclasses.asdict(each) for key, each in one.measurements.items()}
        for name, one in report.subjects.items()
        if one.seeds > 1
    }
    head = {"format": FORMAT, "version": VERSION, **report.record, "data": report.data}
    return {**head, "subjects": subjects, "means_over_seeds": means}


def read(path: Any) -> Report:
    """Reads a report from its `metrics.json`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, or of another format.
    """
    path = pathlib.Path(path)
    value = _load(path)
    record = {name: each for name, each in value.items() if name not in _PARTS}
    report = Report({}, value.get("data", {}), record, path.parent)
    with _naming_damage(path):
        for one in value["subjects"]:
            outcomes = {each["metric"]: Outcome.from_json(each) for each in one["metrics"]}
            evaluation = Evaluation(one["name"], one["kind"], one["hash"], outcomes)
            report.groups.setdefault(one["group"], []).append(evaluation)
    return report


_PARTS = ("format", "version", "data", "subjects", "means_over_seeds", "cache")


def _load(path):
    value = read_json(path)
    if value.get("format") != FORMAT or value.get("version") != VERSION:
        received = f"{value.get('format')!r} {value.get('version')!r}"
        raise ValueError(f"{path} must have format {FORMAT!r}, version {VERSION}. Received: {received}")
    return value


@contextlib.contextmanager
def _naming_damage(path):
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {type(error).__name__} {error}") from error
