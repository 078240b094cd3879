"""Presets at a hub on loopback. Needs the extra: pip install -e ".[test,hub]"."""

import os
import pathlib
import subprocess
import sys

import pytest
from loopback_hub import serving

import keras_ae as kae
from keras_ae.networks import MLP


@pytest.mark.slow
def test_a_repository_is_the_folder_of_the_preset(tmp_path):
    pytest.importorskip("huggingface_hub")
    model = kae.models.VAE(MLP([4]), MLP([4]), latent_dim=2)
    model.build((None, 4, 4, 1))
    model.save_to_preset(tmp_path / "tiny")
    script = pathlib.Path(__file__).with_name("hub_script.py")
    with serving("user/tiny") as hub:
        environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "home")}
        command = [sys.executable, script, tmp_path / "tiny", "hf://user/tiny"]
        found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert found.returncode == 0, found.stderr
        assert hub.files == {path.name: path.read_bytes() for path in (tmp_path / "tiny").iterdir()}
    commit, name, missing = found.stdout.splitlines()
    assert commit.endswith("/commit/1") and name == "VAE"
    assert missing.startswith("hf://nobody/nothing could not be read: ")
