"""Runs an export in a separate process and compares its outputs with the model's outputs."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np

from keras_ae.export.card.probe_file import Probe

_ISOLATED_RUNNER = pathlib.Path(__file__).with_name("isolated_runner.py")
_TIMEOUT = 180  # seconds; a cold import of TensorFlow on a slow disk takes half a minute

# Maximum difference in float32, relative to the largest value of the output. Rounding gave 1e-7 to 1.2e-6; the rest is
# for deeper decoders and other processors. A missing weight or another random number generator gives 1e-2 and more.
FLOAT_TOLERANCE = 5e-5
# Root mean square difference of quantized networks, relative to the spread of the output's values. It was 0.004 to
# 0.055; unrelated images differ by more than 1.
ROUNDED_TOLERANCE = 0.2
# Maximum difference with float16 weights, relative to the largest value of the output: one level of 8 bits. It is 0.001
# to 0.002 for decoders of digits; the large weights that Muon trains are rounded most.
HALF_TOLERANCE = 4e-3


def compare(
    kind: str,
    artifact: pathlib.Path,
    probes: list[Probe],
    workspace: pathlib.Path,
    *,
    quantize: str = "none",
    budget: dict[str, float] | None = None,
    spread: dict[str, float] | None = None,
) -> dict[str, dict]:
    """Verifies in a separate process that an export reproduces the model's outputs.

    Args:
        kind: `"saved_model"`, `"litert"` or `"onnx"`.
        artifact: path of the export.
        probes: the calls; the first is timed.
        workspace: folder for files that the processes exchange.
        quantize: the quantization, which determines the tolerance.
        budget: {"relative" or "spread": number}, which may increase the tolerance.
        spread: {output: standard deviation of its values}, if known better than from the probes.

    Returns:
        The fields `signatures`, `errors` and `latency` of a `Card`.

    Raises:
        RuntimeError: if the process fails, or an output differs by more than the tolerance.
    """
    calls, results, report = (workspace / name for name in ("calls.npz", "results.npz", "report.json"))
    arrays = {f"{i}/{p.signature}/{name}": array for i, p in enumerate(probes) for name, array in p.inputs.items()}
    np.savez(calls, **arrays)
    _run(kind, artifact, calls, results, report)
    with np.load(results) as found:
        errors = _compare(probes, dict(found), quantize, budget, spread)
    fields = json.loads(report.read_text(encoding="utf-8"))
    fields["latency"]["rows"] = len(next(iter(probes[0].inputs.values())))
    return {**fields, "errors": errors}


def largest_error(errors: dict[str, dict]) -> float:
    """Returns the maximum difference of `x`, or without one of `z` or `score`, from the `errors` of a card."""
    output = next(name for name in ("x", "z", "score") if any(name in outputs for outputs in errors.values()))
    return max(outputs[output]["max"] for outputs in errors.values() if output in outputs)


def answers(workspace: pathlib.Path, number: int) -> dict[str, np.ndarray]:
    """Returns the outputs of a probe in `compare`, {output: array}, from one of the loaders."""
    with np.load(workspace / "results.npz") as found:
        return {key.split("/")[2]: found[key] for key in found.files if key.startswith(f"{number}/")}


def _run(kind, *paths):
    command = [sys.executable, "-W", "ignore", str(_ISOLATED_RUNNER), kind, *map(str, paths)]
    # No GPU: this process may have reserved all of its memory.
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    try:
        subprocess.run(command, env=environment, timeout=_TIMEOUT, check=True, capture_output=True, text=True)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"The verification of the export did not finish within {_TIMEOUT} s.") from error
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip() or "no message").splitlines()[-1]
        raise RuntimeError(
            f"Another loader could not run the export (exit status {error.returncode}): {reason}"
        ) from error


def _compare(probes, results, quantize, budget=None, spread=None):
    """Returns {signature: {output: {"max", "mean", "rms"}}}, the worst of all calls and loaders."""
    errors = {}
    for loader in sorted({key.split("/")[1] for key in results}):
        for index, probe in enumerate(probes):
            _check_names(probe, [key.split("/")[2] for key in results if key.startswith(f"{index}/{loader}/")])
    for key, found in results.items():
        index, _, name = key.split("/")
        probe = probes[int(index)]
        _check(probe, name, found, quantize, budget or {}, (spread or {}).get(name, 0.0))
        difference = np.abs(found.astype(np.float64) - probe.outputs[name])
        measured = {"max": difference.max(), "mean": difference.mean(), "rms": np.sqrt(np.mean(difference**2))}
        worst = errors.setdefault(probe.signature, {}).setdefault(name, dict.fromkeys(measured, 0.0))
        worst.update({kind: float(f"{max(worst[kind], value):.3g}") for kind, value in measured.items()})
    return errors


def _check_names(probe, names):
    if sorted(names) != sorted(probe.outputs):
        raise RuntimeError(
            f"The export is wrong: `{probe.signature}` must return {sorted(probe.outputs)}. Received: {sorted(names)}"
        )


def _check(probe, name, found, quantize, budget, spread):
    """Raises a `RuntimeError` if an output differs from the model's output."""
    signature, expected = probe.signature, probe.outputs[name]
    if found.shape != expected.shape:
        raise RuntimeError(
            f"The export is wrong: `{name}` of `{signature}` must have shape {list(expected.shape)}. "
            f"Received: {list(found.shape)}"
        )
    difference, size = np.abs(found.astype(np.float64) - expected), probe.size(name)
    difference = np.maximum(difference - probe.tolerances.get(name, 0.0), 0.0)
    if not np.isfinite(difference).all():
        _check_exact(probe, name, difference.max(), FLOAT_TOLERANCE * size)
    if expected.dtype == np.uint8:  # pixels of PNG files, where rounding may give either of two levels
        _check_exact(probe, name, difference.max(), 1.0)
    elif quantize == "none":
        _check_exact(probe, name, difference.max(), max(FLOAT_TOLERANCE, budget.get("relative", 0.0)) * size)
    elif quantize == "fp16":
        limit = max(HALF_TOLERANCE, budget.get("relative", 0.0))
        check_budget("relative", quantize, f"`{name}` of `{signature}`", difference.max() / (size or 1.0), limit)
    else:
        # A constant output has no spread: a hundredth of its value is visible.
        spread = max(expected.std(), spread, 0.01 * size)
        limit = max(ROUNDED_TOLERANCE, budget.get("spread", 0.0))
        error = np.sqrt(np.mean(difference**2)) / (spread or 1.0)
        check_budget("spread", quantize, f"`{name}` of `{signature}`", error, limit)


