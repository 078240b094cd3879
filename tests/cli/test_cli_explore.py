"""`keras-ae explore`: figures and the page of a run."""

from typing import get_args

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.cli.explore import Kind
from keras_ae.explore.page import libraries
from keras_ae.run import Run
from keras_ae.run.assembly import assemble


def call(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def first_weights(path, name, shape, data, **settings):
    """Writes a run whose model has its first weights, and returns its path."""
    model = assemble(name, settings, seed=0)
    model.build((None, *shape))
    data = {"validation_fraction": 0.1, "condition": [], **data}
    training = {"epochs": 1, "batch_size": 128, "learning_rate": 1e-3, "seed": 0}
    with Run.create(path, {"model": {"name": name, **settings}, "data": data, "training": training}) as run:
        run.write_model(model)
        run.write_history({"loss": [3.0, 2.0]})
    return path


@pytest.fixture(scope="module")
def ae(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "ae"
    return first_weights(path, "ae", (8, 8, 1), {"name": "digits", "split": "train[:120]"}, latent_dim=2)


def test_all_figures_that_suit_are_drawn(ae):
    said = call("explore", ae, "--split", "test[:20]").stdout.split()
    kinds = [
        "training",
        "reconstructions",
        "map",
        "map_unlabeled",
        "map_thumbnails",
        "traversal",
        "interpolation",
        "attributes",
    ]
    assert said == [str(ae / "explore" / f"{name}.png") for name in [*kinds, "clusters", "contrast"]]
    assert all(np.ptp(np.asarray(Image.open(path).convert("L"))) > 200 for path in said)


def test_one_figure_is_drawn_to_a_file(ae, tmp_path):
    call("explore", ae, "reconstructions", "--split", "test[:20]", "--out", tmp_path / "r.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["r.svg"]
    assert "inputs and reconstructions" in (tmp_path / "r.svg").read_text()


def test_a_figure_that_does_not_suit_is_refused_in_a_sentence(ae):
    said = call("explore", ae, "samples", "--split", "test[:20]", code=1).stderr
    said = " ".join(said.split())
    assert said.startswith("`KIND` must be some of ['training', 'reconstructions', 'map', ")
    assert said.endswith("for this model. Received: ['samples']")


def test_kinds_of_the_command_are_those_of_the_gallery():
    assert get_args(Kind) == kae.explore.KINDS


@pytest.mark.slow
def test_reconstructions_through_training_are_a_strip_and_a_film(tmp_path):
    path = tmp_path / "run"
    short = ["--split", "train[:300]", "--epochs", "40", "--batch-size", "150", "--latent-dim", "2"]
    call("train", "ae", *short, "--snapshots", "--out", path)
    x, found = kae.callbacks.read_snapshots(path / "snapshots")
    assert x.shape == (10, 8, 8, 1) and next(iter(found)) == 0 and list(found)[-1] == 80
    errors = [np.mean((values - x) ** 2) for values in found.values()]
    assert errors[-1] < errors[0]
    np.testing.assert_allclose(found[80], Run.open(path).model().reconstruct(x), atol=1e-6)
    said = call("explore", path, "learning", "--split", "test[:20]").stdout.split()
    assert said == [str(path / "explore" / "learning.png"), str(path / "snapshots" / "snapshots.gif")]
    with Image.open(said[1]) as film:
        assert film.n_frames == len(found)


def test_a_run_without_snapshots_says_how_to_keep_them(ae):
    said = " ".join(call("explore", ae, "learning", "--split", "test[:20]", code=1).stderr.split())
    assert said == f"{ae} has no snapshots: train with `keras-ae train --snapshots`."


def test_figures_have_a_dark_theme(ae, tmp_path):
    call("explore", ae, "reconstructions", "--split", "test[:20]", "--theme", "dark", "--out", tmp_path / "r.png")
    with Image.open(tmp_path / "r.png") as image:
        assert max(image.convert("RGB").getpixel((0, 0))) < 50


def test_a_page_has_the_training_split_with_its_labels(ae, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(kae.explore, "live", lambda *arguments, **options: calls.append((arguments, options)))
    said = call("explore", ae, "--live", "--out", tmp_path / "page").stdout
    (((_, x, labels, condition), options),) = calls
    expected, digits = kae.datasets.load("digits", "train[:120]")
    np.testing.assert_array_equal(x, expected)
    assert labels["digit"].tolist() == [str(digit) for digit in digits]  # names of classes
    assert condition is None and options["out"] == tmp_path / "page"
    assert f"python -m http.server --bind 127.0.0.1 --directory {tmp_path / 'page'} 8000" in said


def test_a_page_has_the_names_of_columns(tmp_path, monkeypatch):
    table = tmp_path / "table.csv"
    np.savetxt(
        table, np.random.default_rng(0).normal(size=[20, 2]), delimiter=",", header="age [years],dose", comments=""
    )
    run = first_weights(tmp_path / "run", "ae", (2,), {"name": str(table), "split": "train"}, latent_dim=2)
    given = {}
    monkeypatch.setattr(kae.explore, "live", lambda *arguments, **options: given.update(options))
    call("explore", run, "--live", "--out", tmp_path / "page")
    assert list(given["names"]) == ["age [years]", "dose"]


def test_the_libraries_of_the_page_are_brought_without_a_run(monkeypatch):
    monkeypatch.setattr(libraries, "install", lambda: "the cache")
    assert call("explore", "--install-page").stdout == "The libraries of the page are in the cache\n"
    assert "name the folder of a run" in call("explore", code=2).stderr
