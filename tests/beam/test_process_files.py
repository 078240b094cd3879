"""Files in, shards out: every row is written or rejected, once."""

import gzip
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow
import pytest
import tensorflow as tf
from PIL import Image
from pyarrow import parquet

import keras_ae as kae
from keras_ae.beam import process_files
from keras_ae.io.locking import locked

pytest.importorskip("apache_beam", reason="needs the extra: pip install 'keras_ae[beam]'")

X = np.random.default_rng(1).normal(size=[150, 3]).astype(np.float32)
X[70] = [1e30, 0.0, 0.0]  # a score that is not finite is still a score


def record(**features):
    example = tf.train.Example()
    for name, values in features.items():
        kind = "float_list" if np.asarray(values).dtype.kind == "f" else "int64_list"
        kind = "bytes_list" if isinstance(values, bytes) else kind
        getattr(example.features.feature[name], kind).value.extend(
            [values] if kind == "bytes_list" else np.ravel(values)
        )
    return example.SerializeToString()


def write_records(path, records):
    with tf.io.TFRecordWriter(str(path), "GZIP" if path.suffix == ".gz" else None) as writer:
        for each in records:
            writer.write(each)
    return path


def lines(x):
    return [",".join(map(repr, map(float, row))) for row in x]


def check_counts(counts, folder, rows, rejected):
    """The equation that nothing is lost by, and what it is made of."""
    assert counts["read"] == counts["written"] + counts["rejected"]
    assert counts["written"] == len(rows) and counts["rejected"] == len(rejected)
    assert {path.name for path in folder.iterdir()} >= {"job.json", "summary.json", "done", "rejected"}
    assert not list(folder.glob("_writing/*"))


def check_scores(model, rows, name, indices):
    """Whether the rows of a file are the scores of these rows of X."""
    expected = kae.evaluate.score(model, X[indices])
    assert [row for file, row in rows if file == name] == list(indices)
    for key in ("elbo", "kl", "reconstruction"):
        # The graph of the export against eager steps, in batches of other sizes.
        np.testing.assert_allclose([rows[name, row][key] for row in indices], expected[key], rtol=1e-4, atol=1e-4)


def test_rows_of_every_format_are_written_or_rejected(exports, tmp_path, rows_of, rejected_of):
    model, export = exports["table"]
    text = ["a,b,c,label", *(f"{line},cat" for line in lines(X))]
    text[5], text[9], text[150] = "1,2", "x,1,2,cat", "1,,2,dog"
    (tmp_path / "a.csv").write_text("\n".join(text).replace(",cat", ",1").replace(",dog", ",2"))
    with gzip.open(tmp_path / "b.csv.gz", "wt") as file:
        file.write("\n".join(lines(X[:9])))
    values = X.astype(object)
    values[3, 1], values[64, 0] = None, float("inf")
    parquet.write_table(pyarrow.table(dict(zip("abc", map(list, values.T), strict=True))), tmp_path / "c.parquet")
    lists = [*X[:20].tolist(), [1.0], None]
    parquet.write_table(pyarrow.table({"id": range(22), "x": lists}), tmp_path / "d.parquet")
    records = [record(x=x) for x in X[:12]]
    records[4], records[7] = b"no example", record(y=X[0])
    write_records(tmp_path / "e.tfrecord.gz", records)
    torn = write_records(tmp_path / "f.tfrecord", map(bytes, [record(x=x) for x in X[:40]]))
    torn.write_bytes(torn.read_bytes()[:-5])
    (tmp_path / "g.parquet").write_bytes(b"no table")

    counts = process_files(export, tmp_path / "?.*", tmp_path / "out", batch_size=100)
    rows, rejected = rows_of(tmp_path / "out"), rejected_of(tmp_path / "out")
    check_counts(counts, tmp_path / "out", rows, rejected)
    assert counts["shards"] == counts["new_shards"] == 7
    bad = {"a.csv": [4, 8, 149], "c.parquet": [3, 64], "d.parquet": [20, 21], "e.tfrecord.gz": [4, 7]}
    bad |= {"f.tfrecord": [39], "g.parquet": [0]}
    assert sorted(rejected) == [(name, row) for name, rows in bad.items() for row in rows]
    sizes = {"a.csv": 150, "b.csv.gz": 9, "c.parquet": 150, "d.parquet": 20, "e.tfrecord.gz": 12, "f.tfrecord": 39}
    for name, size in sizes.items():
        check_scores(model, rows, name, [row for row in range(size) if row not in bad.get(name, ())])
    assert rejected["a.csv", 4] == "a row must have 4 cells. Received: 2" and "'x'" in rejected["a.csv", 8]
    assert rejected["c.parquet", 3] == "`x` must be finite numbers, none missing. Received: nan"
    assert "a list must have 3 numbers" in rejected["d.parquet", 20]
    assert "cannot be read from this row on" in rejected["f.tfrecord", 39]


