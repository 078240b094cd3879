"""One seed, one picture: a hundred seeds in Keras, and in everything that runs an export."""

import json
import pathlib
import runpy

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from tiers import first

import keras_ae as kae
from keras_ae.export.signatures.server import ServerSignatures
from keras_ae.export.signatures.signature import write
from keras_ae.export.verification import isolated_runner

RUNNER = pathlib.Path(kae.__file__).parent.parent / "exports" / "device" / "run.py"
SEEDS = np.random.default_rng(0).integers(2**31, size=100, dtype=np.int32)
SEEDS[:2] = 0, 2**31 - 1
LABELS = np.arange(100, dtype=np.int32) % 10
ROWS = 3  # of each seed
# float32: every runner has its own logarithm, cosine and exponential, and adds in its own order. Seen: 1.8e-7, three of
# the last bits of a value near 1; the rest is room for other processors, which join multiplications and additions.
TOLERANCE = 2e-6


@pytest.fixture(scope="module")
def expected(cvae):
    """Keras: [100, 3, 8, 8, 1]."""
    return np.stack([cvae.sample(ROWS, int(label), seed=int(seed)) for seed, label in zip(SEEDS, LABELS, strict=True)])


@pytest.fixture(scope="module")
def directory(cvae, tmp_path_factory):
    directory = tmp_path_factory.mktemp("one") / "1"
    write(directory, ServerSignatures(cvae, 100).all())
    return directory


@pytest.fixture(scope="module")
def file(cvae, tmp_path_factory):
    """A .tflite file of two rows a call: three pictures take two calls, of row 0 and of row 2."""
    path = tmp_path_factory.mktemp("one") / "one.tflite"
    kae.export.litert(cvae, path, batch_size=2)
    return path


def check(found, expected):
    np.testing.assert_allclose(np.reshape(found, expected.shape), expected, rtol=0, atol=TOLERANCE)


def test_other_seeds_and_rows_are_other_pictures(expected):
    """So that the tolerance tells them apart: pictures of one label, of all seeds and rows."""
    for label in range(10):
        pictures = expected[label == LABELS].reshape(10 * ROWS, -1)
        distances = np.abs(pictures[:, np.newaxis] - pictures).max(axis=-1)
        assert distances[~np.eye(len(pictures), dtype=bool)].min() > 1000 * TOLERANCE


@pytest.mark.parametrize("loader", first(1, ["session", "python"]))
def test_a_server_draws_them(directory, expected, loader):
    run = isolated_runner.open_saved_model(str(directory))[0][loader]
    check(run("sample", {"seed": SEEDS, "condition": LABELS})["x"], expected[:, 0])
    scalars = {"num": np.int32(ROWS), "temperature": np.float32(1.0)}
    calls = [{"seed": seed, "condition": LABELS[[i]], **scalars} for i, seed in enumerate(SEEDS)]
    check([run("generate", call)["x"] for call in calls], expected)


def test_the_c_program_draws_them(c_program, directory, expected):
    found, _ = c_program(directory, "sample", {"seed": SEEDS, "condition": LABELS})
    check(found, expected[:, 0])


def test_litert_draws_them(file, expected):
    generate = Interpreter(str(file), num_threads=1).get_signature_runner("generate")
    calls = [
        generate(seed=SEEDS[[i]], row=np.int32([row]), condition=LABELS[[i, i]])["x"]
        for i in range(100)
        for row in (0, 2)
    ]
    check(np.reshape(calls, [100, 4, 8, 8, 1])[:, :ROWS], expected)


def test_the_device_runner_draws_them(file, expected):
    decoder = runpy.run_path(str(RUNNER))["Decoder"](file)
    check([decoder.draw(ROWS, seed, {"condition": LABELS[i]}) for i, seed in enumerate(SEEDS)], expected)


def test_onnx_draws_them(cvae, expected, tmp_path, in_process):
    onnxruntime, *_ = (
        pytest.importorskip(name, reason='needs pip install "keras_ae[onnx]"')
        for name in ("onnxruntime", "onnx", "tf2onnx")
    )
    card = kae.export.onnx(cvae, tmp_path / "one.onnx", signature="generate")
    session = onnxruntime.InferenceSession(str(card.path), providers=["CPUExecutionProvider"])
    inputs = {"seed": np.repeat(SEEDS, ROWS), "row": np.tile(np.arange(ROWS, dtype=np.int32), 100)}
    (found,) = session.run(["x"], {**inputs, "condition": np.repeat(LABELS, ROWS)})
    check(found, expected)


@pytest.mark.slow
def test_a_browser_draws_them(site, browser, file, expected):
    folder, address = site
    (folder / "one.tflite").write_bytes(file.read_bytes())
    browser.open(f"{address}/index.html")
    calls = json.dumps([SEEDS.tolist(), LABELS.tolist()])
    found = browser.evaluate(f"""(async () => {{
        const {{ Model }} = await import("./model.js");
        const response = await fetch("one.tflite");
        const model = await Model.open(new Uint8Array(await response.arrayBuffer()));
        const [seeds, labels] = {calls};
        const pictures = [];
        for (let i = 0; i < seeds.length; ++i)
            pictures.push(...(await model.generate(seeds[i], Array({ROWS}).fill({{ condition: labels[i] }}))));
        return pictures.flatMap((x) => [...x]);
    }})()""")
    check(found, expected)
