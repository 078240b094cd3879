"""`keras-ae outliers`, on runs whose models have their first weights."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.run import Run
from keras_ae.run.assembly import assemble

TRAINING = {"epochs": 1, "batch_size": 128, "learning_rate": 1e-3, "seed": 0}
RNG = np.random.default_rng(0)


def call(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "300"})
    assert result.exit_code == code, result.output
    return result


def make_run(path, name, shape, data, condition=None, names=(), **settings):
    model = assemble(name, {"latent_dim": 2, **settings}, condition=condition, seed=0)
    model.build((None, *shape))
    data = {"split": "train", "validation_fraction": 0.2, "condition": list(names), **data}
    with Run.create(path, {"model": {"name": name, "latent_dim": 2}, "data": data, "training": TRAINING}) as run:
        run.write_model(model)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    digits = {"name": "digits", "split": "train[:400]"}
    make_run(folder / "vae", "vae", (8, 8, 1), digits)
    make_run(folder / "cvae", "cvae", (8, 8, 1), digits, kae.Categorical(10), ["digit"])
    make_run(folder / "whole", "vae", (8, 8, 1), {**digits, "validation_fraction": 0.0})
    write_table(folder / "usual.csv", RNG.normal(size=[300, 3]))
    make_run(folder / "table", "vae", (3,), {"name": str(folder / "usual.csv")}, likelihood="normal")
    return folder


def write_table(path, rows, names=("age", "income", "debt")):
    path.write_text("\n".join([",".join(names), *(",".join(map(str, row)) for row in rows)]))
    return path


def rows_of(folder):
    with open(folder / "outliers.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_table_with_its_columns(folder, tmp_path):
    rows = RNG.normal(size=[40, 3])
    rows[7, 1] = 60.0
    printed = call("outliers", folder / "table", write_table(tmp_path / "new.csv", rows), "--false-alarms", 0.02)
    assert "of 40 rows are outliers at 2% false alarms" in printed.stdout
    first = rows_of(folder / "table" / "outliers")[0]
    assert first["row"] == "7" and first["outlier"] == "1" and first["feature_1"] == "income"
    assert Run.open(folder / "table").path.is_dir()
    wrong = write_table(tmp_path / "wrong.csv", rows, ("age", "debt", "income"))
    said = call("outliers", folder / "table", wrong, code=1).stderr
    assert "must have the columns of" in said and "in this order: age, income, debt" in said


@pytest.mark.slow
def test_sequences_with_the_step_and_channel_of_their_values(tmp_path):
    x = RNG.normal(size=[300, 6, 1]).repeat(2, axis=-1) + 0.1 * RNG.normal(size=[300, 6, 2])
    new = x[250:].copy()
    new[7, 3, 1] = 30.0
    for name, rows in (("usual", x[:250]), ("new", new)):
        np.savez(tmp_path / f"{name}.npz", sequences=rows)
    options = ["--likelihood", "normal", "--epochs", 2, "--validation-fraction", 0.4, "--seed", 0]
    call("train", "vae", "--dataset", tmp_path / "usual.npz", *options, "--out", tmp_path / "run")
    call("outliers", tmp_path / "run", tmp_path / "new.npz", "--false-alarms", 0.02)
    first = rows_of(tmp_path / "run" / "outliers")[0]
    assert first["row"] == "7" and first["outlier"] == "1" and first["feature_1"] == "step 3, column 1"
    np.savez(tmp_path / "short.npz", sequences=x[:, :5])
    said = call("outliers", tmp_path / "run", tmp_path / "short.npz", code=1).stderr
    assert "[6, 2]" in said and "[5, 2]" in said


@pytest.mark.slow
def test_a_folder_of_images_with_the_names_of_its_files(folder, tmp_path, digits):
    (tmp_path / "parts").mkdir()
    for number, x in enumerate(digits[0][:12]):
        x = 1.0 - x if number == 5 else x
        Image.fromarray(np.uint8(255 * x[..., 0])).save(tmp_path / "parts" / f"{number:02d}.png")
    call("outliers", folder / "vae", tmp_path / "parts", "--out", tmp_path / "out", "--false-alarms", 0.05)
    rows = rows_of(tmp_path / "out")
    assert rows[0]["file"] == "05.png" and len(rows) == 12
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["calibration_examples"] == 80 and summary["data"]["split"] == "train"
    assert "80 rows that were held out" in summary["data"]["reference"]


@pytest.mark.slow
def test_the_test_split_with_its_labels_and_a_reference(folder, tmp_path):
    options = ["--false-alarms", 0.1, "--most-rows", 3, "--scoring", "elbo", "--out", tmp_path]
    call("outliers", folder / "cvae", "digits", "--reference", "digits", *options)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["rows"] == 360 and summary["data"]["split"] == "test" and summary["scoring"] == "elbo"
    assert len(rows_of(tmp_path)) == 3 and summary["data"]["reference"] == "digits"


@pytest.mark.parametrize(
    ("run", "arguments", "message"),
    [
        ("vae", ["usual.csv"], "`DATA` must have examples of shape [8, 8, 1]. Received: [3]"),
        ("vae", ["digits", "--false-alarms", 0.001], "`--false-alarms` must be at least 0.012, which 80"),
        ("vae", ["digits", "--scoring", "elbow"], "`--scoring` must be one of auto"),
        ("vae", ["digits", "--reference", "usual.csv"], "`--reference` must have examples of shape [8, 8, 1]"),
        ("whole", ["digits"], "`--reference` must be given, since no validation examples were held out"),
        (
            "cvae",
            ["plain.npy", "--false-alarms", 0.1],
            "plain.npy` must have the properties digit. Received: no",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_words_of_the_command(folder, tmp_path, monkeypatch, run, arguments, message):
    monkeypatch.chdir(folder)
    np.save("plain.npy", np.zeros([3, 8, 8], np.float32))
    found = call("outliers", folder / run, *arguments, "--out", tmp_path / "out", code=1).stderr
    assert message in found, found
    assert not (tmp_path / "out").exists()


def test_a_run_without_model_is_refused(folder, tmp_path):
    data = {"name": "digits", "split": "train", "validation_fraction": 0.1, "condition": []}
    with Run.create(tmp_path / "empty", {"model": {"name": "vae"}, "data": data, "training": TRAINING}):
        pass
    assert "empty has no model: its training ended" in call("outliers", tmp_path / "empty", "digits", code=1).stderr
