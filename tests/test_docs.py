"""What the documents tell the reader to type."""

import pathlib
import re

import numpy as np
import pytest
from tiers import first

import keras_ae as kae

DOCS = pathlib.Path(__file__).parent.parent / "docs"
TEXT = (DOCS / "callbacks.md").read_text(encoding="utf-8")
DATA, *COMPOSITIONS = re.findall(r"```python\n(.*?)```", (DOCS / "compose.md").read_text(encoding="utf-8"), re.DOTALL)


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
    named = set(re.findall(r"[`(=]([A-Z]\w+)[`(]", TEXT))
    public = {name for name in room.__all__ if isinstance(getattr(room, name), type)}
    # Of the objectives, those that follow schedules.
    documented = {name for name in public if getattr(getattr(room, name), "scheduled", True)}
    documented -= {"Callback", "PosteriorCollapseWarning"}
    assert documented <= named


@pytest.mark.slow
@pytest.mark.parametrize("number", first(1, range(5)))
def test_compositions_of_parts_learn(number):
    """On a few pictures, step by step: what is tested is that the parts go together."""
    example = DATA + "x, labels = x[:120], labels[:120]\n" + COMPOSITIONS[number]
    for long, short in {"compile()": "compile(run_eagerly=True)", "epochs=20": "epochs=6, verbose=0"}.items():
        assert long in example
        example = example.replace(long, short)
    names = {}
    exec(example.replace("model.fit", "history = model.fit"), names)
    losses = names["history"].history["loss"]
    assert losses[-1] < losses[0]
    shown = [names[name] for name in ("pictures", "heavier", "again") if name in names]
    assert shown and all(np.isfinite(each).all() and each.shape[-3:] == (8, 8, 1) for each in shown)


def test_every_composition_is_tried():
    assert len(COMPOSITIONS) == 5


@pytest.mark.slow
def test_habits_run_in_one_session(tmp_path, monkeypatch, in_process):
    monkeypatch.chdir(tmp_path)
    text, names = (DOCS / "habits.md").read_text(encoding="utf-8"), {}
    snippets = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(snippets) == 14
    for snippet in snippets:
        exec(snippet.replace('compile("adam"', 'compile("adam", run_eagerly=True'), names)
    assert {"mse", "val_mse"} <= names["history"].keys() and names["again"].encoder.trainable is False
    assert names["pictures"].shape == (2, 8, 8, 1) and len(names["scores"]["elbo"]) == 256


@pytest.mark.slow
def test_the_page_of_outliers(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    text, names = (DOCS / "outliers.md").read_text(encoding="utf-8"), {}
    example, *_ = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(example, names)
    assert (names["detector"].predict(names["strange"]) == -1).all()
    # Training examples are not held out, yet hardly stranger.
    assert names["flagged"].mean() < 0.06
    named = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert named == list(kae.outliers.SCORES)


@pytest.mark.slow
def test_the_detector_of_the_page_ships(monkeypatch, in_process, tmp_path):
    monkeypatch.chdir(tmp_path)
    names = {}
    for snippet in re.findall(r"```python\n(.*?)```", (DOCS / "outliers.md").read_text(encoding="utf-8"), re.DOTALL):
        exec(snippet, names)
    assert set(names["card"].signatures) == {"reconstruct", "score"}
    assert (names["detector"].predict(names["strange"]) == -1).all()  # the one from its file
