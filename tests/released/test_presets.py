"""A small preset, made here, in every place where a preset is taken."""

import json
import pathlib
import runpy
import shutil
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import tensorflow_datasets as tfds
from tiers import first
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.export.card.probe_file import read_probes
from keras_ae.networks import MLP
from keras_ae.released.card import damage, read_card, text_of, write_card
from keras_ae.released.preset_catalogue import Presets, find
from keras_ae.released.save import save_to_preset
from keras_ae.released.verification import verify_preset
from keras_ae.run import Run


def call(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


RECIPE = {
    "format": 1,
    "model": {"name": "cvae", "latent_dim": 2},
    "data": {"name": "digits", "split": "train[:60]", "validation_fraction": 0.2, "condition": ["digit"]},
    "training": {"epochs": 1, "batch_size": 32, "learning_rate": 0.001, "seed": 0},
}


@pytest.fixture(scope="module")
def model():
    model = kae.models.ConditionalVAE(MLP([8]), MLP([8]), latent_dim=2, condition=kae.Categorical(10))
    model.compile()
    model.build((None, 8, 8, 1))
    return model


@pytest.fixture(scope="module")
def made(model, digits, tmp_path_factory):
    path = tmp_path_factory.mktemp("presets") / "tiny"
    x, labels = digits
    facts = {"summary": "A tiny one", "recipe": RECIPE, "metrics": {"log_likelihood": {"ours": -30.0}}}
    save_to_preset(model, path, x[:10], labels[:10], float16=True, facts=facts)
    return path


@pytest.fixture
def preset(made, tmp_path):
    return shutil.copytree(made, tmp_path / "tiny")


def test_a_preset_has_the_files_of_keras_hub_and_no_optimizer(made):
    names = {path.name for path in made.iterdir()}
    assert {"config.json", "model.weights.h5", "metadata.json", "card.json", "README.md", "answers.npz"} == names
    with h5py.File(made / "model.weights.h5") as file:
        assert "optimizer" not in file
    assert "compile_config" not in json.loads((made / "config.json").read_text())


def test_float16_rounds_the_weights_and_halves_their_size(model, made, tmp_path):
    model.save_to_preset(tmp_path / "whole")
    whole, half = kae.from_preset(tmp_path / "whole"), kae.from_preset(made)
    for a, b, c in zip(model.get_weights(), whole.get_weights(), half.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a.astype(np.float16).astype(np.float32), c)
    sizes = []
    for path in (tmp_path / "whole", made):
        with h5py.File(path / "model.weights.h5") as file:
            sizes.append(file["decoder/layers/dense/vars/0"].nbytes)
    assert sizes[0] == 2 * sizes[1]


def test_no_example_of_the_data_is_kept_unless_it_is_given(model, tmp_path):
    model.save_to_preset(tmp_path / "a")
    with np.load(tmp_path / "a/answers.npz") as kept:
        x = kept["3/log_likelihood/inputs/x"]
    codes = model.sample_codes(64, np.arange(1, 65) % 10, seed=1)
    np.testing.assert_allclose(x, model.decode(codes, np.arange(1, 65) % 10), atol=1e-6)


def test_weights_that_float16_cannot_hold_are_refused(tmp_path):
    model = kae.models.AE(MLP([2]), MLP([2]), latent_dim=2)
    model.build((None, 3))
    model.encoder.trainable_weights[0].assign(np.full((3, 2), 1e5))
    with pytest.raises(ValueError, match=r"`float16` must be False for weights above 65504"):
        model.save_to_preset(tmp_path / "a", float16=True)
    assert not (tmp_path / "a").exists()


def test_a_preset_answers_as_it_did(made):
    model = kae.from_preset(made, verify=True)
    assert not model.compiled
    report = verify_preset(made)
    assert report.ok and "log_likelihood again" in report.checks[-1].finding


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "metadata.json", "answers.npz", "README.md"])
def test_a_changed_file_is_found_before_anything_is_read(preset, monkeypatch, name):
    path = preset / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    monkeypatch.setattr("keras_ae.released.preset_loading.read", lambda folder, card: pytest.fail("it was read"))
    with pytest.raises(ValueError, match=f"{name} is changed: its SHA-256"):
        kae.from_preset(preset)
    assert not verify_preset(preset).ok
    path.unlink()
    with pytest.raises(ValueError, match=f"{name} is missing"):
        kae.from_preset(preset)


