"""What exports/README.md tells the reader to type."""

import json
import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae

README = pathlib.Path(kae.__file__).parent.parent / "exports" / "README.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def folder(cvae, asked_here, tmp_path_factory):
    """A folder in which the first lines of the README were run."""
    folder = tmp_path_factory.mktemp("readme")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        asked_here(patch)
        cvae.save("cvae.keras")
        exec(blocks("python")[0], {})
    return folder


@pytest.mark.slow
def test_the_device_example_draws_the_pictures_of_keras(folder, cvae, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    names = {}
    exec(blocks("python")[1], names)
    np.testing.assert_allclose(names["x"][0], cvae.sample(3, 3, seed=7)[2], atol=2e-6)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 * 8 and {len(line) for line in lines} == {8}


@pytest.mark.slow
def test_the_requests_fit_the_signatures(folder, cvae):
    signatures = tf.saved_model.load(str(folder / "exports" / "models" / "cvae" / "1")).signatures
    answers = []
    for block in blocks("sh"):
        for payload in re.findall(r"-d '(.*?)'", block, re.DOTALL):
            request = json.loads(payload)
            signature = signatures[request.get("signature_name", "serving_default")]
            specs = signature.structured_input_signature[1]
            answers.append(signature(**{k: tf.constant(v, specs[k].dtype) for k, v in request["inputs"].items()})["x"])
    np.testing.assert_allclose(answers[0], cvae.sample(3, 3, seed=7), atol=1e-6)
    codes = np.float32([[0.5, -1, 0, 2], [0, 0, 0, 0]])
    np.testing.assert_allclose(answers[1], cvae.decode(codes, [3, 8]), atol=1e-6)


def test_exports_stay_out_of_version_control():
    ignored = (README.parent.parent / ".gitignore").read_text(encoding="utf-8").split()
    assert {"/exports/models/", "/exports/tflite/"} <= set(ignored)


@pytest.mark.slow
def test_the_detector_of_the_readme_is_in_its_file(in_process, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(blocks("python")[3], names)
    assert list(kae.export.litert_metadata("exports/tflite/outliers.tflite")["signatures"]) == ["score"]


@pytest.mark.slow
def test_the_file_of_integers_is_described(cvae, in_process, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"model": cvae}
    exec(blocks("python")[2], names)
    assert capsys.readouterr().out == "['condition', 'z']\n"
    assert names["scale"] == pytest.approx(1 / 256) and names["zero_point"] == -128
