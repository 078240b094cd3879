"""Every script in examples/ runs, offline, and leaves its pictures."""

import pathlib

import pytest
from tiers import first

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
PICTURES = {
    "outliers_images": {"defects"},
    "outliers_table": {"reasons"},
    "outliers_sequences": {"faults"},
    "autoencoder": {"training", "map", "reconstructions"},
    "vae": {"map", "samples", "manifold", "interpolation"},
    "conditional_vae": {"digits", "slants"},
    "export_and_generate": {"digits"},
}


def test_every_example_is_known_here():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(PICTURES)


@pytest.mark.parametrize("name", first(1, sorted(PICTURES)))
def test_example_runs(processes, name, tmp_path):
    processes.run(tmp_path, EXAMPLES / f"{name}.py", "--epochs", "1", "--out", tmp_path)
    assert {path.stem for path in tmp_path.glob("*.png")} == PICTURES[name]