def reseal(preset):
    """Puts the hashes of changed files on the card, and on its text."""
    card = json.loads((preset / "card.json").read_text())
    kept = {key: value for key, value in card.items() if key not in ("card", "path", "files", "date", "machine")}
    write_card(preset, card["path"], kept)


def test_weights_of_another_model_are_found_by_its_answers(preset):
    with h5py.File(preset / "model.weights.h5", "r+") as file:
        weights = file["decoder/layers/dense/vars/0"]
        weights[...] = weights[()] * np.float16(1.01)
    reseal(preset)
    kae.from_preset(preset)
    with pytest.raises(ValueError, match=r"does not do what its card says: .*decode: `x` differs from the kept answer"):
        kae.from_preset(preset, verify=True)


def test_code_in_a_config_is_refused(preset):
    config = json.loads((preset / "config.json").read_text())
    config["config"]["encoder"] = {"class_name": "Lambda", "module": "keras.layers", "config": {}}
    (preset / "config.json").write_text(json.dumps(config))
    reseal(preset)
    with pytest.raises(ValueError, match=r"tiny could not be read .*Lambda, which can run code"):
        kae.from_preset(preset)


def test_a_card_of_another_version_or_of_another_shape_is_refused(preset):
    path = preset / "card.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps({**card, "card": 2}))
    with pytest.raises(ValueError, match=r"must have format 1. Received: 2. A later version .* update keras_ae"):
        kae.from_preset(preset)
    path.write_text(json.dumps({**card, "files": {"../config.json": {"sha256": "0"}}}))
    with pytest.raises(ValueError, match=r"must refer to a file inside its folder"):
        kae.from_preset(preset)
    path.write_text(json.dumps({**card, "files": {}}))
    with pytest.raises(ValueError, match=r"does not list config.json"):
        kae.from_preset(preset)
    path.write_text(json.dumps({**card, "metrics": []}))
    with pytest.raises(ValueError, match=r"`metrics` must be a dictionary"):
        kae.from_preset(preset)


def test_unknown_names_and_folders_say_what_there_is(tmp_path):
    with pytest.raises(ValueError, match=r"`preset` must be one of .*, a folder or an address hf://user/name"):
        kae.from_preset("nothing_mnist")
    with pytest.raises(FileNotFoundError, match=r"is not a preset: it has no card.json"):
        kae.from_preset(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"There is no preset"):
        kae.from_preset(tmp_path / "missing")
    with pytest.raises(ValueError, match=r"Received: None"):
        kae.from_preset(None)


