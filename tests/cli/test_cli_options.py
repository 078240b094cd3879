"""Errors of the library reach the command line in the words of its options."""

import inspect

import pytest
import typer
from holder import Holder
from tiers import every_second
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.cli.error_messages import in_options, sentence
from keras_ae.cli.settings import parse_settings
from keras_ae.models import MODELS
from keras_ae.networks import MLP
from keras_ae.run import Run
from keras_ae.run.assembly import PARTS, arguments, assemble
from keras_ae.serving import model_server

CONFIG = {
    "model": {"name": "cvae"},
    "data": {"name": "no/data.npz", "split": "train", "validation_fraction": 0.1, "condition": ["digit"]},
    "training": {"epochs": 1, "batch_size": 32, "learning_rate": 3e-3, "seed": 0},
}


def commands(group=None, path=()):
    """{"export litert": its command}, of all commands."""
    group = group or typer.main.get_command(app)
    found = {}
    for name, command in group.commands.items():
        inner = commands(command, (*path, name)) if hasattr(command, "commands") else {}
        found |= inner or {" ".join((*path, name)): command}
    return found


COMMANDS = commands()
PARAMETERS = [(name, each.name) for name, command in COMMANDS.items() for each in command.params]


def context(name, arguments=()):
    return COMMANDS[name].make_context(name, list(arguments), resilient_parsing=True)


def option(command, name):
    """What a user types for a parameter: `--batch-size`, or the word that stands in the help for an argument."""
    parameter = next(each for each in COMMANDS[command].params if each.name == name)
    return parameter.opts[0] if parameter.opts[0].startswith("--") else parameter.metavar


@pytest.mark.parametrize(("command", "name"), PARAMETERS)
def test_every_option_is_named_as_it_is_typed(command, name):
    said = in_options(f"`{name}` must be 3. Received: {name}=4", context(command))
    assert said == f"`{option(command, name)}` must be 3. Received: 4"
    if option(command, name).startswith("--"):
        assert in_options(f"Pass {name}=True.", context(command)) == f"Pass {option(command, name)}."


# What each command calls, and the parameters that a command sets by itself.
CALLS = [
    ("train", kae.datasets.load, {"binarize", "image_size", "channels"}),
    ("train", kae.devices.strategy, set()),
    ("train", assemble, {"name", "settings", "known", "given"}),
    ("quickstart", kae.datasets.load, {"binarize", "image_size", "channels", "split"}),
    ("generate", kae.Autoencoder.sample, {"self"}),
    ("export saved-model", kae.export.saved_model, {"version", "reference", "overwrite", "details"}),
    ("export litert", kae.export.litert, {"examples", "notes", "details"}),
    ("export onnx", kae.export.onnx, {"details"}),
    ("serve", model_server.serve, set()),
    ("serve", model_server.container_command, set()),
    ("verify", kae.export.verify, set()),
]


@pytest.mark.parametrize(("command", "function", "set_by_the_command"), CALLS)
def test_every_argument_that_a_command_passes_on_has_an_option(command, function, set_by_the_command):
    for name in set(inspect.signature(function).parameters) - set_by_the_command:
        assert f"`{name}`" not in in_options(f"`{name}` is wrong.", context(command)), name


def test_settings_go_by_the_name_that_they_were_given():
    said = context("train", ["vae", "--set", "prior=vamp", "--set", "prior.components=0", "--latent-dim", "2"])
    assert in_options("`components` must be >= 1. Received: components=0", said) == (
        "`--set prior.components` must be >= 1. Received: components=0"
    )
    assert in_options("`prior` and `latent_dim`", said) == "`--set prior` and `--latent-dim`"
    assert in_options("`fit` and `hidden` and `x.y`", said) == "`fit` and `hidden` and `x.y`"


def test_what_is_none_was_not_given():
    assert in_options("Received: condition=None", context("train")) == "Received: no --condition"


