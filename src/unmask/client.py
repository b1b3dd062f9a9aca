"""A server that `unmask serve` runs, from Python: send files, follow jobs, read reports. Needs the extra `client`.

httpx, because it streams uploads and keeps connections open. Requests that may be sent twice without harm are: reads,
and uploads, which carry an `Idempotency-Key` so that the server does each once.
"""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from unmask.client_answers import Job as Job
from unmask.client_answers import JobFile as JobFile
from unmask.client_answers import Scanned as Scanned
from unmask.client_answers import job_of, scanned
from unmask.errors import MissingExtraError, ServiceError, UsageError

if TYPE_CHECKING:
    import httpx

_AGAIN: Final = (408, 409, 429, 502, 503, 504)
_LONGEST_WAIT_S: Final = 30.0
_LOOK_S: Final = 0.5


class Client:
    """A connection to a server.

        with Client("http://127.0.0.1:8000") as client:
            print(client.scan("photo.jpg").report.verdict)

    Args:
        url: Of the server.
        key: As `unmask keys add` printed it; none is needed on the server's own machine.
        timeout_s: Seconds to wait for an answer.
        retries: How often a request is sent again when the server is busy or cannot be reached.
        transport: Of httpx, in place of the network.

    Raises:
        MissingExtraError: httpx is not installed.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        *,
        timeout_s: float = 300.0,
        retries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise MissingExtraError("talking to a server", "client") from error
        self._errors: type[Exception] = httpx.TransportError
        self._retries = retries
        self._http = httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(timeout_s, connect=10.0),
            headers={"Authorization": f"Bearer {key.strip()}"} if key else {},
            transport=transport,
            trust_env=False,  # no proxy gets to see the files
        )

    def scan(self, path: str | Path, *, evidence: bool = False, keep: bool = False) -> Scanned:
        """Have one small file judged, and wait for its report.

        Args:
            path: The file.
            evidence: Whether to ask every detector, and to give heat maps.
            keep: Whether the server keeps the file, so that its page can show it.

        Raises:
            ServiceError: The server refuses.
            UsageError: The file cannot be read.
        """
        fields = {"evidence": _word(evidence), "keep": _word(keep)}
        return scanned(self._upload("/v1/scan", [path], fields))

    def submit(self, paths: Sequence[str | Path], *, evidence: bool = True) -> Job:
        """Have large or many files judged; `wait` for the job, or `follow` it.

        Raises:
            ServiceError: The server refuses.
            UsageError: A file cannot be read.
        """
        return job_of(self._upload("/v1/jobs", paths, {"evidence": _word(evidence)}))

    def job(self, job_id: str) -> Job:
        """How far a job is."""
        return job_of(self._get(f"/v1/jobs/{job_id}"))

    def follow(self, job_id: str, every_s: float = _LOOK_S) -> Iterator[Job]:
        """A job each time something changed, until it has ended."""
        last = None
        while True:
            job = self.job(job_id)
            if job != last:
                yield job
            if job.ended:
                return
            last = job
            time.sleep(every_s)

    def wait(self, job_id: str, timeout_s: float | None = None) -> Job:
        """A job once it has ended.

        Raises:
            ServiceError: It has not ended in time.
        """
        end_s = None if timeout_s is None else time.monotonic() + timeout_s
        while not (job := self.job(job_id)).ended:
            if end_s is not None and time.monotonic() >= end_s:
                raise ServiceError(f"the job {job_id} has not ended after {timeout_s:g} s")
            time.sleep(_LOOK_S)
        return job

    def cancel(self, job_id: str) -> Job:
        """End a job before time."""
        return job_of(self._json("POST", f"/v1/jobs/{job_id}/cancel", again=False))

    def report(self, report_id: str) -> Scanned:
        """One report."""
        return scanned(self._get(f"/v1/reports/{report_id}"))

    def page(self, report_id: str) -> str:
        """One report as a self-contained HTML page."""
        return self._send("GET", f"/v1/reports/{report_id}", params={"form": "html"}).text

    def reports(self, **wanted: str) -> Iterator[dict[str, Any]]:
        """All reports, newest first, without what they hold; page after page is asked for as it is needed.

        Args:
            **wanted: Only those with this `label`, `kind`, `status`, `sha256`, a part of their `name`, or judged
                `since` or `until` some time.
        """
        after: dict[str, str] = {}
        while True:
            page = self._get("/v1/reports", params={"limit": "200", **wanted, **after})
            yield from page["reports"]
            if page["next"] is None:
                return
            after = {"after": page["next"]}

    def delete(self, report_id: str) -> None:
        """Delete a report with its file and all that was made of it."""
        self._send("DELETE", f"/v1/reports/{report_id}", again=False)

    def feedback(
        self,
        report_id: str,
        says: Literal["right", "wrong", "unsure"],
        *,
        true_label: Literal["real", "fake"] | None = None,
        note: str | None = None,
    ) -> None:
        """Say whether a verdict was right."""
        said = {"says": says, "true_label": true_label, "note": note}
        self._json("POST", f"/v1/reports/{report_id}/feedback", again=False, json=said)

    def models(self) -> dict[str, Any]:
        """The detectors in use, with their cards."""
        return self._get("/v1/models")

    def ready(self) -> bool:
        """Whether the server can judge now."""
        try:
            return self._http.get("/readyz").status_code == 200
        except self._errors:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _get(self, path: str, **options: Any) -> dict[str, Any]:
        return self._json("GET", path, **options)

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        return _read(self._send(method, path, **options))

    def _upload(self, path: str, files: Sequence[str | Path], fields: dict[str, str]) -> dict[str, Any]:
        if not files:
            raise UsageError("no file was named")
        headers = {"Idempotency-Key": secrets.token_hex(16)}

        def send() -> httpx.Response:  # files are opened anew each time, for a broken upload has read into them
            with ExitStack() as stack:
                try:
                    opened = [(Path(file).name, stack.enter_context(Path(file).open("rb"))) for file in files]
                except OSError as error:
                    raise UsageError(f"the file cannot be read: {error}") from error
                parts = [("file", part) for part in opened]
                return self._http.post(path, files=parts, data=fields, headers=headers)

        return _read(self._patiently(send, again=True))

    def _send(self, method: str, path: str, *, again: bool = True, **options: Any) -> httpx.Response:
        return self._patiently(lambda: self._http.request(method, path, **options), again)

    def _patiently(self, send: Callable[[], httpx.Response], again: bool) -> httpx.Response:
        """Send, and send again where that may help; waits longer each time, and not in step with others."""
        for attempt in range(self._retries + 1):
            last = attempt == self._retries or not again
            wait_s = min(_LONGEST_WAIT_S, 0.25 * 2**attempt) * (0.5 + random.random())
            try:
                answer = send()
            except self._errors as error:
                if last:
                    raise ServiceError(f"the server cannot be reached: {error}") from error
            else:
                if answer.is_success:
                    return answer
                if last or answer.status_code not in _AGAIN:
                    raise _refusal(answer)
                asked = answer.headers.get("Retry-After", "")
                wait_s = min(_LONGEST_WAIT_S, float(asked)) if asked.isdecimal() else wait_s
            time.sleep(wait_s)
        raise AssertionError("unreachable")


def _read(answer: httpx.Response) -> dict[str, Any]:
    try:
        return dict(answer.json())
    except (ValueError, TypeError) as error:
        raise ServiceError(f"{answer.url} does not answer as unmask does: is it another server?") from error


def _refusal(answer: httpx.Response) -> ServiceError:
    try:
        problem = json.loads(answer.text)
        told = f"{problem['title']}: {problem['detail']}. {problem['todo']}"
    except (ValueError, KeyError, TypeError):
        return ServiceError(f"the server answered {answer.status_code}", answer.status_code)
    return ServiceError(told, answer.status_code, str(problem.get("type", "")))


def _word(flag: bool) -> str:
    return "true" if flag else "false"
