"""A disk without room is an `OSError` that names the export, whichever library meets it, and leaves what was there."""

import errno

import pytest
from full_disk import files_of_at_most
from tiers import first

import keras_ae as kae
from keras_ae.io.writing import staging

FORMATS = {
    "saved_model": lambda model, folder: kae.export.saved_model(model, folder / "1"),
    "litert": lambda model, folder: kae.export.litert(model, folder / "a.tflite"),
    "int8": lambda model, folder: kae.export.litert(model, folder / "a.tflite", quantize="int8"),
    "onnx": lambda model, folder: kae.export.onnx(model, folder / "a.onnx"),
}


# At 1 kB the weights find no room, at 16 kB the graph, at 60 kB what is written beside it.
CASES = [("litert", 1_000), *((name, size) for name in FORMATS for size in (1_000, 16_000))]


@pytest.mark.parametrize(("name", "size"), first(1, CASES))
def test_an_export_without_room_is_an_error_of_the_system(small, tmp_path, in_process, name, size):
    if name == "onnx":
        pytest.importorskip("tf2onnx", reason='needs pip install "keras_ae[onnx]"')
    model = small()
    with (
        files_of_at_most(size),
        pytest.raises(OSError, match=r"could not be written, and nothing was changed: File too large") as e,
    ):
        FORMATS[name](model, tmp_path)
    assert e.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Another loader could not run the export (exit status 1): OSError: No space left on device"),
        ValueError("{{function_node __wrapped__SaveV2}} variables.data; No space left on device [Op:SaveV2]"),
    ],
)
def test_a_full_disk_is_known_by_its_words(tmp_path, error):
    with pytest.raises(OSError, match=r"a\.tflite could not be written, .*: No space left on device") as e:  # noqa: SIM117
        with staging(tmp_path / "a.tflite"):
            raise error
    assert e.value.errno == errno.ENOSPC and e.value.__cause__ is error


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(RuntimeError, match="the model"), staging(tmp_path / "a.tflite"):
        raise RuntimeError("not the model")
