"""exports/browser refuses what it cannot draw, in a sentence. Skipped where a part is missing."""

import os

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_ae.export.litert.flatbuffer import pack

WRONG = {
    "generate(7, [{}])": "condition must be whole numbers from 0 to 9, 3 in all. Received: undefined, undefined",
    "generate(7, [{ condition: 10 }])": "condition must be whole numbers from 0 to 9, 3 in all. Received: 10, 10",
    "generate(7, [{ condition: 1.5 }])": "condition must be whole numbers from 0 to 9, 3 in all. Received: 1.5",
    "generate(-1, [{ condition: 1 }])": "seed must be whole numbers from 0 to 2147483647, 1 in all. Received: -1",
    "decode([1, 2, 3], [{ condition: 1 }])": "z must be numbers, 12 in all. Received: 1, 2, 3, 1",
    "decode([1, 2, 3, NaN], [{ condition: 1 }])": "z must be numbers, 12 in all. Received: 1, 2, 3, NaN",
}


def test_wrong_values_never_give_another_picture(page, gray):
    page.open("?decoder=gray.tflite")
    calls = [f"await decoder.{call}.then(() => 'a picture', (error) => error.message)" for call in WRONG]
    found = page.browser.evaluate(f"""(async () => {{
        const {{ Decoder }} = await import("./decoder.js");
        const decoder = await Decoder.open(new Uint8Array(await (await fetch("gray.tflite")).arrayBuffer()));
        return [{", ".join(calls)}];
    }})()""")
    for said, sentence in zip(found, WRONG.values(), strict=True):
        assert said.startswith(sentence)


def test_damaged_files_are_refused_in_a_sentence(page, gray):
    """Each of 200 truncations, and 200 files with eight wrong bytes in the tables of their beginning and end."""
    page.open("?decoder=gray.tflite")
    sentences = page.browser.evaluate("""(async () => {
        const { readMetadata } = await import("./decoder.js");
        const whole = new Uint8Array(await (await fetch("gray.tflite")).arrayBuffer());
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
    })()""")
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
            "This could not be read as a .tflite file of keras_ae: it says nothing of itself. Export the model again.",
        ),
        ({"min_runtime_version": b"1.5.0", "keras_ae": b"{"}, "This could not be read as a .tflite file of keras_ae: "),
        ({"keras_ae": b'{"format": 2}'}, "The file must hold metadata of keras_ae, format 1: export the model again."),
    ],
)
def test_files_of_others_are_refused_in_a_sentence(page, site, metadata, sentence):
    empty = schema.ModelT(
        version=3, operatorCodes=[], subgraphs=[], buffers=[schema.BufferT()], signatureDefs=[], metadata=[]
    )
    (site[0] / "other.tflite").write_bytes(pack(empty, metadata))
    os.utime(site[0] / "other.tflite", (10**9 + len(metadata),) * 2)  # as when an older file is put there
    page.open("?decoder=other.tflite")
    assert page.said().startswith(sentence)


def test_files_are_chosen_and_wrong_ones_are_refused(page, gray, site, tmp_path):
    page.open("?decoder=colored-not-there.tflite")
    assert page.said() == "There is no colored-not-there.tflite here (404). Choose a file of yours."
    (tmp_path / "wrong.tflite").write_bytes(b"no model")
    page.choose(tmp_path / "wrong.tflite")
    assert page.said() == "This could not be read as a .tflite file of keras_ae: it has another file identifier."
    (tmp_path / "mine.tflite").write_bytes((site[0] / "gray.tflite").read_bytes())
    page.choose(tmp_path / "mine.tflite")
    assert page.text("#name") == "mine.tflite"
    page.set(seed="5", property_condition="1")
    page.check("pictures", gray.sample(30, 1, seed=5))
    page.choose(tmp_path / "wrong.tflite")
    assert "has another file identifier" in page.said()


def test_a_wrong_seed_is_refused_and_a_right_one_draws_again(page, gray):
    page.open("?decoder=gray.tflite")
    for seed in ("", "-1", "1.5", str(2**31)):
        page.set(seed=seed)
        assert page.said() == "The seed must be a whole number from 0 to 2147483647."
        assert page.browser.evaluate("document.getElementById('seed').ariaInvalid") == "true"
    page.set(seed="8")
    page.check("pictures", gray.sample(30, np.arange(30) % 10, seed=8))
    assert page.browser.evaluate("document.getElementById('message').hidden")
