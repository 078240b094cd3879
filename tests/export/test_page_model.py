"""model.js of the page in a headless Chromium: what it computes and refuses. Skipped where a part is missing."""

import json
import pathlib
import re

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import keras_ae as kae
from keras_ae.export.litert.flatbuffer import pack

EXPORTS = pathlib.Path(kae.__file__).parent.parent / "exports"
TOLERANCE = 2e-6  # float32, that of test_one_seed
OPEN = """
const { Model, readMetadata } = await import("./model.js");
const whole = new Uint8Array(await (await fetch("gray.tflite")).arrayBuffer());
"""
WRONG = {
    "generate(7, [{}])": "condition must be whole numbers from 0 to 9, 3 in all. Received: undefined, undefined",
    "generate(7, [{ condition: 10 }])": "condition must be whole numbers from 0 to 9, 3 in all. Received: 10, 10",
    "generate(7, [{ condition: 1.5 }])": "condition must be whole numbers from 0 to 9, 3 in all. Received: 1.5",
    "generate(-1, [{ condition: 1 }])": "seed must be whole numbers from 0 to 2147483647, 1 in all. Received: -1",
    "decode([[1, 2, 3]], [{ condition: 1 }])": "z must be numbers, 12 in all. Received: 1, 2, 3, 1",
    "decode([[1, 2, 3, NaN]], [{ condition: 1 }])": "z must be numbers, 12 in all. Received: 1, 2, 3, NaN",
}


@pytest.fixture(scope="module")
def gray(cvae, site):
    """Gray pictures of ten classes, three rows a call."""
    names = ("decode", "generate", "encode")
    kae.export.litert(cvae, site[0] / "gray.tflite", batch_size=3, signatures=names)
    return cvae


@pytest.fixture
def run(gray, site, browser):
    """A function that runs the end of an async function in the page."""
    browser.open(f"{site[1]}/index.html")
    return lambda code: browser.evaluate(f"(async () => {{ {OPEN} {code} }})()")


def test_rows_are_split_into_calls(run, gray):
    """Five rows, in calls of three."""
    rng = np.random.default_rng(0)
    z, x, labels = rng.normal(size=[5, 4]), rng.random([5, 8, 8, 1]), [3, 1, 4, 1, 5]
    given = json.dumps([{"condition": label} for label in labels])
    found = run(f"""
        const model = await Model.open(whole);
        const decoded = await model.decode({z.tolist()}, {given});
        const encoded = await model.encode({x.reshape(5, -1).tolist()}, {given});
        return [decoded, encoded].map((rows) => rows.map((row) => [...row]));
    """)
    expected = gray.decode(z, labels).numpy().reshape(5, -1)
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(found[1], gray.encode(x, labels), rtol=0, atol=TOLERANCE)


def test_the_example_of_the_readme_runs(run, gray):
    (code,) = re.findall(r"```js\n(.*?)```", (EXPORTS / "browser" / "README.md").read_text(), re.DOTALL)
    code = code.replace('import { Model } from "./model.js";', "").replace("model.tflite", "gray.tflite")
    found = run(f"{code} return [first, second, mean, code].map((row) => [...row]);")
    images = [*gray.sample(2, [3, 8], seed=7), *gray.decode(np.float32([[0.5, -1, 0, 2]]), [3])]
    np.testing.assert_allclose(np.reshape(found[:3], [3, 8, 8, 1]), images, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(found[3], gray.encode(images[0][np.newaxis], [3])[0], rtol=0, atol=10 * TOLERANCE)


def test_what_the_file_says_of_itself_is_read(run, site):
    assert run("return readMetadata(whole);") == kae.export.litert_metadata(site[0] / "gray.tflite")


def test_wrong_values_never_give_another_picture(run):
    calls = [f"await model.{call}.then(() => 'a picture', (error) => error.message)" for call in WRONG]
    found = run(f"const model = await Model.open(whole); return [{', '.join(calls)}];")
    for said, sentence in zip(found, WRONG.values(), strict=True):
        assert said.startswith(sentence)


def test_damaged_files_are_refused_in_a_sentence(run):
    """Each of 200 truncations, and 200 files with eight wrong bytes in the tables of their beginning and end."""
    sentences = run("""
        const said = {};
        const read = (content) => {
            let sentence = "read";
            try { readMetadata(content); } catch (error) { sentence = `${error.name}: ${error.message.slice(0, 60)}`; }
            said[sentence] = (said[sentence] ?? 0) + 1;
        };
        for (let i = 0; i < 200; ++i) read(whole.slice(0, Math.floor((i * whole.length) / 200)));
        let state = 1;
        const next = (end) => (state = (state * 48271) % 2147483647) % end;
        for (let i = 0; i < 200; ++i) {
            const content = whole.slice();
            for (let k = 0; k < 8; ++k) content[k % 2 ? next(200) : content.length - 1 - next(800)] = next(256);
            read(content);
        }
        return said;
    """)
    assert sum(sentences.values()) == 400 and sum(sentences.values()) - sentences.get("read", 0) >= 200
    allowed = (
        "read",
        "Error: This could not be read as a .tflite file",
        "Error: The file must hold metadata of keras_ae",
    )
    assert all(sentence.startswith(allowed) for sentence in sentences), sentences


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        (
            {},
            "This could not be read as a .tflite file of keras_ae: it has no metadata. Export the model again.",
        ),
        ({"min_runtime_version": b"1.5.0", "keras_ae": b"{"}, "This could not be read as a .tflite file of keras_ae: "),
        ({"keras_ae": b'{"format": 2}'}, "The file must hold metadata of keras_ae, format 1: export the model again."),
    ],
)
def test_files_of_others_are_refused_in_a_sentence(run, metadata, sentence):
    empty = schema.ModelT(
        version=3, operatorCodes=[], subgraphs=[], buffers=[schema.BufferT()], signatureDefs=[], metadata=[]
    )
    content = list(pack(empty, metadata))
    code = f"return Model.open(Uint8Array.from({content})).then(() => 'opened', (error) => error.message);"
    assert run(code).startswith(sentence)
