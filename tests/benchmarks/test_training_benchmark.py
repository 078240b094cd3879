import io
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from side_by_side import contest
from side_by_side.cases import all_cases, quick
from side_by_side.contestants import CONTESTANTS
from side_by_side.process import Process
from side_by_side.referee import Referee
from side_by_side.stopped_process import ContestantError
from side_by_side.task import Task

import keras_ae as kae

BENCHMARKS = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"
TINY = Task("mlp-128", hidden=(8,), latent_dim=2, batch_size=32, num_examples=64)
EPOCHS = {"timed": 2, "lead_in": 1, "warm_up": 2}


# The task.


def test_operations_of_the_mlp_are_counted_from_its_layers():
    products = 784 * 200 + 200 * 200 + 200 * 32, 16 * 200 + 200 * 200 + 200 * 784
    assert Task("mlp").flop_per_example() == 6 * sum(products) == 2_419_200
    assert Task("iwae", num_samples=50).flop_per_example() == 6 * (products[0] + 50 * products[1])


@pytest.mark.parametrize("task", [Task("mlp", hidden=(7, 5)), Task("conv", network="conv", hidden=(4, 6))])
def test_operations_agree_with_those_of_the_model_that_is_trained(task):
    """6 for each use of a weight: once an example, or once a pixel that a convolution writes (or reads, going up)."""
    networks = {
        "mlp": (kae.networks.MLP, kae.networks.MLP),
        "conv": (kae.networks.ConvEncoder, kae.networks.ConvDecoder),
    }
    encoder, decoder = (make(task.hidden) for make in networks[task.network])
    model = kae.Autoencoder(encoder, decoder, latent_dim=task.latent_dim)
    model.build((None, 28, 28, 1))
    kernels = [w.shape for w in model.trainable_weights if len(w.shape) > 1]
    # In the order of the model: convolutions down, what is before those up, those, the head, and the last layer.
    uses = [1] * len(kernels) if task.network == "mlp" else [14**2, 7**2, 1, 7**2, 14**2, 1, 28**2]
    assert task.flop_per_example() == 6 * sum(n * np.prod(k) for n, k in zip(uses, kernels, strict=True))


def test_an_epoch_is_whole_batches():
    with pytest.raises(ValueError, match=r"must be a multiple of `batch_size`\. Received: num_examples=100"):
        Task("mlp", num_examples=100)
    for case in all_cases():
        assert quick(case).task.num_examples <= case.task.num_examples


# The referee.


def test_rounds_are_timed_after_the_epochs_that_lead_in():
    now = iter(range(1000))
    answers = io.StringIO()
    referee = Referee(iter(["go\n", "go\n"]), answers, timed=2, lead_in=1, warm_up=2, clock=lambda: next(now) * 10)
    with pytest.raises(SystemExit):  # nobody says go a third time
        for loss in range(100):
            referee.epoch_ended(float(loss))
    lines = [line.split(" ", 1) for line in answers.getvalue().splitlines()]
    assert [word for word, _ in lines] == ["ready", "done", "done"]
    values = [json.loads(text) for _, text in lines]
    assert values[0]["loss"] == 1.0  # of the second epoch
    assert [value["loss"] for value in values[1:]] == [4.0, 7.0]
    # The clock is read at each end of an epoch, and once more where the timing starts: two epochs are two readings.
    assert [value["seconds"] for value in values[1:]] == [20, 20]


def test_everyone_is_first_equally_often():
    orders = [contest.turn("abc", number) for number in range(3)]
    assert ["".join(order) for order in orders] == ["abc", "bca", "cab"]


def test_losses_that_are_far_apart_are_refused():
    contest.check_losses({"a": 100.0, "b": 104.0, "c": 97.0}, "mlp")
    with pytest.raises(contest.DifferentProblemError, match=r"within 5% of their median, 100.00 nats.*b 106.00"):
        contest.check_losses({"a": 100.0, "b": 106.0, "c": 99.0}, "mlp")
    with pytest.raises(contest.DifferentProblemError, match="b nan"):
        contest.check_losses({"a": 100.0, "b": float("nan"), "c": 100.0}, "mlp")


# Processes.


@pytest.mark.slow
def test_a_contestant_is_stopped_between_its_turns_and_gone_at_the_end(tmp_path):
    data = contest.write_data(tmp_path / "data.npy", TINY.num_examples)
    with Process(CONTESTANTS["xla-loop"], TINY, data=data, folder=tmp_path, cores=1, epochs=EPOCHS) as process:
        start = process.ready()
        assert process_state(process) == "T"
        row = process.round()
        assert process_state(process) == "T"
        pid = process.process.pid
    assert start["first_epoch_seconds"] > 0 and np.isfinite(start["loss"])
    assert row["examples_per_second"] == pytest.approx(2 * TINY.num_examples / row["seconds"])
    assert not os.path.exists(f"/proc/{pid}")


def process_state(process):
    """The state after the name in /proc: T is stopped."""
    os.waitid(os.P_PID, process.process.pid, os.WSTOPPED | os.WNOWAIT)  # the signal may be on its way
    return pathlib.Path(f"/proc/{process.process.pid}/stat").read_text().rpartition(") ")[2][0]


@pytest.mark.slow
def test_a_contestant_that_fails_shows_its_log(tmp_path):
    absent = tmp_path / "absent.npy"
    with (
        Process(CONTESTANTS["xla-loop"], TINY, data=absent, folder=tmp_path, cores=1, epochs=EPOCHS) as process,
        pytest.raises(ContestantError, match=r"(?s)XLA by hand failed in 'mlp-128'.*FileNotFoundError"),
    ):
        process.ready()


@pytest.mark.slow
def test_data_are_repeated_where_more_are_wanted(tmp_path):
    x = np.load(contest.write_data(tmp_path / "data.npy", 32_768 + 100))
    assert x.dtype == np.float32 and x.shape == (32_868, 784) and 0 <= x.min() < x.max() <= 1
    np.testing.assert_array_equal(x[32_768:], x[:100])


# The commands.


def run(script, *arguments):
    command = [sys.executable, BENCHMARKS / script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "120"})


@pytest.mark.slow
def test_the_command_writes_results_that_the_report_puts_into_a_document(tmp_path):
    out = tmp_path / "training.json"
    done = run("training.py", "--quick", "--only=mlp-128", "--contestants=keras_ae,keras", "--cores=1", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "keras_ae" in done.stdout and "Best matrix product" in done.stdout
    written = json.loads(out.read_text())
    assert [c["name"] for c in written["cases"][0]["contestants"]] == ["keras_ae", "keras"]
    assert str(BENCHMARKS) not in out.read_text()
    assert out.with_suffix(".png").stat().st_size > 10_000

    document = tmp_path / "performance.md"
    document.write_text("# Speed\n<!-- training -->\nold\n<!-- /training -->\nend\n")
    absent = tmp_path / "absent"
    done = run("report.py", "--training", out, "--profile", absent, "--inference", absent, "--document", document)
    assert done.returncode == 0, done.stderr
    text = document.read_text()
    assert "old" not in text and text.startswith("# Speed") and text.endswith("end\n")
    assert "| keras_ae |" in text and (tmp_path / "images" / "training.png").exists()


def test_unknown_names_are_refused():
    done = run("training.py", "--only=mlp")
    assert done.returncode == 2 and "mlp: choose from mlp-128, mlp-512" in done.stderr
