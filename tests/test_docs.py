"""What docs/callbacks.md tells the reader to type."""

import pathlib
import re

import pytest

import keras_ae as kae

TEXT = (pathlib.Path(__file__).parent.parent / "docs" / "callbacks.md").read_text(encoding="utf-8")


def test_python_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names = {}
    exec(example, names)
    reason, active = capsys.readouterr().out.splitlines()
    assert reason == names["stopping"].reason and "val_loss" in reason
    assert active == f"{int(names['history'].history['active_units'][-1])} of 8 dimensions are active"
    assert len(list(tmp_path.glob("snapshots/snapshot-*.png"))) >= 4
    assert (tmp_path / "snapshots" / "snapshots.gif").is_file()
    assert len(list(tmp_path.glob("logs/events.out.tfevents.*"))) == 2


@pytest.mark.parametrize("room", [kae.callbacks, kae.schedules, kae.objectives])
def test_parts_of_the_table_are_those_of_the_package(room):
    named = set(re.findall(r"`(?:\w+\(\w+=)?([A-Z]\w+)\(", TEXT)) | set(re.findall(r"\(([A-Z]\w+)\(", TEXT))
    public = {name for name in room.__all__ if isinstance(getattr(room, name), type)}
    # Of the objectives, those that follow schedules.
    documented = {name for name in public if getattr(getattr(room, name), "scheduled", True)}
    documented -= {"Callback", "PosteriorCollapseWarning"}
    assert documented <= named
