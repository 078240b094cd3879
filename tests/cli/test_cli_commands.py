"""The commands, run in this process on small data."""

import json
import shutil
import types

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.cli.generate import every_class, in_turn, parse_condition
from keras_ae.conditions import Mixed

MIXED = Mixed({"digit": kae.Categorical(10), "place": kae.Continuous(2)})


def call(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def train(out, model="vae", *more, code=0):
    small = ["--split", "train[:120]", "--epochs", 2, "--latent-dim", 2, "--out", out]
    return call("train", model, *small, *more, code=code)


@pytest.fixture(scope="module")
def cvae(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "cvae"
    train(path, "cvae", "--seed", 3)
    return path


def test_train_leaves_a_whole_run(cvae):
    assert {entry.name for entry in cvae.iterdir()} == {
        "config.json", "model.keras", "history.json", "metrics.json", "figures"
    }  # fmt: skip
    config = json.loads((cvae / "config.json").read_text())
    assert config["data"]["condition"] == ["digit"]
    assert config["training"] == {
        "epochs": 2, "batch_size": 128, "learning_rate": 0.02, "optimizer": "muon", "seed": 3, "devices": 1
    }  # fmt: skip
    assert len(json.loads((cvae / "history.json").read_text())["val_loss"]) == 2
    pictures = {path.stem for path in (cvae / "figures").glob("*.png")}
    assert pictures == {"training", "reconstructions", "map", "samples", "samples_by_condition"}


def test_run_reports_what_the_saved_model_gives(cvae):
    metrics = json.loads((cvae / "metrics.json").read_text())
    x, labels = kae.datasets.load("digits", "train[:120]")
    chosen = np.sort(np.random.default_rng(3).permutation(120)[:12])
    loss = kae.load(cvae / "model.keras").evaluate(x[chosen], labels[chosen], verbose=0, return_dict=True)["loss"]
    # The same examples in one batch, in both.
    np.testing.assert_allclose(metrics["validation"]["loss"], loss, rtol=1e-5)


@pytest.mark.slow
def test_training_is_repeatable(cvae, tmp_path):
    train(tmp_path / "again", "cvae", "--seed", 3)
    first, second = ((path / "history.json").read_text() for path in (cvae, tmp_path / "again"))
    assert first == second


def test_generate_writes_what_the_model_samples(cvae, tmp_path):
    call("generate", cvae, "--condition", 7, "--num", 6, "--seed", 5, "--out", tmp_path / "sevens.npy")
    expected = kae.load(cvae / "model.keras").sample(6, 7, seed=5)
    np.testing.assert_allclose(np.load(tmp_path / "sevens.npy"), expected, atol=1e-6)
    call("generate", cvae, "--condition", "digit=7", "--num", 6, "--seed", 5, "--out", tmp_path / "sevens.png")
    with Image.open(tmp_path / "sevens.png") as picture:
        assert picture.mode == "L"
        assert picture.size == (7 * (3 * 9 - 1), 7 * (2 * 9 - 1))


def test_generate_has_a_temperature(cvae, tmp_path):
    call("generate", cvae, "--condition", 7, "--num", 2, "--temperature", 0.5, "--out", tmp_path / "a.npy")
    expected = kae.load(cvae / "model.keras").sample(2, 7, temperature=0.5)
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), expected, atol=1e-6)
    wrong = call("generate", cvae, "--condition", 7, "--temperature", 0, "--out", tmp_path / "b.npy", code=2)
    assert "--temperature" in wrong.stderr and not (tmp_path / "b.npy").exists()