def test_a_run_that_is_resumed_has_the_names_of_its_config():
    said = in_options("`latent_dim` is wrong. Pass download=True.", context("train", ["--resume", "runs/vae"]))
    assert said == "`latent_dim` is wrong. Pass --download."


def test_the_data_of_a_run_have_no_option():
    said = in_options("`name` must exist. Pass download=True, or copy it.", context("generate"))
    assert said == "The data set of `RUN` must exist. Pass --download of `keras-ae train`, or copy it."


@pytest.mark.parametrize(
    ("fails", "words"),
    [
        (lambda: built(kae.models.AE).sample(1), "it is trained with --set sampler=gaussian_mixture"),
        (lambda: kae.models.AdversarialAE(prior="normal_mixture"), "Give --set prior.trainable=false"),
    ],
)
def test_a_next_step_that_is_code_is_an_option(fails, words):
    with pytest.raises(ValueError) as caught:
        fails()
    said = sentence(caught.value, context("generate"))
    assert words in said, said
    assert "trainable=False" not in said and "fit_sampler" not in said


def built(cls, **options):
    model = cls(MLP([4]), MLP([4]), latent_dim=2, **options)
    model.build((None, 4, 4, 1))
    return model


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with the run of a conditional model, `cvae`, and one of a table, `table`."""
    folder = tmp_path_factory.mktemp("runs")
    with Run.create(folder / "cvae", CONFIG) as run:
        run.write_model(built(kae.models.ConditionalVAE, condition=kae.Categorical(3)))
    table = kae.models.VAE(MLP([4]), MLP([4]), latent_dim=2, likelihood="normal")
    table.build((None, 5))
    with Run.create(folder / "table", {**CONFIG, "data": {**CONFIG["data"], "condition": []}}) as run:
        run.write_model(table)
    (folder / "file").write_text("")
    return folder


TRAIN = "train vae --epochs 1 --out out"
# A call that is wrong in one option, and the name of the option if the message has another form than --option.
WRONG = {
    "quickstart": {
        "dataset": "--dataset no/such.npy",
        "out": ("--out file", "file exists and is not a folder"),
        "seed": "--seed 2147483648",
        "epochs": "--epochs 0",
        "download": None,
    },
    "train": {
        "snapshots": None,
        "recipe": "train --recipe nothing --out new",
        "start_from": (f"{TRAIN} --start-from nowhere", "There is no run nowhere"),
        "model": "train veo --out out",
        "out": ("train vae --out file/out", "file/out could not be written: file is a file"),
        "resume": ("train --resume nowhere", "There is nothing to resume at nowhere"),
        "dataset": f"{TRAIN} --dataset no/such.npy",
        "split": f"{TRAIN} --split dev",
        "epochs": f"{TRAIN} --epochs 0",
        "batch_size": f"{TRAIN} --batch-size 0",
        "learning_rate": f"{TRAIN} --learning-rate 0",
        "optimizer": f"{TRAIN} --optimizer moun",
        "latent_dim": f"{TRAIN} --latent-dim 2000000",
        "encoder": f"{TRAIN} --encoder lstm",
        "likelihood": f"{TRAIN} --likelihood gauss",
        "prior": f"{TRAIN} --prior vampire",
        "beta": f"{TRAIN} --beta -1",
        "settings": f"{TRAIN} --set betta=3",
        "condition": f"{TRAIN} --condition color",
        "validation_fraction": f"{TRAIN} --validation-fraction 1",
        "seed": f"{TRAIN} --seed 2147483648",
        "devices": f"{TRAIN} --devices 0",
        "local_steps": f"{TRAIN} --local-steps 0",
        "gradient_compression": f"{TRAIN} --gradient-compression float8",
        "download": None,
        "overwrite": None,
    },
    "generate": {
        "preset": "generate --preset nothing",
        "run": ("generate nowhere", "There is no run nowhere"),
        "condition": "generate cvae --condition 3",
        "each": "generate table --each",
        "num": "generate cvae --condition 1 --num 100000000",
        "seed": "generate cvae --condition 1 --seed 2147483648",
        "temperature": "generate cvae --condition 1 --temperature 0",
        "out": "generate cvae --condition 1 --out a.jpg",
    },
    "evaluate": {
        "preset": "evaluate --preset nothing",
        "run": ("evaluate nowhere", "There is no run nowhere"),
        "against": ("evaluate cvae --against nowhere", "There is no run nowhere"),
        "metrics": "evaluate cvae --metrics fid",
        "settings": "evaluate cvae --set elbo=3",
        # The data set is looked for before its split and before the folder to write.
        "split": ("evaluate cvae --split dev", "The data set of `RUN` must be a file or folder that exists"),
        "seeds": "evaluate cvae --seeds 0",
        "seed": "evaluate cvae --seed 2147483648",
        "out": ("evaluate cvae --out file/out", "The data set of `RUN` must be a file or folder that exists"),
        "resume": None,
        "download": None,
    },
    "explore": {
        "preset": "explore --preset nothing",
        "run": ("explore nowhere", "There is no run nowhere"),
        "kind": "explore cvae manifold3",
        "out": "explore cvae map --out a.txt",
        "live": "explore cvae map --live",
        "install_page": None,
        "split": ("explore cvae --split dev", "The data set of `RUN` must be a file or folder that exists"),
        "seed": "explore cvae --seed 2147483648",
        "projection": "explore cvae map --projection mds",
        "theme": "explore cvae map --theme black",
        "download": None,
    },
    "outliers": {
        "preset": "outliers --preset nothing digits",
        "run": ("outliers nowhere digits", "There is no run nowhere"),
        "data": ("outliers cvae nowhere.csv", "`DATA` must be a file or folder that exists"),
        "split": "outliers cvae digits --split dev",
        "false_alarms": "outliers cvae digits --false-alarms 1",
        "reference": "outliers table digits --reference nowhere.csv",
        "scoring": (
            "outliers table digits --scoring elbow",
            "The data set of `RUN` must be a file or folder that exists",
        ),
        "most_rows": "outliers cvae digits --most-rows 0",
        "out": ("outliers cvae digits --out file/out", "The data set of `RUN` must be a file or folder that exists"),
        "download": None,
    },
    "score": {
        # Without the extra, these end with the command that installs it: tests/cli/test_cli_score.py.
        **dict.fromkeys(("export", "input", "output", "options", "overwrite")),
        "method": "score export in out --method decode",
        "format": "score export in out --format csv",
        "false_alarms": "score export in out --false-alarms 1",
        "batch_size": "score export in out --batch-size 20000000",
        "runner": "score export in out --runner LocalRunner",
    },
    "export saved-model": {
        "preset": "export saved-model --preset nothing",
        "run": ("export saved-model nowhere", "There is no run nowhere"),
        "directory": (
            "export saved-model cvae file/models",
            "file/models/next could not be written, and nothing was changed: file is a file",
        ),
        "png": "export saved-model table --png",
        "max_num": "export saved-model cvae --max-num 20000000",
        "license": None,
    },
    "export litert": {
        "preset": "export litert --preset nothing",
        "run": ("export litert nowhere", "There is no run nowhere"),
        "file": "export litert cvae a.onnx",
        "quantize": "export litert cvae --quantize int4",
        "batch_size": "export litert cvae --batch-size 20000000",
        "encoder": None,
        "signatures": "export litert cvae --signatures draw",
        "inference_io": "export litert cvae --inference-io int16",
        "quality": ("export litert cvae --quality", "The data set of `RUN` must be a file or folder that exists"),
        "budget": "export litert cvae --budget -1",
        "license": None,
    },
    "export onnx": {
        "preset": "export onnx --preset nothing",
        "run": ("export onnx nowhere", "There is no run nowhere"),
        "file": "export onnx cvae a.tflite",
        "signature": "export onnx cvae --signature encode",
        "license": None,
    },
    "serve": {
        "folder": "serve nowhere",
        "port": "serve --port 0",
        "rest_port": "serve --port 8501",
    },
    "verify": {"path": ("verify nowhere", "There is no export at nowhere"), "verbose": None},
    "reproduce": {
        "recipe": "reproduce nothing",
        "seeds": "reproduce vae_mnist --seeds 0",
        "out": None,
        "release": None,
        "download": None,
    },
    "presets": {},
    "models": {"model": "models veo"},
    "datasets": {},
}
CASES = [(command, name, case) for command, cases in WRONG.items() for name, case in cases.items() if case is not None]


def test_every_option_of_every_command_is_tried():
    """With a wrong value, or `None` for those that cannot be wrong."""
    assert {(command, name) for command, cases in WRONG.items() for name in cases} >= set(PARAMETERS)


@pytest.mark.parametrize(("command", "name", "case"), every_second(CASES))
def test_a_wrong_value_is_said_with_its_option(runs, tmp_path, monkeypatch, command, name, case):
    for path in runs.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "file").unlink()
    (tmp_path / "file").write_text("")
    before = {path.name for path in tmp_path.iterdir()}
    monkeypatch.chdir(tmp_path)
    arguments, words = case if isinstance(case, tuple) else (case, option(command, name))
    arguments = arguments if arguments.startswith(command) else f"{command} {arguments}"
    result = CliRunner().invoke(app, arguments.split(), env={"COLUMNS": "300"})
    assert result.exit_code in (1, 2), result.output
    assert words in result.stderr, result.stderr
    assert f"`{name}`" not in result.stderr and f"{name}=" not in result.stderr, result.stderr
    assert {path.name for path in tmp_path.iterdir()} == before


PARTS_AND_MODELS = [("", name) for name in MODELS] + [(kind, name) for kind, table in PARTS.items() for name in table]


@pytest.mark.parametrize(("kind", "name"), PARTS_AND_MODELS)
def test_a_wrong_setting_is_said_as_it_was_given(monkeypatch, kind, name):
    """Of every argument of every model and of every part: a value of another kind."""
    monkeypatch.setitem(MODELS, "holder", Holder)
    taken = arguments(PARTS[kind][name] if kind else MODELS[name])
    wrong = {key: "nonsense" for key, default in taken.items() if not isinstance(default, (str, type(None)))}
    wrong |= {key: "nonsense" for key in PARTS if key in taken} | ({"parts": "nonsense"} if "parts" in taken else {})
    without = [key for key, default in taken.items() if default is inspect.Parameter.empty and key not in PARTS]
    fitting = {"parts": "[diagonal_normal,deterministic]" if kind != "prior" else "[standard_normal,real_nvp]"}
    needed = [f"{key}={fitting.get(key, 1)}" for key in without if key != "condition"]
    for key, value in wrong.items():
        if key in ("condition", "seed", "num_examples"):  # no settings; and what has no default is judged by the class
            continue
        place, model = (f"{kind}.{key}", "holder") if kind else (key, name)
        given = [text for text in needed if not text.startswith(f"{key}=")]
        texts = [f"{kind}.{text}" if kind else text for text in (*given, f"{key}={value}")]
        texts = [f"{kind}={name}", *texts] if kind else texts
        needs = getattr(MODELS[model], "needs_condition", False) is True
        with pytest.raises((ValueError, TypeError)) as caught:
            assemble(model, parse_settings(texts), condition=kae.Categorical(3) if needs else None, seed=0)
        said = sentence(caught.value, context("train", ["vae", *(f"--set={text}" for text in texts)]))
        assert f"`--set {place}`" in said, (texts, said)


def test_the_next_step_for_a_table_is_an_option():
    step = 'Other data, such as tables, take likelihood="normal" and are scaled.'
    assert in_options(step, context("train")) == "Other data, such as tables, take --likelihood normal and are scaled."