def _check_exact(probe, name, error, limit):
    if not error <= limit:  # NaN is an error too
        raise RuntimeError(
            f"The export is wrong: `{name}` of `{probe.signature}` differs from the model by {error:.2g}, more than "
            f"{limit:.2g}, which is more than the rounding of float32."
        )


_FINER = {"fp16": "none", "dynamic": "fp16", "int8": "dynamic"}
_MEASURES = {
    "relative": "differs from the model by {:.2g} of the largest value",
    "spread": "differs from the model by a root mean square of {:.2g} of the spread of the values",
    "frechet_distance": "increases the Frechet distance to the examples by {:.2g} of the model's distance",
}


def check_budget(budget: str, quantize: str, what: str, error: float, limit: float) -> None:
    """Raises a `RuntimeError` if the quantization error exceeds a budget.

    Args:
        budget: name of the budget: see `litert`.
        quantize: the quantization.
        what: name of the output, for the message.
        error: the measured error.
        limit: the maximum error.
    """
    if error <= limit:
        return
    finer = f'quantize="{_FINER[quantize]}" rounds less, ' if quantize in _FINER else ""
    raise RuntimeError(
        f'The export exceeds its budget "{budget}": {what} {_MEASURES[budget].format(error)}, more than {limit:g}. '
        f'{finer}budget={{"{budget}": {1.5 * error:.1g}}} allows it.'
    )
