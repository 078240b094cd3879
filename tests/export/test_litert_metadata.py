"""What a .tflite file says of itself."""

import json

import numpy as np
import pytest

import keras_ae as kae
from keras_ae.export.litert.metadata import litert_metadata
from keras_ae.export.signatures.descriptions import descriptions


@pytest.fixture(scope="module")
def strokes(small):
    model = small({"digit": kae.Categorical(3), "slant": kae.Continuous()}, likelihood="poisson")
    model.condition.adapt({"digit": np.arange(3), "slant": np.float32([0.0, 10.0, 20.0])})
    return model


@pytest.fixture(scope="module")
def metadata(strokes, tmp_path_factory):
    path = tmp_path_factory.mktemp("metadata") / "a.tflite"
    notes = {"digit": {"labels": ["a", "b", "c"]}, "slant": {"unit": "degrees", "range": [-5.0, 45.0]}}
    kae.export.litert(strokes, path, batch_size=2, notes=notes)
    return litert_metadata(path)


def test_every_input_and_output_is_described(metadata):
    assert list(metadata["signatures"]) == ["decode", "generate"] and metadata["omitted"] == {}
    generate = metadata["signatures"]["generate"]
    assert generate["inputs"]["seed"] == {
        "dtype": "int32",
        "shape": [1],
        "description": "The same seed gives the same samples here and in Keras.",
        "unit": "1",
        "range": [0, 2**31 - 1],
        "labels": None,
    }
    assert generate["inputs"]["digit"]["labels"] == ["a", "b", "c"]
    assert generate["inputs"]["digit"]["range"] == [0, 2] and generate["inputs"]["digit"]["shape"] == [2]
    slant = generate["inputs"]["slant"]
    assert (slant["dtype"], slant["unit"], slant["range"]) == ("float32", "degrees", [-5.0, 45.0])
    deviation = np.std([0.0, 10.0, 20.0])
    np.testing.assert_allclose(slant["typical"], [10 - 2 * deviation, 10 + 2 * deviation], rtol=1e-5)
    picture = metadata["signatures"]["decode"]["outputs"]["x"]
    assert picture["shape"] == [2, 8, 8, 1] and picture["range"] == [0.0, None]  # counts have no largest value
    assert metadata["signatures"]["decode"]["inputs"]["z"]["range"] is None


@pytest.mark.parametrize(
    "notes",
    [
        {"color": {"unit": "nm"}},
        {"digit": {"color": "red"}},
        {"digit": ["a", "b", "c"]},
        {"digit": {"labels": ["a", "b"]}},
        {"digit": {"labels": ["a", "b", "a"]}},
        {"slant": {"labels": ["a"]}},
        {"digit": {"labels": 5}},
        {"digit": {"labels": "abc"}},
        {"digit": {"unit": object()}},
        [1],
        "digit",
    ],
)
def test_notes_of_something_else_are_refused(strokes, notes):
    with pytest.raises(ValueError, match="`notes` must"):
        descriptions(strokes, notes)


def test_files_without_metadata_are_refused(tmp_path):
    path = tmp_path / "a.tflite"
    with pytest.raises(FileNotFoundError, match="There is no file"):
        litert_metadata(path)
    for content in (b"", b"\0" * 100, b"\x1c\0\0\0TFL3" + b"\xff" * 60, b"\x1c\0\0\0TFL3", json.dumps({}).encode()):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a.tflite (could not be read|must hold metadata)"):
            litert_metadata(path)
