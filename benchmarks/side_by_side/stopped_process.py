import contextlib
import os
import signal
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class ContestantError(RuntimeError):
    """A contestant failed; the message contains the end of its log."""


def environment(cores):
    """Returns environment variables with the same number of threads for every library."""
    paths = [str(ROOT), str(ROOT.parent), os.environ.get("PYTHONPATH", "")]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(cores))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    return {**os.environ, **threads, **quiet, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}


class StoppedProcess:
    """A process that is stopped (SIGSTOP) between requests, and killed at the end of a `with` block.

    Args:
        command: the command, whose process reads and writes lines.
        what: ("X", "Y") for the error "X failed in 'Y'".
        folder: parent of an empty folder for its caches, such as compiled programs.
        cores: number of cores it may use.
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
            start_new_session=True,  # in a separate group, so that signals reach its child processes too
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
        """Returns the next line of the process and stops it.

        Raises:
            ContestantError: if it ended instead.
        """
        line = self.process.stdout.readline()
        if not line:
            raise self.failed()
        os.killpg(self.process.pid, signal.SIGSTOP)
        return line.rstrip("\n")

    def ask(self, text):
        """Continues the process, sends it a line, and returns its answer."""
        os.killpg(self.process.pid, signal.SIGCONT)
        with contextlib.suppress(BrokenPipeError):  # it ended: `hear` says so
            self.process.stdin.write(f"{text}\n")
            self.process.stdin.flush()
        return self.hear()

    def failed(self):
        """Returns the error to raise, with the end of the log."""
        self.log.seek(0)
        end = "\n".join(self.log.read().splitlines()[-25:])
        label, case = self.what
        return ContestantError(f"{label} failed in {case!r}:\n{end}")
