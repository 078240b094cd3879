"""A failed check leaves what was there as it was, and nothing new."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tiers import first

import keras_ae as kae
from keras_ae.export.signatures.server import ServerSignatures
from keras_ae.export.signatures.signature import write
from keras_ae.export.verification import comparison, isolated_runner
from keras_ae.export.verification.probes import device_probes, server_probes


@pytest.fixture(scope="module")
def vae(small):
    return small()


def raising(error):
    def run(*arguments, **options):
        raise error

    return run


ERRORS = [RuntimeError("not the model"), KeyboardInterrupt(), OSError("disk full")]


@pytest.mark.parametrize("error", first(1, ERRORS), ids=lambda error: type(error).__name__)
def test_a_failed_litert_export_keeps_the_old_file_and_card(vae, tmp_path, monkeypatch, error):
    old = {name: tmp_path / name for name in ("a.tflite", "a.tflite.card.json")}
    for name, path in old.items():
        path.write_text(name)
    monkeypatch.setattr(comparison, "_run", raising(error))
    with pytest.raises(type(error)):
        kae.export.litert(vae, old["a.tflite"])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: name for name in old}


@pytest.mark.parametrize("error", first(1, ERRORS), ids=lambda error: type(error).__name__)
def test_a_failed_saved_model_export_keeps_the_old_directory(vae, tmp_path, monkeypatch, error):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_text("old")
    monkeypatch.setattr(comparison, "_run", raising(error))
    with pytest.raises(type(error)):
        kae.export.saved_model(vae, tmp_path / "1", overwrite=True)
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["1", "1/saved_model.pb"]


def test_a_failed_export_leaves_no_new_folders(vae, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "_run", raising(RuntimeError()))
    with pytest.raises(RuntimeError):
        kae.export.saved_model(vae, tmp_path / "a" / "b" / "1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_numbers_of_another_model_are_refused(small, vae, tmp_path, in_process):
    other = small()
    bias = other.likelihood_layer.dense.bias
    bias.assign(bias + 0.01)
    write(tmp_path / "model", ServerSignatures(other, 8).all())
    with pytest.raises(RuntimeError, match="`x` of `decode` differs from the model by"):
        comparison.compare("saved_model", tmp_path / "model", server_probes(vae), tmp_path)


@pytest.mark.slow
def test_a_saved_model_whose_variables_only_python_finds_is_refused(vae, tmp_path):
    class Holder(tf.Module):
        """The way to export that looks right: Python loads the file, a model server does not."""

        def __init__(self):
            super().__init__()
            self.model = vae

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="z")])
        def decode(self, z):
            return {"x": ServerSignatures(self.model, 8).decode(z)["x"]}

    holder = Holder()
    tf.saved_model.save(holder, str(tmp_path / "model"), signatures={"decode": holder.decode})
    loaded = tf.saved_model.load(str(tmp_path / "model")).signatures["decode"]
    probes = [probe for probe in server_probes(vae) if probe.signature == "decode"]
    found = loaded(z=tf.constant(probes[0].inputs["z"]))["x"]
    np.testing.assert_allclose(found, probes[0].outputs["x"], atol=1e-6)
    with pytest.raises(RuntimeError, match=r"Another loader could not run the export.*[Vv]ariable"):
        comparison.compare("saved_model", tmp_path / "model", probes, tmp_path)


def test_a_file_that_is_none_is_refused_with_the_loaders_words(vae, tmp_path):
    (tmp_path / "a.tflite").write_bytes(b"no model")
    with pytest.raises(RuntimeError, match=r"Another loader could not run the export .*: ValueError"):
        comparison.compare(
            "litert", tmp_path / "a.tflite", device_probes(vae, 1, names=["decode", "generate"]), tmp_path
        )


def test_a_loader_that_hangs_is_ended(vae, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "_TIMEOUT", 0.01)
    with pytest.raises(RuntimeError, match=r"did not finish within 0.01 s"):
        comparison.compare(
            "litert", tmp_path / "a.tflite", device_probes(vae, 1, names=["decode", "generate"]), tmp_path
        )


@pytest.mark.parametrize("quantize", ["none", "dynamic"])
def test_nan_is_an_error(vae, quantize):
    probe = device_probes(vae, 1, names=["decode", "generate"])[0]
    nan = np.full_like(probe.outputs["x"], np.nan)
    with pytest.raises(RuntimeError, match="differs from the model by nan"):
        comparison._compare([probe], {"0/litert/x": nan}, quantize)


@pytest.mark.parametrize(("quantize", "error", "fails"), [("none", 1e-5, False), ("none", 1e-4, True)])
def test_the_tolerance_is_a_part_of_the_largest_value(vae, quantize, error, fails):
    probe = device_probes(vae, 1, names=["decode", "generate"])[0]._replace(
        outputs={"x": np.float64([[500.0, -200.0]])}
    )
    results = {"0/litert/x": probe.outputs["x"] + [[0.0, 500.0 * error]]}
    if fails:
        with pytest.raises(RuntimeError, match="differs"):
            comparison._compare([probe], results, quantize)
    else:
        assert comparison._compare([probe], results, quantize)["decode"]["x"]["max"] == pytest.approx(500 * error)


def test_another_shape_is_an_error(vae):
    probe = device_probes(vae, 1, names=["decode", "generate"])[0]
    with pytest.raises(RuntimeError, match=r"`x` of `decode` must have shape \[1, 8, 8, 1\]. Received: \[1, 64\]"):
        comparison._compare([probe], {"0/litert/x": probe.outputs["x"].reshape(1, 64)}, "none")


@pytest.mark.parametrize(("kind", "opener"), [("saved_model", "open_saved_model"), ("litert", "open_litert")])
def test_the_other_process_cannot_import_what_made_the_export(kind, opener, tmp_path):
    code = f"""
