import pathlib
import sys

# The benchmarks are scripts, not a part of the package: their folder is on the path where they run.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "benchmarks"))
