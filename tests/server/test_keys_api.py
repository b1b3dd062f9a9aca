"""A server that asks for keys: who has none, who may do what, and how much."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.running import Served, served
from tests.server.test_api import problem
from unmask.errors import UsageError
from unmask.server import keys, serving
from unmask.server.database import Database
from unmask.server.settings import Settings


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = Settings(folder=tmp_path_factory.mktemp("guarded"), port=0, free_bytes=0, require_keys=True)
    with pytest.raises(UsageError, match="no API key exists: make one first"):
        serving.check_keys(settings)
    add(settings, "first")
    with served(settings, with_worker=False) as found:
        yield found


def add(settings: Settings, name: str, *scopes: str, **limits: int) -> str:
    settings.prepare_folder()
    store = Database(settings.database_url)
    store.upgrade()
    with store.writing() as connection:
        text = keys.add(connection, name, store.clock(), scopes or keys.USUAL, **limits)
    store.close()
    return text


def revoke(settings: Settings, text: str) -> None:
    store = Database(settings.database_url)
    with store.writing() as connection:
        keys.revoke(connection, text.split("_")[1], store.clock())
    store.close()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_without_a_key_nothing_is_told_but_health(guarded: Served) -> None:
    for path in ("/v1/reports", "/v1/models", "/v1/jobs", "/metrics", f"/v1/reports/{'0' * 24}/media"):
        answer = guarded.http.get(path)
        problem(answer, 401, "no-key")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    problem(guarded.http.post("/v1/scan", files={"file": b"x"}), 401, "no-key")
    problem(guarded.http.get("/v1/reports", headers=bearer("unmask_0000000000_wrong")), 401, "bad-key")
    problem(guarded.http.get("/v1/reports", headers={"Authorization": "Basic eDp5"}), 401, "bad-key")
    assert guarded.http.get("/healthz").status_code == 200
    assert guarded.http.get("/readyz").status_code == 200


def test_a_key_does_what_its_scopes_say(guarded: Served) -> None:
    reader = bearer(add(guarded.settings, "reader", "read"))
    assert guarded.http.get("/v1/reports", headers=reader).status_code == 200
    refused = problem(guarded.http.post("/v1/scan", files={"file": b"x"}, headers=reader), 403, "not-allowed")
    assert '"scan"' in refused["detail"]
    problem(guarded.http.get("/metrics", headers=reader), 403, "not-allowed")
    problem(guarded.http.delete(f"/v1/reports/{'0' * 24}", headers=reader), 403, "not-allowed")


def test_keys_do_not_see_each_others_reports_unless_they_may_see_all(guarded: Served, uploads: Path) -> None:
    one, two = (bearer(add(guarded.settings, name)) for name in ("one", "two"))
    everyone = bearer(add(guarded.settings, "desk", "read", "all"))

    def scan(who: dict[str, str]) -> dict[str, object]:
        data = (uploads / "portrait.jpg").read_bytes()
        found: dict[str, object] = guarded.http.post("/v1/scan", files={"file": data}, headers=who).json()
        return found

    first, second = scan(one), scan(two)
    assert first["id"] != second["id"]
    assert not second["stored"]  # or it would tell that somebody else has scanned this file
    problem(guarded.http.get(f"/v1/reports/{first['id']}", headers=two), 404, "not-found")
    problem(guarded.http.delete(f"/v1/reports/{first['id']}", headers=two), 404, "not-found")
    assert len(guarded.http.get("/v1/reports", headers=one).json()["reports"]) == 1
    assert len(guarded.http.get("/v1/reports", headers=everyone).json()["reports"]) == 2


def test_rates_and_quotas(guarded: Served) -> None:
    often = bearer(add(guarded.settings, "often", per_minute=2))
    assert [guarded.http.get("/v1/models", headers=often).status_code for _ in range(3)] == [200, 200, 429]
    refused = guarded.http.get("/v1/models", headers=often)
    problem(refused, 429, "too-often")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    few = bearer(add(guarded.settings, "few", files_per_day=1))

    def scan(data: bytes) -> httpx.Response:
        return guarded.http.post("/v1/scan", files={"file": data}, headers=few)

    assert scan(b"one").status_code == 200
    problem(scan(b"two"), 429, "quota")


def test_a_revoked_key_ends_at_once(guarded: Served) -> None:
    text = add(guarded.settings, "gone")
    assert guarded.http.get("/v1/models", headers=bearer(text)).status_code == 200
    revoke(guarded.settings, text)
    problem(guarded.http.get("/v1/models", headers=bearer(text)), 401, "bad-key")


def test_a_stream_of_events_ends_with_its_key(guarded: Served) -> None:
    text = add(guarded.settings, "listens")
    job = guarded.http.post("/v1/jobs", headers=bearer(text), files={"file": ("a.jpg", b"x")}).json()["id"]
    events = f"/v1/jobs/{job}/events"
    with guarded.http.stream("GET", events, headers=bearer(text), timeout=10) as stream:  # a sign of life comes later
        lines = stream.iter_lines()
        assert next(lines) == "event: progress"
        revoke(guarded.settings, text)
        assert "event: end" not in list(lines)


def test_people_sign_in_with_their_key_and_out_again(guarded: Served) -> None:
    with httpx.Client(base_url=guarded.url, trust_env=False) as browser:
        page = {"Accept": "text/html"}
        sent_away = browser.get("/", headers=page)
        assert sent_away.status_code == 303
        assert sent_away.headers["location"] == "/sign-in"
        assert browser.post("/sign-in", data={"key": "wrong"}, headers=page).status_code == 401
        signed_in = browser.post("/sign-in", data={"key": add(guarded.settings, "Ada")}, headers=page)
        assert signed_in.status_code == 303
        cookie = signed_in.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Sign out (Ada)" in browser.get("/", headers=page).text
        assert browser.post("/sign-out", headers=page).status_code == 303
        assert browser.get("/", headers=page).status_code == 303


def test_others_reach_a_server_only_with_keys(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"0\.0\.0\.0 can be reached by others, and no API key exists"):
        serving.check_keys(Settings(folder=tmp_path, host="0.0.0.0"))
    with pytest.raises(UsageError, match="no API key exists"):
        serving.check_keys(Settings(folder=tmp_path, public_names=("unmask.example",)))
    serving.check_keys(Settings(folder=tmp_path))
    for host, alone in (("::1", True), ("localhost", True), ("127.3.2.1", True), ("192.168.0.2", False)):
        assert Settings(folder=tmp_path, host=host).loopback is alone
    assert "127.3.2.1" in Settings(folder=tmp_path, host="127.3.2.1").names, "the address that is printed is refused"
    assert Settings(folder=tmp_path, host="192.168.0.2").names == ()
