import contextlib
import os
import signal
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class ContestantError(RuntimeError):
    """A contestant ended, or said something else than was expected; the message has the end of its log."""


def environment(cores):
    """What every process gets: the same number of threads for every library, and their own choice of the rest."""
    paths = [str(ROOT), str(ROOT.parent), os.environ.get("PYTHONPATH", "")]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(cores))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    return {**os.environ, **threads, **quiet, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}


class StoppedProcess:
    """A process that lives until the end of a `with` block. It runs while it is asked, and is stopped between.

    Args:
        command: what is started; it speaks in lines.
        what: who it is and what it does, for the error: "X failed in 'Y'" has the parts of ("X", "Y").
        folder: where it may leave files, such as caches of compilers: each process starts with an empty one.
        cores: how many cores it may use.
    """

    def __init__(self, command, what, *, folder, cores):
        self.what = what
        self.log = tempfile.TemporaryFile("w+", dir=folder)  # noqa: SIM115 (closed in __exit__)
        cache = tempfile.mkdtemp(dir=folder)
        self.process = subprocess.Popen(
            command,
            env={**environment(cores), "TORCHINDUCTOR_CACHE_DIR": cache, "TMPDIR": cache},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            start_new_session=True,  # a group of its own: signals reach its helpers too
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()

    def hear(self):
        """Waits for its next line, and stops it.

        Raises:
            ContestantError: where it ended instead.
        """
        line = self.process.stdout.readline()
        if not line:
            raise self.failed()
        os.killpg(self.process.pid, signal.SIGSTOP)
        return line.rstrip("\n")

    def ask(self, text):
        """Lets it run, tells it a line, and returns the next one that it says."""
        os.killpg(self.process.pid, signal.SIGCONT)
        with contextlib.suppress(BrokenPipeError):  # it ended: `hear` says so
            self.process.stdin.write(f"{text}\n")
            self.process.stdin.flush()
        return self.hear()

    def failed(self):
        """The error to raise, with the end of the log."""
        self.log.seek(0)
        end = "\n".join(self.log.read().splitlines()[-25:])
        label, case = self.what
        return ContestantError(f"{label} failed in {case!r}:\n{end}")
