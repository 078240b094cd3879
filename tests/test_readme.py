"""What the README tells the reader to type."""

import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest
import typer

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.cli.settings import parse_settings
from keras_ae.models import MODELS
from keras_ae.run.assembly import assemble

ROOT = pathlib.Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


COMPOSE = (ROOT / "docs" / "compose.md").read_text(encoding="utf-8")


def test_readme_is_short():
    assert len(TEXT.split()) <= 900


def test_python_example_runs(tmp_path, monkeypatch, capsys, in_process):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names = {}
    shorter = {"epochs=20": "epochs=2, verbose=0", "num_samples=500": "num_samples=20"}
    for long, short in shorter.items():
        assert long in example
        example = example.replace(long, short)
    exec(example, names)
    assert names["images"].shape == (10, 8, 8, 1)
    assert capsys.readouterr().out.strip().endswith("nats")
    assert (tmp_path / "exports/tflite/cvae.tflite.card.json").is_file()


def test_every_model_is_in_one_family():
    (table,) = re.findall(r"^\| Family \| Models \|\n(.*?)\n\n", TEXT, re.MULTILINE | re.DOTALL)
    assert sorted(re.findall(r"`(\w+)`", table)) == sorted(cls.__name__ for cls in MODELS.values())


def test_commands_of_the_readme_are_those_of_the_program():
    commands = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    assert set(re.findall(r"keras-ae ([a-z]+)", TEXT)) <= commands


def test_short_names_are_those_of_the_parts():
    tables = {
        "encoder`, `decoder": kae.networks.ENCODERS,
        "sampler": kae.latents.SAMPLERS,
        "posterior": kae.latents.POSTERIORS,
        "prior": kae.latents.PRIORS,
        "likelihood": kae.likelihoods.LIKELIHOODS,
        "objective": kae.objectives.OBJECTIVES,
    }
    for part, table in tables.items():
        (names,) = re.findall(rf"^\| `{part}` \| (.*) \|$", COMPOSE, re.MULTILINE)
        assert set(names.split(", ")) == set(table)


def test_files_of_the_readme_are_there():
    for target in re.findall(r"\]\(([^)h][^)]*)\)", TEXT):
        assert (ROOT / target).is_file(), target
    for name in re.findall(r"`kae\.(\w+)`", TEXT):
        assert hasattr(kae, name)


def shell_block():
    """The commands of the README, and the settings of docs/compose.md."""
    (readme,), (compose,) = (re.findall(r"```sh\n(keras-ae.*?)```", text, re.DOTALL) for text in (TEXT, COMPOSE))
    return readme + compose


def command_lines():
    """Its commands, as lists of words."""
    lines = shell_block().replace("\\\n", " ").splitlines()
    return [shlex.split(part, comments=True) for line in lines for part in re.sub("#.*", "", line).split(";")]


@pytest.mark.parametrize("words", command_lines(), ids=" ".join)
def test_every_command_of_the_readme_is_one_of_the_program(words):
    """Its options are there, and what it trains can be made, of data that need no download."""
    assert words[0] == "keras-ae"
    command, rest = typer.main.get_command(app), words[1:]
    while hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    context = command.make_context(words[1], rest)
    if words[1] == "train":
        assert context.params["dataset"] == "digits"
        condition = kae.Categorical(10) if MODELS[context.params["model"]].needs_condition else None
        assemble(context.params["model"], parse_settings(context.params["settings"]), condition=condition)


@pytest.mark.slow
def test_the_commands_of_the_readme_run_as_printed(tmp_path):
    """By a shell, in an empty folder, without any data of TFDS."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/keras-ae"
    program.write_text(f"#!{sys.executable}\nfrom keras_ae.cli import main\nmain()\n")
    program.chmod(0o755)
    paths = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "TFDS_DATA_DIR": str(tmp_path / "none")}
    options = {"cwd": tmp_path, "env": {**os.environ, **paths, "XDG_CACHE_HOME": str(tmp_path)}}
    result = subprocess.run(["bash", "-e"], input=shell_block(), capture_output=True, text=True, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    for name in ("sevens.png", "digits.png", "exports/models/cvae/1", "exports/tflite", "runs/vamp", "runs/mixed"):
        assert (tmp_path / name).exists(), name
