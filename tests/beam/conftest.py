"""Exports to apply to files, and the files."""

import json

import numpy as np
import pytest

import keras_ae as kae
from keras_ae.networks import MLP


@pytest.fixture(scope="session")
def exports(tmp_path_factory, asked_here):
    """{name: (model, folder of its export)}: "table" [3], "digits" [8, 8, 1] with a condition, and a "detector" [3]."""
    pytest.importorskip("apache_beam", reason="needs the extra: pip install 'keras_ae[beam]'")
    folder, rng = tmp_path_factory.mktemp("exports"), np.random.default_rng(0)

    def build(shape, **parts):
        model = kae.Autoencoder(MLP([8]), MLP([8]), latent_dim=2, **parts)
        model.build((None, *shape))
        return model

    table = build([3], likelihood="normal")
    images = kae.models.AE(MLP([8]), MLP([8]), latent_dim=2)
    images.build((None, 6, 4, 1))
    detector = kae.outliers.OutlierDetector(table, contamination=0.05).fit(rng.normal(size=[60, 3]).astype(np.float32))
    made = {
        "table": table,
        "images": images,
        "digits": build([2, 2, 1], condition=kae.Categorical(10)),
        "detector": detector,
    }
    with pytest.MonkeyPatch.context() as patch:
        asked_here(patch)
        for name, model in made.items():
            kae.export.saved_model(model, folder / name, max_num=64)
    return {name: (model, folder / name) for name, model in made.items()}


@pytest.fixture
def rows_of():
    """A function that reads the shards of a folder: {(file name, row): {output: values}}."""
    from pyarrow import parquet

    def read(folder):
        tables = [parquet.read_table(path) for path in sorted(folder.glob("part-*.parquet"))]
        rows = [row for table in tables for row in table.to_pylist()]
        found = {(row.pop("file").rpartition("/")[2], row.pop("row")): row for row in rows}
        assert len(found) == len(rows)
        return found

    return read


@pytest.fixture
def rejected_of():
    """A function that reads the rejected rows of a folder: {(file name, row): reason}."""

    def read(folder):
        lines = [line for path in folder.glob("rejected/*.jsonl") for line in path.read_text().splitlines()]
        rows = [json.loads(line) for line in lines]
        return {(row["file"].rpartition("/")[2], row["row"]): row["reason"] for row in rows}

    return read
