"""The class of the machine and the versions, without names or paths."""

import importlib.metadata
import os
import platform
from pathlib import Path

BUSY = 0.5  # average number of other processes that run
_FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "sve")
_PACKAGES = ("keras_ae", "tensorflow", "keras", "tensorflow-probability", "numpy", "torch", "pythae")


def cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def machine(num_cores):
    """Kind of processor, its vector instructions, cores that were used and memory."""
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


def surroundings(results):
    """The class of the machine, how busy it was and the versions, of the results of a benchmark, as Markdown."""
    of = results["machine"]
    kind = f"{of['cores']} cores of {of['processor']} ({of['architecture']}: {', '.join(of['instructions'])}), no GPU."
    busy = f" **The machine was busy, load {results['load']:.1f}.**" if results["load"] > BUSY else ""
    packages = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return f"{kind}{busy} {packages}."


def versions(packages=_PACKAGES):
    """Versions of Python and of the packages that took part."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
