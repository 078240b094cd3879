"""The kind of the machine and the versions of packages, without names or paths."""

import importlib.metadata
import os
import platform
from pathlib import Path

BUSY = 0.5  # load average
_FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "sve")
_PACKAGES = ("keras_ae", "tensorflow", "keras", "tensorflow-probability", "numpy", "torch", "pythae")


def cores():
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def machine(num_cores):
    """Returns the processor, its vector instructions, the number of cores used, and the memory."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    info = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    present = set(info.get("flags", info.get("Features", "")).split())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "architecture": platform.machine(),
        "processor": info.get("model name", "unknown"),
        "instructions": [flag for flag in _FLAGS if flag in present],
        "cores": num_cores,
        "memory_gib": round(memory),
        "gpu": False,
    }


def processors(machine):
    """Returns the cores of a machine in words: "2 cores of AMD EPYC"."""
    return f"{machine['cores']} core{'s' * (machine['cores'] != 1)} of {machine['processor']}"


def environment(results):
    """Returns the machine, its load and the versions of the results of a benchmark, as Markdown."""
    of = results["machine"]
    kind = f"{processors(of)} ({of['architecture']}: {', '.join(of['instructions'])}), no GPU."
    busy = f" **The machine was busy, load {results['load']:.1f}.**" if results["load"] > BUSY else ""
    packages = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return f"{kind}{busy} {packages}."


def versions(packages=_PACKAGES):
    """Returns the versions of Python and of the installed packages."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
