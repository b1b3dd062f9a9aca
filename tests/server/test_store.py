"""The store, on SQLite and on a real PostgreSQL: reports once, jobs claimed once, nothing lost or shown to others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from unmask.errors import UsageError
from unmask.server import audit_log, job_store, keys, posts, quotas, report_store, tables
from unmask.server.auth import Caller
from unmask.server.database import Database
from unmask.server.job_store import Claim
from unmask.server.problems import Refusal
from unmask.server.report_store import Asked, Wanted
from unmask.server.uploads import Upload
from unmask.server.wire import FeedbackIn, JobState
from unmask.types import Label, Report, Source, Status, Verdict

ASKED = Asked(evidence=False)
NOW = 1_800_000_000.0


def upload(number: int = 0) -> Upload:
    return Upload(f"photo {number}.jpg", f"{number:032x}", f"{number:064x}", 1000 + number)


def report(number: int = 0, label: Label = Label.FAKE) -> Report:
    found = Verdict(label=label, probability=0.9, reason="so it is")
    return report_store.named(Report(source=Source(path="x"), status=Status.OK, verdict=found), upload(number))


def add(database: Database, number: int = 0, *, owner: str = "me", label: Label = Label.FAKE, keep: bool = True) -> str:
    with database.writing() as connection:
        return report_store.add(
            connection, owner, upload(number), "models", ASKED, report(number, label), NOW + number, keep=keep
        )[0]


def job(database: Database, files: int = 2) -> str:
    with database.writing() as connection:
        return job_store.add(connection, "me", [upload(number) for number in range(files)], ASKED, NOW)


def claim(database: Database, job_id: str, holder: str = "w1", now_s: float = NOW, lease_s: float = 10) -> Claim | None:
    with database.writing() as connection:
        return job_store.claim(connection, job_id, holder, now_s, lease_s, attempts=3)


def state(database: Database, job_id: str) -> JobState:
    with database.reading() as connection:
        return job_store.get(connection, job_id, None).state


def test_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    database.upgrade()  # a second time changes nothing
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.META) == []


def test_many_who_open_an_empty_store_at_once_all_find_it_ready(database: Database) -> None:
    with database.engine.begin() as connection:
        tables.META.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
    opened = [Database(database.engine.url.render_as_string(False)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(one.upgrade) for one in opened]:
            done.result()
    for one in opened:
        with one.reading() as connection:
            assert connection.execute(select(tables.reports.c.id)).all() == []
        one.close()


def test_a_report_is_stored_once_however_many_store_it_at_the_same_time(database: Database) -> None:
    start = threading.Barrier(8)

    def store() -> str:
        start.wait()
        return add(database)

    with ThreadPoolExecutor(8) as pool:
        found = {future.result() for future in [pool.submit(store) for _ in range(8)]}
    assert len(found) == 1
    with database.reading() as connection:
        assert len(connection.execute(select(tables.reports.c.id)).all()) == 1


def test_reports_of_other_owners_models_or_wishes_are_others(database: Database) -> None:
    add(database)
    with database.reading() as connection:
        sha256 = upload().sha256
        assert report_store.same(connection, "me", sha256, "models", ASKED)
        assert report_store.same(connection, "you", sha256, "models", ASKED) is None
        assert report_store.same(connection, "me", sha256, "other models", ASKED) is None
        assert report_store.same(connection, "me", sha256, "models", Asked(evidence=True)) is None


def test_nobody_sees_or_deletes_what_is_anothers(database: Database) -> None:
    found = add(database)
    with database.writing() as connection:
        with pytest.raises(Refusal, match="no report of this id"):
            report_store.get(connection, found, "you")
        with pytest.raises(Refusal, match="no report of this id"):
            report_store.remove(connection, found, "you")
        assert report_store.listed(connection, "you", Wanted(), None, 10) == ([], None)
        assert report_store.get(connection, found, None).owner == "me"  # the scope "all"


def test_pages_of_the_list_hold_every_report_once_newest_first(database: Database) -> None:
    made = [add(database, number) for number in range(7)]
    seen: list[str] = []
    after = None
    with database.reading() as connection:
        while True:
            rows, after = report_store.listed(connection, "me", Wanted(), after, 3)
            seen += [row.id for row in rows]
            if after is None:
                break
        assert seen == made[::-1]
        for strange in ("f" * 40, "7ff0" + "0" * 36, "0" * 40):
            assert len(report_store.listed(connection, "me", Wanted(), strange, 3)[0]) in (0, 3)


def test_filters_of_the_list(database: Database) -> None:
    add(database, 1)
    add(database, 2, label=Label.REAL)
    with database.reading() as connection:

        def names(wanted: Wanted) -> list[str]:
            return [row.name for row in report_store.listed(connection, "me", wanted, None, 9)[0]]

        assert names(Wanted(label="real")) == ["photo 2.jpg"]
        assert names(Wanted(sha256=upload(1).sha256)) == ["photo 1.jpg"]
        assert names(Wanted(name="OTO 2")) == ["photo 2.jpg"]
        assert names(Wanted(name="%")) == []
        assert names(Wanted(since_s=NOW + 2)) == ["photo 2.jpg"]
        assert names(Wanted(until_s=NOW + 2)) == ["photo 1.jpg"]
        assert names(Wanted(kind="video")) == []


def test_media_expire_and_reports_stay(database: Database) -> None:
    old, new = add(database, 1), add(database, 100)
    with database.writing() as connection:
        assert [row.id for row in report_store.expire(connection, NOW + 50)] == [old]
        assert report_store.get(connection, old, "me").media is None
        assert report_store.get(connection, new, "me").media == upload(100).media
        assert not report_store.expire(connection, NOW + 50)


def test_a_file_that_comes_again_is_kept_where_the_first_one_is_gone(database: Database) -> None:
    found = add(database, keep=False)
    with database.writing() as connection:
        again = report_store.add(connection, "me", upload(), "models", ASKED, report(), NOW, keep=True)
        assert again == (found, True)
        other = Upload("b.jpg", "f" * 32, upload().sha256, 1000)
        assert report_store.add(connection, "me", other, "models", ASKED, report(), NOW, keep=True) == (found, False)


def test_only_one_of_many_workers_claims_a_job(database: Database) -> None:
    job_id = job(database)
    start = threading.Barrier(6)

    def take(number: int) -> Claim | None:
        start.wait()
        return claim(database, job_id, f"w{number}")

    with ThreadPoolExecutor(6) as pool:
        found = [future.result() for future in [pool.submit(take, number) for number in range(6)]]
    assert sum(one is not None for one in found) == 1


def test_a_job_whose_worker_is_silent_is_claimed_anew_and_the_silent_one_stores_nothing_more(
    database: Database,
) -> None:
    job_id = job(database)
    lost = claim(database, job_id, "lost")
    assert lost
    assert claim(database, job_id, "early", NOW + 9) is None
    held = claim(database, job_id, "second", NOW + 11)
    assert held
    with database.writing() as connection:
        assert not job_store.still_holds(connection, lost)
        assert job_store.renew(connection, lost, NOW + 12, 10, "", 0) is None
        assert not job_store.finish(connection, lost, JobState.DONE, NOW + 12)
        assert job_store.renew(connection, held, NOW + 12, 10, "looking", 40) is False
        found = job_store.get(connection, job_id, "me")
    assert (found.state, found.stage, found.percent, found.attempts) == (JobState.RUNNING, "looking", 40, 2)


def test_what_was_done_of_a_job_is_not_done_again(database: Database) -> None:
    job_id = job(database)
    first = claim(database, job_id)
    assert first
    with database.writing() as connection:
        job_store.file_done(connection, first, 0, "a" * 24, None)
    second = claim(database, job_id, "w2", NOW + 11)
    assert second
    assert list(second.files) == [1]
    assert second.total == 2


def test_a_job_that_kills_its_workers_ends(database: Database) -> None:
    job_id = job(database)
    for attempt in range(3):
        assert claim(database, job_id, f"w{attempt}", NOW + 20 * attempt)
    assert claim(database, job_id, "w4", NOW + 100) is None
    with database.reading() as connection:
        found = job_store.get(connection, job_id, "me")
    assert found.state is JobState.FAILED
    assert found.message == "it was begun 3 times, and each time its worker was lost"


def test_a_job_given_back_counts_as_not_begun(database: Database) -> None:
    job_id = job(database)
    held = claim(database, job_id)
    assert held
    with database.writing() as connection:
        job_store.release(connection, held)
        assert job_store.get(connection, job_id, "me").attempts == 0
        assert job_store.claimable(connection, NOW) == [job_id]


def test_cancelling(database: Database) -> None:
    waiting, running = job(database), job(database)
    held = claim(database, running)
    assert held
    with database.writing() as connection:
        with pytest.raises(Refusal, match="no job of this id"):
            job_store.cancel(connection, waiting, "you", NOW)
        job_store.cancel(connection, waiting, "me", NOW)
        job_store.cancel(connection, running, "me", NOW)
        assert job_store.renew(connection, held, NOW, 10, "", 0) is True
        job_store.finish(connection, held, JobState.CANCELLED, NOW)
        with pytest.raises(Refusal, match="the job is cancelled"):
            job_store.cancel(connection, running, "me", NOW)
        assert sorted(job_store.media_of_ended(connection)) == sorted([upload(0).media, upload(1).media] * 2)
    assert state(database, waiting) is JobState.CANCELLED
    assert state(database, running) is JobState.CANCELLED


def test_an_idempotency_key_is_for_one_request(database: Database) -> None:
    with database.writing() as connection:
        assert posts.begin(connection, "me", "k", "mark", NOW) is None
        with pytest.raises(Refusal, match="no answer yet"):
            posts.begin(connection, "me", "k", "mark", NOW)
        with pytest.raises(Refusal, match="others"):
            posts.begin(connection, "me", "k", "other", NOW)
        posts.end(connection, "me", "k", "a" * 24)
        assert posts.begin(connection, "me", "k", "mark", NOW) == "a" * 24
        assert posts.begin(connection, "you", "k", "mark", NOW) is None  # keys of others are others
        assert posts.begin(connection, "me", "k", "other", NOW + posts.KEPT_S + 1) is None
        posts.end(connection, "me", "k", None)
        assert posts.begin(connection, "me", "k", "third", NOW + posts.KEPT_S + 2) is None  # it had failed


def test_keys_are_kept_as_hashes_and_end_when_they_are_revoked(database: Database) -> None:
    with database.writing() as connection:
        text = keys.add(connection, "desk", NOW, ("scan", "read"), per_minute=5)
        row = connection.execute(select(tables.keys)).one()
        assert text.split("_", 2)[2] not in " ".join(map(str, row))
        key = keys.check(connection, text)
        assert key
        assert (key.name, key.scopes, key.per_minute) == ("desk", frozenset({"scan", "read"}), 5)
        for wrong in (
            "",
            "unmask",
            text[:-1],
            text + "x",
            text.replace("unmask", "x"),
            f"unmask_{'0' * 10}_x",
            "é_x_y",
        ):
            assert keys.check(connection, wrong) is None
        token = keys.open_session(connection, key, NOW)
        assert keys.of_session(connection, token, NOW + 10) == key
        assert keys.of_session(connection, token, NOW + keys.SESSION_S + 1) is None
        assert keys.any_valid(connection)
        keys.revoke(connection, key.id, NOW)
        assert keys.check(connection, text) is None
        assert keys.of_session(connection, token, NOW + 10) is None
        assert not keys.any_valid(connection)
        with pytest.raises(UsageError, match="no valid key"):
            keys.revoke(connection, key.id, NOW)
        with pytest.raises(UsageError, match='no scope "everything"'):
            keys.add(connection, "x", NOW, ("everything",))


def test_quotas_of_a_day(database: Database) -> None:
    with database.writing() as connection:
        text = keys.add(connection, "desk", NOW, files_per_day=3, bytes_per_day=1000)
        key = keys.check(connection, text)
        quotas.spend(connection, key, 2, 500, NOW)
        with pytest.raises(Refusal, match="3 files a day"):
            quotas.spend(connection, key, 2, 10, NOW)
    with database.writing() as connection, pytest.raises(Refusal, match="bytes a day") as refused:
        quotas.spend(connection, key, 1, 5000, NOW + 86_400)
    assert refused.value.problem.status == 429
    assert 0 < int(refused.value.headers["Retry-After"]) <= 86_400


def test_deleting_a_report_takes_what_was_said_of_it_and_leaves_the_audit_log(database: Database) -> None:
    from unmask.server.api_reports import add_feedback, feedback_on

    found, caller = add(database), Caller("me", "me", frozenset(), "127.0.0.1")
    with database.writing() as connection:
        said = FeedbackIn(says="wrong", true_label="real", note="I took it")
        add_feedback(connection, caller, found, said, NOW)
        assert [one.note for one in feedback_on(connection, found)] == ["I took it"]
        audit_log.write(connection, NOW, caller, "delete", sha256=upload().sha256, subject=found)
        assert report_store.remove(connection, found, "me").media == upload().media
        assert feedback_on(connection, found) == []
        assert [row.action for row in audit_log.read(connection, upload().sha256)] == ["feedback", "delete"]


def test_what_is_no_url_of_a_database_is_told() -> None:
    with pytest.raises(UsageError, match="no URL of a database"):
        Database("nonsense")
    with pytest.raises(UsageError, match="mysql is not supported"):
        Database("mysql://localhost/x")
    with pytest.raises(UsageError, match="cannot be used"):
        Database("sqlite:////no/such/folder/x.db").upgrade()


def test_a_store_of_a_newer_version_is_left_alone(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UsageError, match="another version of unmask"):
        database.upgrade()