@pytest.mark.parametrize(("name", "most"), [("a.npy", 2**28 // 64), ("a.png", 2**27 // 63**2)])
def test_generate_refuses_more_than_a_file_should_hold(cvae, tmp_path, monkeypatch, name, most):
    arguments = ["generate", cvae, "--condition", 7, "--out", tmp_path / name]
    said = call(*arguments, "--num", 100_000_000, code=2).stderr
    assert "--num" in said and f"must be at most {most}" in said
    asked = []
    monkeypatch.setattr(kae.Autoencoder, "sample", lambda self, num, *others, **options: asked.append(num))
    call(*arguments, "--num", most + 1, code=2)
    assert not asked and not list(tmp_path.iterdir())
    call(*arguments, "--num", most, code=1)  # this one is drawn, by the function in its place
    assert asked == [most]


@pytest.mark.parametrize("arguments", [[], ["--condition", "10"], ["--condition", "x"], ["--condition", "slant=3"]])
def test_generate_says_which_condition_it_needs(cvae, tmp_path, arguments):
    assert "--condition" in call("generate", cvae, *arguments, "--out", tmp_path / "a.png", code=2).stderr
    assert not list(tmp_path.iterdir())


def test_generate_draws_every_class_in_turn(cvae, tmp_path):
    call("generate", cvae, "--each", "--num", 12, "--seed", 5, "--out", tmp_path / "each.npy")
    expected = kae.load(cvae / "model.keras").sample(12, [*range(10), 0, 1], seed=5)
    np.testing.assert_allclose(np.load(tmp_path / "each.npy"), expected, atol=1e-6)
    assert "80 samples" in call("generate", cvae, "--each", "--out", tmp_path / "each.png").stdout
    with Image.open(tmp_path / "each.png") as picture:  # a column a class
        assert picture.size == (7 * (10 * 9 - 1), 7 * (8 * 9 - 1))
    wrong = call("generate", cvae, "--each", "--condition", 1, "--out", tmp_path / "a.png", code=2)
    assert "replaces --condition" in wrong.stderr


def test_every_class_of_several_properties_is_every_combination():
    pair = Mixed({"digit": kae.Categorical(2), "slant": kae.Continuous(), "style": kae.Categorical(3)})
    values, num = every_class(pair, ["slant=20"])
    assert num == 6
    assert values == {"digit": [0, 0, 0, 1, 1, 1], "slant": [20.0] * 6, "style": [0, 1, 2, 0, 1, 2]}
    assert every_class(pair, ["slant=20", "style=2"]) == ({"digit": [0, 1], "slant": [20.0] * 2, "style": [2, 2]}, 2)
    assert in_turn({"digit": [0, 1]}, 3) == {"digit": [0, 1, 0]}


@pytest.mark.parametrize(
    ("condition", "texts", "words"),
    [
        (None, [], "the model has no condition"),
        (kae.Continuous(), [], "needs a condition with classes. slant is a number: give --condition"),
        (MIXED, [], "give each property once: --condition digit=... --condition place=.... Received: digit=0"),
        (MIXED, ["digit=3", "place=1,2"], "needs a categorical property that --condition does not set"),
    ],
)
def test_each_says_what_it_needs(condition, texts, words):
    with pytest.raises(typer.BadParameter) as caught:
        every_class(condition, texts, ["slant"])
    assert words in caught.value.message


def test_generate_refuses_other_files(cvae):
    assert ".png or .npy" in call("generate", cvae, "--condition", 1, "--out", "a.txt", code=2).stderr


def test_export_writes_verified_files(cvae, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "verified" in call("export", "litert", cvae).stdout
    assert (tmp_path / "exports/tflite/cvae.tflite").is_file()


def test_export_saved_model_takes_the_next_number_and_compares_with_held_out_examples(cvae, tmp_path, monkeypatch):
    import keras_ae.export

    written = []

    def saved_model(model, directory, **options):
        written.append((str(directory), options))
        return keras_ae.export.Card(
            path=directory / "3", format="saved_model", quantize="none", model={}, signatures={"decode": {}},
            omitted={}, bytes={"total": 1000}, errors={"decode": {"x": {"max": 0.0}}},
            latency={"decode_us": 12.5, "runs": 200}, machine={}, versions={}, date="",
        )  # fmt: skip

    monkeypatch.setattr(keras_ae.export, "saved_model", saved_model)
    monkeypatch.chdir(tmp_path)
    assert "exports/models/cvae/3" in call("export", "saved-model", cvae).stdout
    call("export", "saved-model", cvae, "elsewhere", "--png")
    assert [directory for directory, _ in written] == ["exports/models/cvae", "elsewhere"]
    assert [(options["version"], options["png"]) for _, options in written] == [("next", False), ("next", True)]
    x, labels = kae.datasets.load("digits", "train[:120]")
    chosen = np.sort(np.random.default_rng(3).permutation(120)[:12])  # those that the training watched
    reference = written[0][1]["reference"]
    np.testing.assert_array_equal(reference[0], x[chosen])
    np.testing.assert_array_equal(reference[1], labels[chosen])


def test_export_without_the_data_of_the_run_says_what_it_lacks(cvae, tmp_path, monkeypatch):
    import keras_ae.export

    run, reference = tmp_path / "run", []
    shutil.copytree(cvae, run)
    config = json.loads((run / "config.json").read_text())
    config["data"]["name"] = str(tmp_path / "gone.npz")
    (run / "config.json").write_text(json.dumps(config))

    def saved_model(model, directory, **options):
        reference.append(options["reference"])
        raise ValueError("far enough")

    monkeypatch.setattr(keras_ae.export, "saved_model", saved_model)
    said = call("export", "saved-model", run, code=1).stderr
    assert reference == [None]
    assert "The export has no outlier scores. The data set of `RUN` must be a file or folder that exists" in said


@pytest.mark.slow
def test_mixed_properties_are_trained_and_generated(tmp_path):
    run = tmp_path / "strokes"
    call("train", "cvae", "--dataset", "strokes", "--split", "train[:60]", "--condition", "digit,slant", "--epochs", 1,
         "--out", run)  # fmt: skip
    call("generate", run, "--condition", "digit=7", "--condition", "slant=20", "--num", 2, "--out", tmp_path / "a.npy")
    expected = kae.load(run / "model.keras").sample(2, {"digit": 7, "slant": 20.0})
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), expected, atol=1e-6)


@pytest.mark.slow
def test_vectors_from_a_file_are_trained(tmp_path):
    np.savez(tmp_path / "numbers.npz", x=np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32))
    call("train", "vae", "--dataset", tmp_path / "numbers.npz", "--likelihood", "normal",
         "--beta", 2, "--epochs", 1, "--validation-fraction", 0, "--out", tmp_path / "run")  # fmt: skip
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["model"] == {"name": "vae", "likelihood": "normal", "beta": 2.0}
    assert kae.load(tmp_path / "run/model.keras").objective.beta == 2
    call("generate", tmp_path / "run", "--num", 3, "--out", tmp_path / "a.png")


@pytest.mark.slow
def test_convolutional_networks_can_be_chosen(tmp_path):
    train(tmp_path / "run", "ae", "--encoder", "conv")
    assert "no prior" in call("generate", tmp_path / "run", "--out", tmp_path / "a.png", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ae", "--prior", "normal_mixture"], "The model ae fixes `--prior`: omit it."),
        (["ae", "--beta", "2"], "The model ae has no argument `--beta`."),
        (["vae", "--prior", "vampire"], "`--prior` must be one of"),
        (["vae", "--condition", "color"], "`--condition` must name some of ['digit']"),
        (["vae", "--validation-fraction", "1"], "`--validation-fraction` must be in [0, 1)"),
        (["vae", "--dataset", "no/such/file.npy"], "must be"),
        (["vae", "--out", "x" * 300], f"{'x' * 300} could not be written: File name too long"),
        (["vae", "--out", f"{__file__}/run"], f"{__file__}/run could not be written: {__file__} is a file"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_sentence_and_leaves_nothing(tmp_path, arguments, message):
    result = train(tmp_path / "run", *arguments, code=1)
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_interrupted_training_keeps_what_was_trained(tmp_path, monkeypatch):
    from keras_ae.training.progress import ProgressBar

    def interrupt(self, epoch, logs=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(ProgressBar, "on_epoch_end", interrupt)
    result = train(tmp_path / "run", code=130)
    assert "The partial run is in" in result.stderr
    partial = tmp_path / "run.partial"
    assert kae.load(partial / "model.keras").optimizer.iterations == 1
    assert len(json.loads((partial / "history.json").read_text())["loss"]) == 1
    call("generate", partial, "--num", 2, "--out", tmp_path / "a.png")


@pytest.mark.slow
def test_loss_that_is_not_finite_is_said_and_the_last_good_weights_are_kept(tmp_path):
    result = train(tmp_path / "run", "vae", "--learning-rate", "1e30", code=1)
    assert "Training stopped at step 2, in epoch 2" in result.stderr
    assert "--resume" not in result.stderr  # it would stop there again
    kept = kae.load(tmp_path / "run.partial/model.keras")
    assert all(np.isfinite(weight).all() for weight in kept.get_weights()) and int(kept.optimizer.iterations) == 1


def test_missing_run_is_a_sentence():
    assert "There is no run nowhere" in call("generate", "nowhere", code=1).stderr
    assert call("train", "--resume", "nowhere", code=1).stderr.startswith("There is nothing to resume at nowhere: ")


def test_tables_name_what_there_is():
    models = call("models").stdout
    assert all(name in models for name in kae.models.MODELS)
    assert "Kingma" in models
    listing = call("datasets").stdout
    assert "digits" in listing and "mnist" in listing


def test_conditions_are_read_from_texts():
    assert parse_condition(None, []) is None
    assert parse_condition(kae.Categorical(10), ["7"]) == 7
    assert parse_condition(kae.Categorical(["cat", "dog"]), ["dog"]) == 1
    assert parse_condition(kae.Categorical(["cat", "dog"]), ["1"]) == 1
    assert parse_condition(kae.Continuous(), ["slant=-2.5"], ["slant"]) == -2.5
    assert parse_condition(MIXED, ["place=1,2", "digit=3"]) == {"digit": 3, "place": [1.0, 2.0]}


def test_a_run_tells_units_and_ranges_of_the_properties_of_strokes():
    from keras_ae.cli.export import input_notes

    run = types.SimpleNamespace(config={"data": {"name": "strokes", "condition": ["digit", "slant"]}})
    parts = {"digit": kae.Categorical(10), "slant": kae.Continuous()}
    model = types.SimpleNamespace(condition=Mixed(parts))
    assert input_notes(run, model) == {
        "digit": {"description": "Digit.", "labels": list("0123456789")},
        "slant": {"description": "Slant.", "unit": "degrees", "range": [-24.0, 38.0]},
    }
    run.config["data"]["name"] = "/no/such/folder"
    assert input_notes(run, model) == {}