def test_what_the_graph_refuses_is_rejected_alone(exports, tmp_path, rows_of, rejected_of):
    model, export = exports["digits"]
    x = np.random.default_rng(0).random([70, 4])  # more than the export takes at once
    table = {**{f"p{i}": x[:, i] for i in range(4)}, "label": np.arange(70) % 10}
    table["p2"][5], table["label"][7] = 1.5, 10
    parquet.write_table(pyarrow.table(table), tmp_path / "a.parquet")
    counts = process_files(export, tmp_path / "*.parquet", tmp_path / "out", method="reconstruct")
    rows, rejected = rows_of(tmp_path / "out"), rejected_of(tmp_path / "out")
    check_counts(counts, tmp_path / "out", rows, rejected)
    good = [row for row in range(70) if row not in (5, 7)]
    expected = model.reconstruct(x[good].reshape(-1, 2, 2, 1).astype(np.float32), table["label"][good])
    found = [rows["a.parquet", row]["x"] for row in good]
    np.testing.assert_allclose(found, np.reshape(expected, [68, 4]), atol=1e-5)
    assert rejected["a.parquet", 5].startswith("`x` must be finite and in [0, 1].")
    assert set(rejected) == {("a.parquet", 5), ("a.parquet", 7)}


def test_images_and_their_codes(exports, tmp_path, rows_of, rejected_of):
    model, export = exports["images"]
    pixels = np.random.default_rng(0).integers(0, 256, [3, 6, 4], dtype=np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    Image.fromarray(pixels[0, :5]).save(tmp_path / "3.png")
    (tmp_path / "4.png").write_bytes(b"no image")
    counts = process_files(export, tmp_path / "*.png", tmp_path / "out", method="encode")
    rows, rejected = rows_of(tmp_path / "out"), rejected_of(tmp_path / "out")
    check_counts(counts, tmp_path / "out", rows, rejected)
    codes = np.array([rows[f"{number}.png", 0]["z"] for number in range(3)])
    x = (pixels / 255).astype(np.float32)[..., np.newaxis]
    np.testing.assert_allclose(codes, model.encode(x), atol=1e-5)
    assert "must be 4x6 pixels. Received: 4x5" in rejected["3.png", 0]
    assert rejected["4.png", 0] == "the file could not be read as an image: cannot identify image file"
    data = (tmp_path / "0.png").read_bytes()
    write_records(tmp_path / "a.tfrecord", [record(image=data), record(image=b"no image")])
    process_files(export, tmp_path / "a.tfrecord", tmp_path / "again", method="encode", format="tfrecord")
    (shard,) = (tmp_path / "again").glob("part-*.tfrecord")
    (written,) = tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()
    feature = tf.train.Example.FromString(written).features.feature
    np.testing.assert_allclose(feature["z"].float_list.value, codes[0], atol=1e-6)
    assert feature["row"].int64_list.value[0] == 0
    assert feature["file"].bytes_list.value[0].endswith(b"a.tfrecord")


def test_outliers_and_samples(exports, tmp_path, rows_of):
    detector, export = exports["detector"]
    (tmp_path / "a.csv").write_text("\n".join(lines(X)))
    counts = process_files(export, tmp_path / "a.csv", tmp_path / "out", method="outliers", false_alarms=0.2)
    found = [row["outlier"] for row in rows_of(tmp_path / "out").values()]
    assert counts["outliers"] == sum(found) > 0
    np.testing.assert_array_equal(found, detector.flag(X, false_alarms=0.2))
    model, export = exports["table"]
    (tmp_path / "seeds.csv").write_text("seed\n7\n8\n8.5\n-1\n")
    counts = process_files(export, tmp_path / "seeds.csv", tmp_path / "samples", method="generate")
    rows = rows_of(tmp_path / "samples")
    assert counts["written"] == counts["rejected"] == 2
    for row, seed in enumerate([7, 8]):
        np.testing.assert_allclose(rows["seeds.csv", row]["x"], model.sample(1, seed=seed)[0], atol=1e-5)


def test_a_rerun_writes_what_is_missing_and_nothing_else(exports, tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.csv").write_text("\n".join(lines(X[:5])))
    out, arguments = tmp_path / "out", (exports["table"][1], tmp_path / "*.csv", tmp_path / "out")
    first = process_files(*arguments)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.rglob("*") if path.is_file()}
    assert process_files(*arguments) == {**first, "new_shards": 0}
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before}
    # As after a kill: a shard is not in its place, another is but was not counted yet, and a file is unfinished.
    names = [f"part-{number:05d}-of-00003" for number in range(3)]
    for path in (out / f"{names[0]}.parquet", out / f"done/{names[0]}.json", out / f"done/{names[2]}.json"):
        path.unlink()
    (out / "summary.json").unlink()
    (out / "_writing").mkdir(exist_ok=True)
    (out / "_writing" / f"0-{names[0]}.parquet").write_bytes(b"half")
    assert process_files(*arguments) == {**first, "new_shards": 2}
    after = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert after == {path: data for path, (data, _) in before.items()}
    assert (out / f"{names[1]}.parquet").stat().st_mtime_ns == before[out / f"{names[1]}.parquet"][1]


