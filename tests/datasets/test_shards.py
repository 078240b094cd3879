"""Shards: many TFRecord or Parquet files as one data set, also through the tf.data service."""

import io

import numpy as np
import pyarrow
import pytest
import tensorflow as tf
from PIL import Image
from pyarrow import parquet
from tiers import first

from keras_ae import datasets

RNG = np.random.default_rng(0)


def example(**features):
    made = {}
    for name, value in features.items():
        if isinstance(value, bytes):
            made[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        elif isinstance(value, int):
            made[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        else:
            made[name] = tf.train.Feature(float_list=tf.train.FloatList(value=value))
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()


def write_records(path, records, compression=None):
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)


@pytest.fixture(scope="module", params=first(2, ["tfrecord", "parquet", "tfrecord.gz"]))
def shards(request, tmp_path_factory):
    """(Pattern, x, labels) of three files."""
    folder, x = tmp_path_factory.mktemp("shards"), RNG.normal(size=[40, 3]).astype(np.float32)
    for number, rows in enumerate([range(13), range(13, 29), range(29, 40)]):
        path = folder / f"a-{number}.{request.param}"
        if request.param == "parquet":
            columns = {name: x[rows, i] for i, name in enumerate("abc")}
            parquet.write_table(pyarrow.table({**columns, "label": list(rows)}), path)
        else:
            write_records(path, [example(x=x[i], label=i) for i in rows], "GZIP" if path.suffix == ".gz" else None)
    return f"{folder}/a-*.{request.param}", x, np.arange(40)


def test_shards_are_read_like_one_file(shards):
    pattern, x, labels = shards
    for got, (name, options) in {"load": ("load", {}), "chunks": ("Chunks", {"size": 7})}.items():
        made = getattr(datasets, name)(pattern, **options)
        parts = [made] if got == "load" else list(made)
        np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), x)
        np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), labels)


def test_every_epoch_has_each_example_once_in_an_order_of_its_own(shards):
    pattern, x, _ = shards
    dataset = datasets.stream(pattern, batch_size=16, seed=3, shuffle_buffer=4)
    assert int(dataset.cardinality()) == 3
    first, second = ([np.concatenate(side) for side in zip(*dataset, strict=True)] for _ in range(2))
    for images, labels in (first, second):
        np.testing.assert_array_equal(np.sort(labels), np.arange(40))
        np.testing.assert_array_equal(images, x[labels])
    assert (first[1] != second[1]).any()
    again = datasets.stream(pattern, batch_size=16, seed=3, shuffle_buffer=4)
    again.epoch.assign(1)
    np.testing.assert_array_equal(np.concatenate([y for _, y in again]), second[1])
    # The order of the files differs, not only the place in a buffer of 4.
    assert {int(part[1][0] // 13) for part in (first, second)} != {0}


def test_records_of_images(tmp_path):
    images = RNG.integers(0, 256, [5, 6, 4, 3], dtype=np.uint8)
    records = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        records.append(example(image=file.getvalue()))
    write_records(tmp_path / "a.tfrecord-00000-of-00001", records)
    x, y = datasets.load(tmp_path / "a.tfrecord-00000-of-00001")
    np.testing.assert_allclose(x, images / 255, atol=1e-7)  # one division in float32
    assert y is None and datasets.info(tmp_path / "a.tfrecord-00000-of-00001").image_shape == (6, 4, 3)
    (batch,) = datasets.stream(tmp_path / "a.tfrecord-00000-of-00001", binarize="fresh")
    assert set(np.unique(batch)) == {0.0, 1.0}


def test_wrong_shards(tmp_path):
    write_records(tmp_path / "a.tfrecord", [example(y=[1.0])])
    (tmp_path / "a.csv").write_text("1,2\n")
    for name, words in {
        "*.parquet": "must match files",
        "*": "either TFRecord or Parquet",
        "*.csv": "either TFRecord or Parquet",
        "a.tfrecord": r"must have `x` \(floats\) or `image`. Received: \['y'\]",
    }.items():
        with pytest.raises((ValueError, FileNotFoundError), match=words):
            datasets.load(tmp_path / name)
    write_records(tmp_path / "b.tfrecord", [example(x=[1.0])])
    with pytest.raises(ValueError, match='must be "train"'):
        datasets.load(tmp_path / "b.tfrecord", "train[:50%]")
    with pytest.raises(ValueError, match="`binarize` must be None or 'fresh'"):
        datasets.stream(tmp_path / "b.tfrecord", binarize="fixed")
    with pytest.raises(ValueError, match="`service` needs TFRecord shards"):
        datasets.stream("digits", service="grpc://localhost:1")


@pytest.mark.slow
def test_workers_of_a_service_read_each_file_once(tmp_path):
    for number in range(4):
        write_records(tmp_path / f"{number}.tfrecord", [example(x=[number, i], label=i) for i in range(5)])
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer()
    address = dispatcher.target.split("://")[1]
    workers = [service.WorkerServer(service.WorkerConfig(dispatcher_address=address)) for _ in range(2)]
    try:
        dataset = datasets.stream(tmp_path / "*.tfrecord", batch_size=8, service=dispatcher.target)
        assert int(dataset.cardinality()) == 3
        for _ in range(2):  # every epoch
            rows = np.concatenate([x for x, _ in dataset])
            assert sorted(map(tuple, rows.tolist())) == [(a, b) for a in range(4) for b in range(5)]
    finally:
        for server in (*workers, dispatcher):
            server._stop()