def test_only_presets_are_replaced(model, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "note.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"exists and is not a preset"):
        model.save_to_preset(tmp_path / "a")
    model.save_to_preset(tmp_path / "b")
    model.save_to_preset(tmp_path / "b")
    with pytest.raises(ValueError, match=r"save_to_preset"):
        kae.models.VAE(latent_dim=2).save_to_preset(tmp_path / "c")


@pytest.mark.parametrize(
    "model",
    first(
        1,
        [
            kae.models.ConditionalVAE(
                MLP([4]), MLP([4]), latent_dim=2, condition={"a": kae.Categorical(3), "b": kae.Continuous(2)}
            ),
            kae.models.AE(MLP([4]), MLP([4]), latent_dim=2),
            kae.models.VQVAE(MLP([4]), MLP([4]), latent_dim=8),
        ],
    ),
    ids=lambda model: type(model).__name__,
)
def test_models_of_other_kinds(model, tmp_path):
    model.build((None, 4, 4, 1))
    model.save_to_preset(tmp_path / "a")
    again = kae.from_preset(tmp_path / "a", verify=True)
    assert type(again) is type(model)


def test_the_members_are_those_of_a_keras_file(preset, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            archive.write(preset / name, name)
    assert type(kae.load(tmp_path / "a.keras")) is kae.models.ConditionalVAE


def test_the_table_prints_a_line_a_preset():
    row = {"summary": "digits", "class": "VAE", "parameters": 12, "result": ""}
    assert repr(Presets(a=row)).splitlines() == [
        "preset  summary  class  parameters  result",
        "a       digits   VAE    12",
    ]


# Detectors.


@pytest.fixture(scope="module")
def detector(digits):
    model = kae.models.VAE(MLP([8]), MLP([8]), latent_dim=2)
    model.build((None, 8, 8, 1))
    return kae.outliers.OutlierDetector(model, random_state=0).fit(digits[0][:60])


@pytest.fixture
def detecting(detector, tmp_path):
    facts = {"summary": "A tiny one", "recipe": {**RECIPE, "data": {**RECIPE["data"], "condition": []}}}
    return save_to_preset(detector, tmp_path / "found/tiny", facts=facts)


@pytest.mark.slow
def test_the_preset_of_a_detector_is_a_fitted_detector(detector, detecting, digits):
    again = kae.from_preset(detecting, verify=True)
    assert isinstance(again, kae.outliers.OutlierDetector)
    for method in ("score_samples", "p_values", "predict"):
        np.testing.assert_array_equal(getattr(again, method)(digits[0][:20]), getattr(detector, method)(digits[0][:20]))
    card = read_card(detecting)
    assert card["detector"]["calibration_examples"] == 30 and card["model"]["class"] == "VAE"
    assert {"detector.json", "arrays.npz"} <= set(card["files"])
    assert "detect again" in verify_preset(detecting).checks[-1].finding


@pytest.mark.slow
def test_examples_of_the_preset_of_a_detector(detector, digits, tmp_path):
    detector.save_to_preset(tmp_path / "a", digits[0][:70], float16=True)
    kept = {probe.signature: probe for probe in read_probes(tmp_path / "a/answers.npz")}
    np.testing.assert_array_equal(kept["detect"].inputs["x"], digits[0][:64])
    assert kae.from_preset(tmp_path / "a", verify=True).model_.latent_dim == 2
    with pytest.raises(ValueError, match=r"`X` must be examples of shape \[8, 8, 1\]. Received: \[4, 4, 1\]"):
        detector.save_to_preset(tmp_path / "b", np.zeros([9, 4, 4, 1]))
    with pytest.raises(ValueError, match=r"`scoring` must be auto, .* to be exported"):
        kae.outliers.OutlierDetector(detector.model_, scoring="input_complexity", random_state=0).fit(
            digits[0][:60]
        ).save_to_preset(tmp_path / "b")


@pytest.mark.slow
def test_another_threshold_of_a_detector_is_found_by_its_answers(detecting):
    facts = json.loads((detecting / "detector.json").read_text())
    (detecting / "detector.json").write_text(json.dumps({**facts, "offset": facts["offset"] - 1e9}))
    reseal(detecting)
    kae.from_preset(detecting)
    with pytest.raises(ValueError, match=r"detect: `outlier` differs from the kept answer"):
        kae.from_preset(detecting, verify=True)
    (detecting / "detector.json").write_text("{}")
    reseal(detecting)
    with pytest.raises(ValueError, match=r"could not be read as a detector: .*format 3"):
        kae.from_preset(detecting)


@pytest.mark.slow
def test_a_detector_of_scaled_data_hides_its_model_from_commands(tmp_path):
    x = 100.0 * np.random.default_rng(0).normal(size=[60, 4])
    found = kae.outliers.OutlierDetector(epochs=1, random_state=0).fit(x)
    found.save_to_preset(tmp_path / "a")
    run = Run.open(f"preset:{tmp_path / 'a'}")
    np.testing.assert_array_equal(run.detector().score_samples(x), found.score_samples(x))
    with pytest.raises(ValueError, match=r"a is a detector of scaled data, .*: use `keras-ae outliers`"):
        run.model()


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_commands_take_the_preset_of_a_detector(detecting, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = call("outliers", "--preset", detecting, "digits", "--split", "test[:20]", "--false-alarms", 0.1)
    assert "20 rows are outliers at 10% false alarms" in found.stdout
    assert "Without reasons" not in (tmp_path / "tiny/outliers/outliers.html").read_text()
    call("generate", "--preset", detecting, "--num", 2, "--out", "a.npy")  # of its model
    assert np.load("a.npy").shape == (2, 8, 8, 1)
    assert "1 preset: all match their cards" in call("verify", f"preset:{detecting}").stdout


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_a_detector_without_its_data_has_scores_without_reasons(detector, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    detector.save_to_preset("alone")
    call("outliers", "--preset", "alone", "digits", "--split", "test[:20]", "--false-alarms", 0.1, "--out", "out")
    assert "the data of the detector are unknown." in (tmp_path / "out/outliers.html").read_text()
    assert (tmp_path / "out/outliers.csv").read_text().splitlines()[0] == "row,score,p_value,outlier"


# Commands.


# Every command with the argument RUN: its other arguments, and a file that it writes.
OF_A_RUN = {
    "evaluate": (["--metrics", "reconstruction", "--split", "test[:20]"], "tiny/evaluation/index.html"),
    "explore": (["reconstructions", "--split", "test[:20]"], "tiny/explore/reconstructions.png"),
    "outliers": (["digits", "--split", "test[:20]", "--false-alarms", "0.2"], "tiny/outliers/outliers.csv"),
    "generate": (["--condition", "3", "--num", "2", "--out", "a.npy"], "a.npy"),
    "saved-model": (["exported"], "exported/1/saved_model.pb"),
    "litert": (["a.tflite"], "a.tflite"),
    "onnx": (["a.onnx"], "a.onnx"),
}


def test_every_command_that_takes_a_run_takes_a_preset():
    taking = [command for command in app.registered_commands if "run" in command.callback.__annotations__]
    (exports,) = [group.typer_instance for group in app.registered_groups]
    taking += exports.registered_commands
    assert {command.name or command.callback.__name__ for command in taking} == set(OF_A_RUN)
    for command in taking:
        assert "preset" in command.callback.__annotations__ and command.cls.__name__ == "RunCommand"


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("name", first(2, OF_A_RUN))
def test_a_command_does_with_a_preset_what_it_does_with_a_run(preset, tmp_path, monkeypatch, name):
    if name == "onnx":
        pytest.importorskip("tf2onnx", reason='needs pip install "keras_ae[onnx]"')
    monkeypatch.chdir(tmp_path)
    shutil.move(preset, "presets")  # so that the outputs, in the folder `tiny`, are not the preset's
    arguments, written = OF_A_RUN[name]
    command = ["export", name] if name in ("saved-model", "litert", "onnx") else [name]
    call(*command, "--preset", "presets", *arguments)
    assert (tmp_path / written).is_file()
    assert not damage(pathlib.Path("presets"), read_card(pathlib.Path("presets")))


@pytest.mark.slow
@pytest.mark.parametrize("name", kae.presets())
def test_a_page_of_a_released_model_has_its_training_examples(name, tmp_path, monkeypatch):
    run, pages = Run.open(f"preset:{name}"), []
    data = run.recipe["data"]["name"]
    if data == "mnist" and not tfds.builder("mnist").is_prepared():
        pytest.skip("TFDS has no MNIST here; set TFDS_DATA_DIR to a folder that has")
    monkeypatch.setattr(kae.explore, "live", lambda *arguments, **options: pages.append((arguments, options)))
    call("explore", "--preset", name, "--live", "--out", tmp_path / "page", "--split", "train[:200]")
    (((model, x, labels, condition), options),) = pages
    assert len(x) == 200 and model.event_shape == x.shape[1:] and options["out"] == tmp_path / "page"
    assert all(len(values) == 200 for values in labels.values())
    assert (condition is None) == (model.condition is None)
    if data == "strokes":
        assert [options["notes"][name]["unit"] for name in ("size", "slant")] == ["of 17 pixels", "degrees"]


def test_generate_from_a_preset(preset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("generate", "--preset", preset, "--condition", 7, "--num", 3, "--out", "a.npy")
    call("generate", f"preset:{preset}", "--condition", 7, "--num", 3, "--out", "b.npy")
    expected = kae.from_preset(preset).sample(3, 7)
    for name in ("a.npy", "b.npy"):
        np.testing.assert_allclose(np.load(name), expected, atol=1e-6)


def test_figures_of_a_preset_are_written_beside_the_user(preset, tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    call("explore", "--preset", preset, "samples_by_condition")
    assert (tmp_path / "work/tiny/explore/samples_by_condition.png").is_file()
    assert {path.name for path in preset.iterdir()} == set(json.loads((preset / "card.json").read_text())["files"]) | {
        "card.json"
    }


def test_verify_command(preset):
    assert "1 preset: all match their cards" in call("verify", f"preset:{preset}").stdout
    (preset / "config.json").write_text("{}")
    assert "WRONG" in call("verify", f"preset:{preset}", code=1).stdout


def test_a_preset_as_a_run(made, model, tmp_path):
    run = Run.open(f"preset:{made}")
    assert (run.name, run.recipe["data"]["name"]) == ("tiny", "digits")
    assert run.details["metrics"]["log_likelihood"]["ours"] == -30.0
    with pytest.raises(FileNotFoundError, match=r"has no history"):
        _ = run.history
    model.save_to_preset(tmp_path / "alone")
    with pytest.raises(ValueError, match=r"was saved without a run"):
        _ = Run.open(f"preset:{tmp_path / 'alone'}").recipe


# Hugging Face.


def test_without_hugging_face_the_extra_is_named(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"pip install \"keras_ae\[hub\]\""):
        kae.from_preset("hf://user/name")
    with pytest.raises(ImportError, match=r"keras_ae\[hub\]"):
        kae.upload_preset("hf://user/name", made)
    for wrong in ("user/name", "hf://name", "hf://a/b/c"):
        with pytest.raises(ValueError, match=r"`uri` must be an address"):
            kae.upload_preset(wrong, made)


# The presets of the package.


@pytest.mark.parametrize("name", kae.presets())
def test_released_files_are_whole_and_hold_no_image_of_a_data_set(name):
    folder = find(name)
    card = read_card(folder)
    assert not damage(folder, card) and (folder / "README.md").read_text() == text_of(card)
    references = (".floor", ".guess")  # what the other numbers are compared with
    assert all(row["verdict"] or key.endswith(references) for key, row in card["metrics"].items())
    for probe in read_probes(folder / "answers.npz"):
        if "x" in probe.inputs:  # gray levels of images are multiples of 1 / 255
            levels = 255 * probe.inputs["x"]
            assert np.abs(levels - np.round(levels)).max() > 0.4


def test_the_page_of_results_is_up_to_date():
    docs = pathlib.Path(__file__).parents[2] / "docs"
    assert (docs / "results.md").read_text(encoding="utf-8") == runpy.run_path(docs / "write_results.py")["page"]()


@pytest.mark.slow
@pytest.mark.parametrize("name", kae.presets())
def test_a_released_model_does_what_its_card_says(name):
    report = verify_preset(name)
    assert report.ok, report.problems


def test_a_preset_is_described_without_tensorflow():
    """Commands import it afterwards, without its log."""
    code = (
        "import sys\nfrom keras_ae.run import Run\nrun = Run.open('preset:cvae_mnist')\n"
        "assert run.recipe and run.details\nprint({'tensorflow', 'keras'} & set(sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "set()"