def test_the_output_of_another_job_is_kept_unless_it_may_be_replaced(exports, tmp_path):
    (tmp_path / "a.csv").write_text("\n".join(lines(X[:5])))
    export, out = exports["table"][1], tmp_path / "out"
    process_files(export, tmp_path / "*.csv", out)
    (tmp_path / "b.csv").write_text("\n".join(lines(X[:2])))
    with pytest.raises(FileExistsError, match=r"another job, which differs in \['input'\]"):
        process_files(export, tmp_path / "*.csv", out)
    counts = process_files(export, tmp_path / "*.csv", out, overwrite=True)
    assert counts["written"] == 7 and {path.name for path in out.glob("part-*")} == {
        "part-00000-of-00002.parquet", "part-00001-of-00002.parquet"
    }  # fmt: skip
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="`output` must be empty"):
        process_files(export, tmp_path / "*.csv", tmp_path / "mine", overwrite=True)


def test_wrong_arguments(exports, tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n")
    (tmp_path / "a.txt").write_text("1,2\n")
    export = exports["table"][1]
    for words, arguments in {
        "`export` must be the folder of a SavedModel": (tmp_path, tmp_path / "a.csv"),
        "`input` must match files": (export, tmp_path / "*.parquet"),
        "`input` must match Parquet, CSV, TFRecord or image files": (export, tmp_path / "*.txt"),
        "must have 3 columns for `x`": (export, tmp_path / "a.csv"),
    }.items():
        with pytest.raises((FileNotFoundError, ValueError), match=words):
            process_files(*arguments, tmp_path / "out")
    (tmp_path / "a.csv").write_text("1,2,3\n")
    for words, options in {
        '`method` must be "encode"': {"method": "decode"},
        "`export` must hold a detector": {"method": "outliers"},
        '`runner` must be "DirectRunner"': {"runner": "LocalRunner"},
        "`options` must be options of Beam": {"options": ["direct_num_workers=many"]},
    }.items():
        with pytest.raises(ValueError, match=words):
            process_files(export, tmp_path / "a.csv", tmp_path / "out", **options)
    with pytest.raises(ValueError, match=r"`method` must be one of \['encode', 'reconstruct', 'score'\]"):
        process_files(exports["images"][1], tmp_path / "a.csv", tmp_path / "out", method="generate")
    with pytest.raises(ValueError, match=r"`false_alarms` must be in \[0.032, 1\) with 30 calibration examples"):
        process_files(
            exports["detector"][1], tmp_path / "a.csv", tmp_path / "out", method="outliers", false_alarms=0.01
        )


def test_a_file_that_cannot_be_reached_ends_the_job_and_is_not_rejected(exports, tmp_path, monkeypatch):
    from apache_beam.io.filesystem import BeamIOError

    from keras_ae.beam import job
    from keras_ae.beam.reading import _is_torn

    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("\n".join(lines(X[:5])))
    arguments, read = (exports["table"][1], tmp_path / "*.csv", tmp_path / "out"), job.read

    def broken(part, *more):
        if part.files[0].endswith("b.csv"):
            raise OSError(5, "Input/output error")
        return read(part, *more)

    assert not _is_torn(OSError(5, "Input/output error")) and not _is_torn(BeamIOError("no answer"))
    with monkeypatch.context() as patch:
        patch.setattr(job, "read", broken)
        with pytest.raises(RuntimeError, match=r"The job failed\. .*Input/output error"):
            process_files(*arguments)
    counts = process_files(*arguments)
    assert counts["written"] == 10 and counts["rejected"] == 0


def test_threads_write_what_one_worker_writes(exports, tmp_path, rows_of):
    """The default has as many threads as there are cores."""
    for number in range(6):
        (tmp_path / f"{number}.csv").write_text("\n".join(lines(X[number : number + 20])))
    found = []
    for options in ([], ["direct_num_workers=1"], ["direct_num_workers=3", "direct_running_mode=multi_threading"]):
        out = tmp_path / f"out{len(found)}"
        assert process_files(exports["table"][1], tmp_path / "*.csv", out, options=options)["written"] == 120
        found.append(rows_of(out))
    assert found[0] == found[1] == found[2]


def start(mode, *arguments):
    command = [sys.executable, "-m", "keras_ae", "score", *map(str, arguments)]
    for option in ("direct_num_workers=2", f"direct_running_mode={mode}"):
        command += ["--beam-option", option]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("mode", ("multi_threading", "multi_processing"))
def test_several_workers_killed_and_run_again(exports, tmp_path, rows_of, rejected_of, mode):
    """Each worker takes some of the files. All are killed while shards are missing; the next run ends the job."""
    model, export = exports["table"]
    for number in range(12):
        x = np.tile(X, [20, 1])
        x[number] = np.nan
        parquet.write_table(pyarrow.table(dict(zip("abc", x.T, strict=True))), tmp_path / f"{number:02d}.parquet")
    arguments = (export, tmp_path / "*.parquet", tmp_path / "out", "--batch-size", 4)
    process = start(mode, *arguments)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("out/done/*"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    left = len(list(tmp_path.glob("out/done/*")))
    assert 3 <= left < 12 and not (tmp_path / "out" / "summary.json").exists()
    process = start(mode, *arguments)
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert "36,000 rows read = 35,988 written + 12 rejected" in said
    assert f"12 shards, {12 - left} of this run" in said
    rows, rejected = rows_of(tmp_path / "out"), rejected_of(tmp_path / "out")
    assert len(rows) == 35_988 and sorted(rejected) == [(f"{n:02d}.parquet", n) for n in range(12)]
    expected = np.tile(kae.evaluate.score(model, X)["elbo"], 20)
    found = [rows["05.parquet", row]["elbo"] for row in range(3000) if row != 5]
    np.testing.assert_allclose(found, np.delete(expected, 5), rtol=1e-4, atol=1e-4)
    assert not (tmp_path / "out" / "_writing").exists()


def test_an_output_that_another_process_writes_to_is_refused(exports, tmp_path):
    (tmp_path / "a.csv").write_text("\n".join(lines(X[:5])))
    out = tmp_path / "out"
    out.mkdir()
    with locked(out):
        with pytest.raises(BlockingIOError, match="out is in use by process"):
            process_files(exports["table"][1], tmp_path / "*.csv", out)
        assert os.listdir(out) == [".lock"]
    (out / ".lock").write_text("12345")  # of a killed process
    assert process_files(exports["table"][1], tmp_path / "*.csv", out)["written"] == 5
    assert ".lock" not in os.listdir(out)
