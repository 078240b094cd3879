import importlib.util

import pytest

import keras_ae as kae


def test_without_the_extra_onnx_says_how_to_get_it(cvae, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tf2onnx" else find(name))
    with pytest.raises(ImportError, match=r'pip install "keras_ae\[onnx\]"\. Missing: .*tf2onnx'):
        kae.export.onnx(cvae, tmp_path / "a.onnx")
