"""The table in exports/README.md has every model and part, and holds."""

import export_table
import pytest

from keras_ae.export.verification import comparison, isolated_runner

TEXT = export_table.DOCUMENT.read_text(encoding="utf-8")
ROWS = export_table.read(TEXT)
EXACT = ("SavedModel", "LiteRT float32", "ONNX decode", "ONNX generate")


def test_every_model_and_part_has_its_row():
    """A new one gets it with `python benchmarks/export_table.py`."""
    assert list(ROWS) == list(export_table.ROWS)


@pytest.mark.parametrize("kind", export_table.KINDS)
def test_errors_and_sizes_are_those_of_the_format(kind):
    for (_, name), cells in ((row, cells) for row, cells in ROWS.items() if row[0] == kind):
        found = {label: export_table.numbers(text) for label, text in cells.items()}
        for label in EXACT:
            # A few roundings of values in [0, 1], and of counts and KLs of some tens.
            assert found[label] is None or found[label][1] <= 1e-5, (name, label)
        whole, half = found["LiteRT float32"], found["LiteRT fp16"]
        # Weights take half; operators and names, at most 70 kB of these files, stay as they are.
        assert whole is None or half[0] <= whole[0] / 2 + 35, name


def test_what_cannot_be_exported_says_why_in_a_sentence():
    for row, cells in ROWS.items():
        for label, text in cells.items():
            assert export_table.numbers(text) or len(text.split()) > 5, (row, label)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_a_row_holds(row, monkeypatch):
    """Sizes to a hundredth and 2 kB, for names; errors of another processor may be a few times as large."""
    pytest.importorskip("tf2onnx", reason='ONNX needs pip install "keras_ae[onnx]"')
    monkeypatch.setattr(comparison, "_run", lambda kind, *paths: isolated_runner.answer(kind, *map(str, paths)))
    for label, text in export_table.measure(*row).items():
        known, found = export_table.numbers(ROWS[row][label]), export_table.numbers(text)
        if known is None:
            assert text == ROWS[row][label]
        else:
            assert found[0] == pytest.approx(known[0], rel=0.01, abs=2)
            assert found[1] <= 5 * known[1] + 1e-6


def test_what_is_written_is_read_again():
    cells = {label: export_table.cell(1_234_567, 1.23e-7) for label in export_table.FORMATS}
    assert set(cells.values()) == {"1,235 kB, 1e-7"} and export_table.numbers("1,235 kB, 1e-7") == (1235.0, 1e-7)
    assert export_table.cell(400, 0.0) == "0 kB, 0"
    results = {
        ("model", "ae"): {**cells, "ONNX generate": "The model has no prior: it only decodes."},
        ("likelihood", "normal"): cells,
        ("prior", "vamp"): {
            **cells,
            "ONNX generate": "The model has no prior: it only decodes.",
            "SavedModel": "None.",
        },
    }
    text = export_table.written(results)
    assert export_table.read(f"<!-- exports -->\n\n{text}\n\n<!-- /exports -->") == results
    assert "No ONNX generate of model `ae`, prior `vamp`: The model has no prior: it only decodes." in text
    assert "Not measured yet: model `denoising_ae`" in text and "| `ae` | 1,235 kB, 1e-7 |" in text
