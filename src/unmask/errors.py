"""Every exception this package raises on purpose.

    UnmaskError
    ├── UsageError            you asked for something that does not exist or cannot be combined
    │   ├── MissingExtraError an optional part is not installed; the message is the install line
    │   └── RecipeError       a recipe names an unknown option or an impossible value
    ├── MediaError            a file cannot be judged; scanning turns it into a status
    │   ├── UnsupportedError  not a kind of file we judge
    │   ├── UnreadableError   the right kind, but broken, unreadable or over a limit
    │   └── NothingToJudgeError  readable, but holds nothing a detector can look at
    ├── BundleError           a model bundle is missing, damaged, or not what its card says
    ├── ManifestError         a table of items is missing a column or holds a bad value
    ├── AuditError            the data would teach a shortcut; the message says which and what to do
    ├── ServiceError         a server of ours refuses, or cannot be reached; the message says what to do
    └── ExportError           the exported graph does not compute what the trained network computes

Wrong use raises. A file we cannot judge does not: `scan` catches `MediaError` and reports a status, so that
a batch survives any single file.
"""

from __future__ import annotations


class UnmaskError(Exception):
    """Base of all exceptions of this package."""


class UsageError(UnmaskError):
    """The call itself is wrong: an unknown name, a path that is not there, options that exclude each other."""


class MissingExtraError(UsageError):
    """An optional part is not installed.

    Args:
        task: What the user wanted to do, as a noun phrase ("training a detector").
        extra: The extra that carries it ("train").
    """

    def __init__(self, task: str, extra: str) -> None:
        super().__init__(f'{task} needs more than the base install: pip install "unmask[{extra}]"')


class RecipeError(UsageError):
    """A recipe names an unknown option, or a value that cannot work."""


class MediaError(UnmaskError):
    """A file cannot be judged. The message is one sentence for the user."""


class UnsupportedError(MediaError):
    """The file is not of a kind that we judge."""


class UnreadableError(MediaError):
    """The file is of a kind we judge, but is broken, may not be read, or exceeds a limit."""


class NothingToJudgeError(MediaError):
    """The file is readable but holds nothing that a detector can look at."""


class BundleError(UnmaskError):
    """A model bundle is missing, damaged, or does not do what its card says."""


class ManifestError(UnmaskError):
    """A table of labelled items cannot be used as it is."""


class AuditError(UnmaskError):
    """The data would teach a shortcut instead of the difference between real and fake."""


class ServiceError(UnmaskError):
    """A server that `unmask serve` runs refuses a request, or cannot be reached.

    Args:
        message: What happened and what to do.
        status: Of HTTP; None where there was no answer.
        kind: The type of the problem, for programs: "urn:unmask:problem:quota", for one.
    """

    def __init__(self, message: str, status: int | None = None, kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class ExportError(UnmaskError):
    """The exported graph and the trained network disagree."""
