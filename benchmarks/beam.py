"""Scoring with Apache Beam against one loop over the same SavedModel: rows per second, and peak memory.

    python benchmarks/beam.py                                  # 1,000,000 rows of 784 numbers, 3.1 GB of Parquet
    python benchmarks/beam.py --rows 4000000 --memory 6        # 12.5 GB: fails if the processes together hold 6 GB

The loop reads Parquet with pyarrow, calls the signature `score` and writes Parquet, in one process that has all cores.
Beam is `keras-ae score` on the direct runner; its workers are threads, then processes. All are whole processes with
imports. Memory is the largest sum of the resident memory of all processes of a contestant, sampled five times a second.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

BATCH = 1024
PIXELS = 784


def prepare(folder, rows, files):
    """Writes an export, and uniform noise as Parquet, a column `x` of lists."""
    import pyarrow as pa
    from pyarrow import parquet

    import keras_ae as kae

    model = kae.models.VAE()
    model.build((None, PIXELS))
    kae.export.saved_model(model, folder / "export")
    (folder / "data").mkdir()
    rng, schema = np.random.default_rng(0), pa.schema({"x": pa.list_(pa.float32(), PIXELS)})
    for number, part in enumerate(np.array_split(np.arange(rows), files)):
        with parquet.ParquetWriter(folder / "data" / f"{number:04d}.parquet", schema, compression="none") as writer:
            for start in range(0, len(part), 8 * BATCH):
                x = rng.random(PIXELS * min(8 * BATCH, len(part) - start), dtype=np.float32)
                writer.write_table(pa.table([pa.FixedSizeListArray.from_arrays(pa.array(x), PIXELS)], schema))


def loop(folder):
    """Scores all files in one loop."""
    import pyarrow as pa
    import tensorflow as tf
    from pyarrow import parquet

    score = tf.saved_model.load(str(folder / "export")).signatures["score"]
    (folder / "loop").mkdir()
    for path in sorted((folder / "data").glob("*.parquet")):
        writer, row = None, 0
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH):
                x = batch.column("x").flatten().to_numpy().reshape(-1, PIXELS)
                columns = {name: value.numpy() for name, value in score(x=tf.constant(x)).items()}
                table = pa.table({"row": np.arange(row, row + len(x)), **columns})
                writer = writer or parquet.ParquetWriter(folder / "loop" / path.name, table.schema)
                writer.write_table(table)
                row += len(x)
        writer.close()


def measured(command):
    """Runs a command: (seconds, peak memory of it and its children in GB)."""
    started, peak = time.perf_counter(), [0.0]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    ended = threading.Event()

    def watch():
        while not ended.wait(0.2):
            peak[0] = max(peak[0], sum(map(resident, family(process.pid))) / 1e9)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    ended.set()
    watcher.join()
    if code:
        sys.exit(code)
    return time.perf_counter() - started, peak[0]


def family(number):
    """The ids of a process and all its descendants."""
    found = [number]
    for parent in found:
        for path in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            found += map(int, _read(path).split())
    return found


def resident(number):
    """The resident memory of a process in bytes."""
    lines = [line for line in _read(pathlib.Path(f"/proc/{number}/status")).splitlines() if line.startswith("VmRSS")]
    return 1024 * int(lines[0].split()[1]) if lines else 0


def _read(path):
    try:
        return path.read_text()
    except OSError:  # the process has ended
        return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", type=float, help="GB that Beam may hold")
    parser.add_argument("--folder", type=pathlib.Path, help="where to write the data", default=tempfile.gettempdir())
    parser.add_argument("--loop", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.loop:
        return loop(arguments.loop)
    folder = pathlib.Path(tempfile.mkdtemp(dir=arguments.folder))
    try:
        prepare(folder, arguments.rows, arguments.files)
        size = arguments.rows * PIXELS * 4 / 1e9
        command = [sys.executable, "-m", "keras_ae", "score", folder / "export", folder / "data/*.parquet"]
        contestants = {"one loop": [sys.executable, __file__, "--loop", folder]}
        for kind, mode in {"threads": "multi_threading", "processes": "multi_processing"}.items():
            options = [f"direct_num_workers={arguments.workers}", f"direct_running_mode={mode}"]
            words = [word for option in options for word in ("--beam-option", option)]
            contestants[f"Beam, {arguments.workers} {kind}"] = [*command, folder / kind, *words]
        print(f"{arguments.rows:,} rows, {size:.1f} GB, in {arguments.files} files\n")
        print("| | rows/s | of the loop | peak memory |\n|---|---:|---:|---:|")
        speeds, peaks = [], []
        for name, words in contestants.items():
            seconds, peak = measured(list(map(str, words)))
            speeds.append(arguments.rows / seconds)
            peaks.append(peak)
            print(f"| {name} | {speeds[-1]:,.0f} | {speeds[-1] / speeds[0]:.2f} | {peak:.1f} GB |", flush=True)
    finally:
        shutil.rmtree(folder)
    if arguments.memory and max(peaks[1:]) > arguments.memory:
        sys.exit(f"Beam held {max(peaks[1:]):.1f} GB, more than {arguments.memory:g} GB")


if __name__ == "__main__":
    main()
