"""`keras-ae score`: what it says. tests/beam has what it does."""

import sys

import pytest
from typer.testing import CliRunner

from keras_ae.cli.app import app


def call(*arguments, code=0):
    result = CliRunner().invoke(app, ["score", *map(str, arguments)], env={"COLUMNS": "300"})
    assert result.exit_code == code, result.output
    return result


def test_without_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    said = call(tmp_path, "a.csv", tmp_path / "out", code=1).stderr
    assert "pip install 'keras_ae[beam]'" in said


def test_wrong_runner(tmp_path):
    said = call(tmp_path, "a.csv", tmp_path / "out", "--runner", "LocalRunner", code=2).stderr
    assert "'DirectRunner', 'FlinkRunner', 'SparkRunner', 'DataflowRunner'" in said


def test_wrong_paths_and_options(tmp_path):
    pytest.importorskip("apache_beam", reason="needs the extra: pip install 'keras_ae[beam]'")
    (tmp_path / "a.csv").write_text("1,2\n")
    said = call(tmp_path, tmp_path / "*.csv", tmp_path / "out", code=1).stderr
    assert said.startswith("`EXPORT` must be the folder of a SavedModel")
    said = call(tmp_path, tmp_path / "*.parquet", tmp_path / "out", code=1).stderr
    assert said.startswith("`INPUT` must match files")