import importlib, json, runpy
names = runpy.run_path({str(comparison._ISOLATED_RUNNER)!r})
def opened(path):
    missing = []
    for name in ["keras_ae", "keras", "tensorflow_probability", "numpy"] + ["tensorflow"] * ({kind!r} == "litert"):
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    print(json.dumps(missing))
    raise SystemExit(0)
names["main"].__globals__[{opener!r}] = opened
names["main"]({kind!r}, "a", "b", "c", "d")
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    expected = ["keras_ae", "keras", "tensorflow_probability"] + ["tensorflow"] * (kind == "litert")
    assert json.loads(output) == expected


def test_a_file_without_weights_is_refused(vae, tmp_path, monkeypatch):
    """As the converter writes, and says nothing, where it is given a function in place of a SavedModel."""
    monkeypatch.setattr(sys.modules["keras_ae.export.litert.convert"], "pack", lambda *_: bytes(3600))
    with pytest.raises(RuntimeError, match=r"The export lacks weights: it has 3600 bytes, they have 17920 bytes"):
        kae.export.litert(vae, tmp_path / "a.tflite")
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_missing_is_an_error(vae):
    probes = [probe for probe in server_probes(vae) if probe.signature == "encode"]
    with pytest.raises(RuntimeError, match=r"`encode` must return \['scale', 'z'\]. Received: \['z'\]"):
        comparison._compare(probes, {"0/python/z": probes[0].outputs["z"]}, "none")


@pytest.fixture(scope="module")
def answers(small, tmp_path_factory):
    """Probes of every signature with every output, and the answers of both loaders, here in this process."""
    model = small(kae.Categorical(3))
    options = {"png": True, "quantiles": np.linspace(-60, -30, 50, dtype=np.float32)}
    folder = tmp_path_factory.mktemp("answers") / "model"
    write(folder, ServerSignatures(model, 8, **options).all())
    probes = server_probes(model, **options)
    loaders, _ = isolated_runner.open_saved_model(str(folder))
    return probes, {
        f"{index}/{loader}/{name}": isolated_runner.plain(value)
        for loader, run in loaders.items()
        for index, probe in enumerate(probes)
        for name, value in run(probe.signature, probe.inputs).items()
    }


EVERY = [(name, output) for name in ("decode", "sample", "generate", "reconstruct") for output in ("x", "png_bytes")]
EVERY += [("encode", "z"), ("encode", "scale")]
EVERY += [("score", output) for output in ("elbo", "kl", "reconstruction", "outlier_score")]


def test_every_output_of_every_signature_is_asked_of_both_loaders(answers):
    probes, results = answers
    errors = comparison._compare(probes, results, "none")
    assert sorted((name, output) for name, outputs in errors.items() for output in outputs) == sorted(EVERY)
    assert {key.split("/")[1] for key in results} == {"python", "session"}
    temperatures = {float(probe.inputs["temperature"]) for probe in probes if probe.signature == "generate"}
    assert temperatures == {1.0, 0.5}


@pytest.mark.parametrize("loader", ["python", "session"])
@pytest.mark.parametrize(("signature", "output"), EVERY)
def test_an_output_that_differs_is_refused(answers, signature, output, loader):
    probes, results = answers
    index = next(i for i, probe in enumerate(probes) if probe.signature == signature and len(probe.outputs[output]) > 1)
    key = f"{index}/{loader}/{output}"
    turned = {**results, key: results[key][::-1]}  # the rows the wrong way round
    with pytest.raises(RuntimeError, match=f"`{output}` of `{signature}` differs from the model by"):
        comparison._compare(probes, turned, "none")


def append(variables):
    data = variables.with_name("variables.data-00000-of-00001")
    data.write_bytes(data.read_bytes() + bytes(200_000))  # more than this small model and its names


def double(variables):
    reader = tf.train.load_checkpoint(str(variables))
    names = [name for name, shape in reader.get_variable_to_shape_map().items() if shape]
    twice = {f"{name}/{n}": tf.Variable(reader.get_tensor(name)) for name in names for n in (1, 2)}
    tf.train.Checkpoint(**{f"v{i}": variable for i, variable in enumerate(twice.values())}).write(str(variables))


@pytest.mark.parametrize("change", first(1, [append, double]))
def test_weights_that_are_stored_twice_are_refused(vae, tmp_path, monkeypatch, change):
    """Those of a model of a few kilobytes too."""

    def write_more(directory, signatures):
        write(directory, signatures)
        change(directory / "variables" / "variables")

    monkeypatch.setattr(sys.modules["keras_ae.export.saved_model"], "write", write_more)
    with pytest.raises(RuntimeError, match=r"stores \d+,\d+ bytes, but the weights of its model have \d\d?,\d+ bytes"):
        kae.export.saved_model(vae, tmp_path / "1")
    assert list(tmp_path.iterdir()) == []
