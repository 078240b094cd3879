"""Every script in examples/ runs, offline, and leaves its pictures."""

import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
PICTURES = {
    "autoencoder": {"training", "map", "reconstructions"},
    "vae": {"map", "samples", "manifold", "interpolation"},
    "conditional_vae": {"digits", "slants"},
    "export_and_generate": {"digits"},
}


def test_every_example_is_known_here():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_example_runs(name, tmp_path):
    command = [sys.executable, EXAMPLES / f"{name}.py", "--epochs", "1", "--out", tmp_path]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    assert {path.stem for path in tmp_path.glob("*.png")} == PICTURES[name]
