"""exports/device/run.py draws the pictures of Keras, in a process that has neither TensorFlow nor keras_ae."""

import io
import json
import os
import pathlib
import subprocess
import sys
import venv

import numpy as np
import pytest
from PIL import Image

import keras_ae as kae

FOLDER = pathlib.Path(kae.__file__).parent.parent / "exports" / "device"
# Before the script of the arguments runs, whatever is not on a device is out of reach.
STRANGER = """
import runpy, sys
sys.modules.update(dict.fromkeys(["tensorflow", "keras", "keras_ae", "tensorflow_probability", "PIL", "matplotlib"]))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(*arguments, code=0):
    command = [sys.executable, "-W", "error", "-c", STRANGER, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def file(cvae, tmp_path_factory):
    path = tmp_path_factory.mktemp("runner") / "cvae.tflite"
    kae.export.litert(cvae, path, batch_size=3, notes={"condition": {"labels": list("abcdefghij")}})
    return path


@pytest.fixture(scope="module")
def runner():
    """The names in run.py, in this process."""
    import runpy

    return runpy.run_path(str(FOLDER / "run.py"))


@pytest.mark.slow
def test_a_picture_is_written_without_any_library_for_pictures(file, cvae, tmp_path):
    said = run(FOLDER / "run.py", file, "--seed", 7, "--condition", 3, "--num", 5, "--out", tmp_path / "threes.png")
    assert said == f"5 pictures in {tmp_path / 'threes.png'}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["threes.png"]
    with Image.open(tmp_path / "threes.png") as picture:
        pixels = np.asarray(picture)
    assert picture.mode == "L" and pixels.shape == (2 * 8, 3 * 8)  # three columns, two rows
    expected = 255 * cvae.sample(5, 3, seed=7).numpy()[..., 0]
    for number, place in enumerate([(0, 0), (0, 8), (0, 16), (8, 0), (8, 8)]):
        found = pixels[place[0] : place[0] + 8, place[1] : place[1] + 8]
        assert np.abs(found - expected[number]).max() <= 0.501  # rounded
    assert (pixels[8:, 16:] == 0).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Give --condition condition=VALUE, a whole number from 0 to 9, or one of a, b, c"),
        (["--condition", "10"], "--condition condition must be a whole number from 0 to 9.* Received: 10"),
        (["--condition", "-1"], "--condition condition must be a whole number"),
        (["--condition", "three"], "--condition condition must be .* Received: three"),
        (["--condition", "slant=3"], "must name condition, each once. Received: --condition slant=3"),
        (["--condition", "3", "--condition", "4"], "each once. Received: --condition 4"),
    ],
)
def test_wrong_values_are_refused_in_a_sentence(runner, file, arguments, sentence):
    properties = runner["Decoder"](file).properties
    with pytest.raises(ValueError, match=sentence):
        runner["parse"](properties, arguments[1::2])


def test_values_are_named_or_labeled(runner, file):
    properties = runner["Decoder"](file).properties
    for text in ("3", "condition=3", "d", "condition=d"):
        assert runner["parse"](properties, [text]) == {"condition": 3}
    vector = {"place": {"dtype": "float32", "shape": [1, 2], "range": [0.0, 5.0], "labels": None, "unit": "m"}}
    assert runner["parse"](vector, ["0.5,5"]) == {"place": [0.5, 5.0]}
    for text in ("1", "1,2,3", "1,6", "1,nan", "1,x"):
        with pytest.raises(ValueError, match=r"place must be 2 comma-separated numbers, each from 0 to 5, m\. "):
            runner["parse"](vector, [text])


def test_what_goes_wrong_ends_with_a_sentence_and_no_picture(file, tmp_path):
    wrong = tmp_path / "wrong.tflite"
    wrong.write_bytes(b"no model")
    out = ["--out", tmp_path / "a.png"]
    said = run(FOLDER / "run.py", wrong, *out, code=2)
    assert "could not be read as a .tflite file" in said and "Traceback" not in said
    said = run(FOLDER / "run.py", file, "--condition", 11, *out, code=2)
    assert "--condition condition must be a whole number from 0 to 9" in said and "Traceback" not in said
    said = run(FOLDER / "run.py", tmp_path / "none.tflite", *out, code=2)
    assert "none.tflite: No such file or directory" in said and "Errno" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.tflite"]


def test_a_decoder_without_a_condition_takes_none(runner):
    assert runner["parse"]({}, []) == {}
    with pytest.raises(ValueError, match=r"must be omitted: this decoder has none\. Received: --condition 3"):
        runner["parse"]({}, ["3"])


def test_one_picture_is_one_and_can_be_larger(runner, monkeypatch, capsys, file, tmp_path):
    pixels = {}
    for scale in (1, 3):
        arguments = ["--condition", "1", "--scale", str(scale), "--out", str(tmp_path / "one.png")]
        monkeypatch.setattr(sys, "argv", ["run.py", str(file), *arguments])
        runner["main"]()
        assert capsys.readouterr().out == f"1 picture in {tmp_path / 'one.png'}\n"
        with Image.open(tmp_path / "one.png") as picture:
            pixels[scale] = np.asarray(picture)
    np.testing.assert_array_equal(pixels[3], pixels[1].repeat(3, axis=0).repeat(3, axis=1))


@pytest.mark.parametrize("scale", [0, 65])
def test_scales_are_checked(runner, monkeypatch, capsys, file, scale):
    monkeypatch.setattr(sys, "argv", ["run.py", str(file), "--condition", "1", "--scale", str(scale)])
    with pytest.raises(SystemExit):
        runner["main"]()
    assert f"--scale must be from 1 to 64. Received: {scale}" in capsys.readouterr().err


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_seeds_are_checked(runner, monkeypatch, capsys, file, seed):
    monkeypatch.setattr(sys, "argv", ["run.py", str(file), "--condition", "1", "--seed", str(seed)])
    with pytest.raises(SystemExit):
        runner["main"]()
    assert "--seed must be from 0 to 2147483647" in capsys.readouterr().err


def test_a_file_that_cannot_generate_says_why(runner, file, monkeypatch):
    metadata = {"signatures": {"decode": {}}, "omitted": {"generate": "The model has no prior to draw from."}}
    monkeypatch.setitem(runner["Decoder"].__init__.__globals__, "read_metadata", lambda *_: metadata)
    with pytest.raises(ValueError, match=r"does not generate: The model has no prior to draw from\."):
        runner["Decoder"](file)


def test_grids_and_colors(runner):
    pictures = np.random.default_rng(0).random((3, 4, 5, 3)).astype(np.float32)
    pixels = runner["grid"](pictures, [0.0, 1.0])
    assert pixels.shape == (8, 10, 3) and pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels[:4, 5:], np.round(255 * pictures[1]))
    with Image.open(io.BytesIO(runner["png"](pixels))) as read:
        np.testing.assert_array_equal(np.asarray(read), pixels)
    wide = runner["grid"](7 * pictures[..., :1] - 3, [0.0, None])  # no largest value: from the smallest to the largest
    assert wide.min() == 0 and wide[:4, :5].max() <= 255 == wide.max()
    for wrong, sentence in ((np.zeros([2, 7]), "gray or RGB"), (np.full([1, 2, 2, 1], np.nan), "returned NaN")):
        with pytest.raises(ValueError, match=sentence):
            runner["grid"](wrong)


@pytest.fixture(scope="module")
def detector(cvae, digits, tmp_path_factory):
    """A detector of digits given their class, its file with three rows a call, and digits with their class."""
    x, labels = digits
    path = tmp_path_factory.mktemp("detector") / "detector.tflite"
    detector = kae.outliers.OutlierDetector(cvae, condition=labels[:200], random_state=0).fit(x[:200])
    kae.export.litert(detector, path, batch_size=3, signatures="score")
    return detector, path, x[200:205]


def test_scores_are_those_of_python(detector, tmp_path):
    detector, path, x = detector
    x = np.concatenate([x, 1.0 - x[:2]])  # digits, and inverted digits
    np.save(tmp_path / "x.npy", x)
    said = run(FOLDER / "run.py", path, "--score", tmp_path / "x.npy", "--condition", 3)
    head, *lines, sentence = said.splitlines()
    assert head == "row,score,p_value,outlier" and len(lines) == 7
    row, score, p_value, outlier = np.array([line.split(",") for line in lines], float).T
    condition = np.full(7, 3)
    np.testing.assert_array_equal(row, np.arange(7))
    np.testing.assert_allclose(score, -detector.score_samples(x, condition), rtol=1e-4)
    np.testing.assert_allclose(p_value, detector.p_values(x, condition), atol=1.01 / 101)  # one step
    np.testing.assert_array_equal(outlier, detector.predict(x, condition) == -1)
    share = (1 + (detector.calibration_ > -detector.offset_).sum()) / 101
    assert sentence == (
        f"# {outlier.sum():.0f} of 7 have a score above {-detector.offset_:.6g}, as about {100 * share:.2g}% of usual "
        "examples have"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["x.npy"]


def test_examples_to_score_are_checked(runner, detector, file, tmp_path):
    _, path, x = detector
    scorer = runner["Detector"](path)
    for wrong in (x[..., 0], x[:0], np.full_like(x, np.nan)):
        with pytest.raises(ValueError, match=r"The examples must be finite numbers \[N, 8, 8, 1\]"):
            scorer.score(wrong, {"condition": 3})
    with pytest.raises(ValueError, match="does not score: it must be the export of a fitted outlier detector"):
        runner["Detector"](file)
    (tmp_path / "x.npy").write_bytes(b"no array")
    said = run(FOLDER / "run.py", path, "--score", tmp_path / "x.npy", "--condition", 3, code=2)
    assert "Traceback" not in said


@pytest.mark.skipif("KERAS_AE_TEST_NETWORK" not in os.environ, reason="needs the network: set KERAS_AE_TEST_NETWORK")
def test_an_environment_with_nothing_but_its_requirements_is_enough(file, cvae, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    quiet = {"env": environment, "check": True, "capture_output": True, "text": True, "cwd": tmp_path}
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", str(FOLDER / "requirements.txt")], **quiet)
    listed = json.loads(subprocess.run([python, "-m", "pip", "list", "--format=json"], **quiet).stdout)
    assert not {"tensorflow", "keras", "keras-ae", "keras_ae", "pillow"} & {entry["name"].lower() for entry in listed}
    out = tmp_path / "three.png"
    subprocess.run([python, str(FOLDER / "run.py"), str(file), "--condition", "3", "--out", str(out)], **quiet)
    with Image.open(out) as picture:
        found = np.asarray(picture)
    assert np.abs(found - 255 * cvae.sample(1, 3, seed=0).numpy()[0, ..., 0]).max() <= 0.501
