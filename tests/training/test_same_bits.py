"""Same seed, same machine: the same weights, to the bit, as users run it."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).with_name("same_bits_script.py")


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_processes_with_the_default_flags_of_xla_end_with_the_same_bits(tmp_path, network):
    environment = {name: value for name, value in os.environ.items() if name not in ("XLA_FLAGS", "KERAS_AE_XLA")}
    ends = []
    for number, seed in enumerate([3, 3, 4]):
        file = tmp_path / f"{number}.npz"
        arguments = [sys.executable, SCRIPT, network, str(seed), file]
        subprocess.run(arguments, env=environment, check=True, timeout=300)
        with np.load(file) as arrays:
            ends.append([arrays[name] for name in arrays.files])
    first, second, other = ends
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert max(np.abs(a - b).max() for a, b in zip(first, other, strict=True)) > 1e-4
