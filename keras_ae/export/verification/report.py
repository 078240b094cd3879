import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that `verify` looked at.

    Args:
        artifact: the export.
        subject: `"card"`, `"numbers"`, or the name of a file of the export.
        ok: whether it is as the card says.
        finding: what was found, a sentence where it is wrong.
    """

    artifact: pathlib.Path
    subject: str
    ok: bool
    finding: str


@dataclasses.dataclass(frozen=True)
class Report:
    """What `verify` found.

    Args:
        checks: tuple of `Check`, those of one export together.
    """

    checks: tuple

    @property
    def ok(self):
        """Whether every check of every export was passed."""
        return all(check.ok for check in self.checks)

    @property
    def artifacts(self):
        """{export: its checks}"""
        found = {}
        for check in self.checks:
            found.setdefault(check.artifact, []).append(check)
        return found

    @property
    def problems(self):
        """What is missing or wrong, a sentence each."""
        return [f"{check.artifact}: {check.subject}: {check.finding}" for check in self.checks if not check.ok]
