"""Chunks are the data set in order, whatever it is kept in."""

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from keras_ae import datasets
from keras_ae.datasets import Chunks
from keras_ae.datasets import chunks as module
from keras_ae.datasets.splits import split_indices

RNG = np.random.default_rng(0)


def joined(chunks):
    parts = list(chunks)
    x = np.concatenate([x for x, _ in parts])
    if parts[0][1] is None:
        return x, None
    if isinstance(parts[0][1], dict):
        return x, {name: np.concatenate([y[name] for _, y in parts]) for name in parts[0][1]}
    return x, np.concatenate([y for _, y in parts])


@pytest.mark.parametrize(("name", "split"), [("digits", "test"), ("strokes", "test[:30]")])
def test_chunks_are_what_load_returns(name, split):
    chunks = Chunks(name, split, 100)
    assert all(len(x) <= 100 for x, _ in chunks)
    for (x, y), (expected, labels) in [(joined(chunks), datasets.load(name, split))] * 2:  # it can be read again
        np.testing.assert_allclose(x, expected, atol=1e-6)  # strokes of other batch sizes
        np.testing.assert_array_equal(y["digit"] if name == "strokes" else y, np.asarray(_digit(labels)))
    assert chunks.num == len(x) and chunks.columns == ()


def _digit(labels):
    return labels["digit"] if isinstance(labels, dict) else labels


def write(path, ending):
    table = {"a": RNG.normal(size=7), "Label": ["x", "y", "", "x", "z", "z", "y"], "B b": np.arange(7.0)}
    if ending == "parquet":
        labels = [label or None for label in table["Label"]]
        parquet.write_table(pyarrow.table({**table, "Label": labels}), path)
    else:
        rows = zip(*table.values(), strict=True)
        path.write_text("\n" + ",".join(table) + "\n" + "\n".join(",".join(map(str, row)) for row in rows))
    return table


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_is_read_in_parts_with_the_names_of_its_labels(tmp_path, ending):
    path = tmp_path / f"t.{ending}"
    table = write(path, ending)
    chunks = Chunks(path, size=3)
    assert [len(x) for x, _ in chunks] == [3, 3, 1] and chunks.columns == ("a", "B b") and chunks.num is None
    x, y = joined(chunks)
    np.testing.assert_allclose(x, np.stack([table["a"], table["B b"]], axis=1), rtol=1e-6)
    np.testing.assert_allclose(x, datasets.load(path)[0])
    assert [label or "" for label in y] == table["Label"]
    part = Chunks(path, "train[:4]", 3)
    assert part.num == 4 and [len(x) for x, _ in part] == [3, 1]


def test_the_index_of_pandas_is_dropped_from_every_part(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(",a,b\n" + "\n".join(f"{i},{i / 2},7" for i in range(5)))
    chunks = Chunks(path, size=2)
    np.testing.assert_allclose(joined(chunks)[0], [[i / 2, 7] for i in range(5)])
    assert chunks.columns == ("a", "b")
    path.write_text("1,2\n3,4\n")
    assert Chunks(path).columns == () and len(joined(Chunks(path))[0]) == 2


def test_errors_name_the_row(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3,4\n5,oops\n")
    with pytest.raises(ValueError, match=r"t\.csv` must be numbers separated by commas, counting rows from 2\."):
        list(Chunks(path, size=2))
    path.write_text("a,b\n1,2\n3,4\n5,nan\n")
    with pytest.raises(ValueError, match=r"Received: nan at index \(2, 1\)"):
        list(Chunks(path, size=2))
    path.write_text("a,b\n")
    with pytest.raises(ValueError, match="no rows"):
        list(Chunks(path))


def test_rows_of_a_folder_have_the_names_of_their_files(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.new("L", (3, 2), 50 * number).save(tmp_path / name / f"{number}.png")
    chunks = Chunks(tmp_path, size=3, channels=3)
    assert chunks.row_names([0, 3]) == ["a/0.png", "b/1.png"] and joined(chunks)[0].shape == (4, 2, 3, 3)
    assert Chunks(tmp_path, "train[2:]").row_names([0]) == ["b/0.png"]
    assert Chunks("digits").row_names([0]) is None


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("split", ["train[:4]", "train[3:6]", "train[50%:]", "train[:2]+train[5:]", "train[-3:]"])
def test_a_slice_of_a_table_is_read_in_parts(tmp_path, ending, split, monkeypatch):
    path = tmp_path / f"t.{ending}"
    table = write(path, ending)
    (expected, _), rows = datasets.load(path, split), split_indices(split, {"train": 7}, "t")
    monkeypatch.setattr(module, "open_source", None)  # which reads the whole table
    chunks = Chunks(path, split, 3)
    for x, y in [joined(chunks)] * 2:
        np.testing.assert_array_equal(x, expected)
        assert [label or "" for label in y] == [table["Label"][row] for row in rows]
    assert chunks.num == len(expected) and all(0 < len(x) <= 3 for x, _ in chunks)


def test_a_split_in_another_order_is_read_as_a_whole(tmp_path):
    path = tmp_path / "t.csv"
    write(path, "csv")
    split = "train[4:]+train[:4]"
    np.testing.assert_array_equal(joined(Chunks(path, split, 3))[0], datasets.load(path, split)[0])


def test_errors_in_a_slice_name_the_row_of_the_table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3,4\n5,nan\n")
    assert len(joined(Chunks(path, "train[:2]", 2))[0]) == 2
    with pytest.raises(ValueError, match=r"Received: nan at index \(2, 1\)"):
        list(Chunks(path, "train[1:]", 2))
