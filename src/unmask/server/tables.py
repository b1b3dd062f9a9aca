"""The tables, alike on SQLite and PostgreSQL. Times are seconds since 1970, UTC. Migrations make them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

META: Final = MetaData()

keys: Final = Table(
    "keys",
    META,
    Column("id", String(16), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("digest", String(64), nullable=False),  # sha256 of the secret, which is 256 bits of chance
    Column("scopes", String(200), nullable=False),
    Column("per_minute", Integer),
    Column("files_per_day", Integer),
    Column("bytes_per_day", BigInteger),
    Column("created_s", Double, nullable=False),
    Column("revoked_s", Double),
)

sessions: Final = Table(
    "sessions",
    META,
    Column("digest", String(64), primary_key=True),
    Column("key_id", String(16), ForeignKey("keys.id", ondelete="CASCADE"), nullable=False),
    Column("expires_s", Double, nullable=False),
)

jobs: Final = Table(
    "jobs",
    META,
    Column("id", String(32), primary_key=True),
    Column("owner", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("stage", String(100), nullable=False, server_default=""),
    Column("percent", Integer, nullable=False, server_default="0"),
    Column("asked", String(200), nullable=False),
    Column("created_s", Double, nullable=False),
    Column("started_s", Double),
    Column("finished_s", Double),
    Column("worker", String(80)),  # who holds it; a new one each time, so that an old holder can tell
    Column("lease_s", Double),  # until when, unless renewed
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("cancel", Boolean, nullable=False, server_default="0"),
    Column("message", Text),
    Index("jobs_by_state", "state", "lease_s"),
    Index("jobs_by_owner", "owner", "created_s"),
)

job_files: Final = Table(
    "job_files",
    META,
    Column("job_id", String(32), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("media", String(48)),
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("report_id", String(32)),
    Index("job_files_by_report", "report_id"),
)

reports: Final = Table(
    "reports",
    META,
    Column("id", String(32), primary_key=True),
    Column("owner", String(16), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("models", String(64), nullable=False),  # what judged, as one hash
    Column("asked", String(200), nullable=False),
    Column("name", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(32), nullable=False),
    Column("label", String(16)),
    Column("probability", Double),
    Column("bytes", BigInteger, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("media", String(48)),
    Column("body", Text, nullable=False),
    # One report on a file by the same models, whoever tries to store a second: this is what "not twice" rests on.
    UniqueConstraint("owner", "sha256", "models", "asked", name="judged_once"),
    Index("reports_by_time", "owner", "created_s", "id"),
    Index("reports_by_hash", "sha256"),
)

feedback: Final = Table(
    "feedback",
    META,
    Column("id", String(32), primary_key=True),
    Column("report_id", String(32), ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
    Column("owner", String(16), nullable=False),
    Column("says", String(16), nullable=False),
    Column("true_label", String(16)),
    Column("note", Text),
    Column("created_s", Double, nullable=False),
    Index("feedback_by_report", "report_id", "created_s"),
)

posts: Final = Table(
    "posts",
    META,
    Column("owner", String(16), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("made", String(32)),  # the job or report that came of it; None while it is under way
    Column("created_s", Double, nullable=False),
    Index("posts_by_time", "created_s"),
)

usage: Final = Table(
    "usage",
    META,
    Column("owner", String(16), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("files", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)

audit: Final = Table(
    "audit",
    META,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at_s", Double, nullable=False),
    Column("owner", String(16), nullable=False),
    Column("who", String(100), nullable=False),
    Column("action", String(32), nullable=False),
    Column("sha256", String(64)),
    Column("subject", String(32)),  # the report, job or key it was about
    Column("address", String(64)),
    Index("audit_by_hash", "sha256"),
    Index("audit_by_time", "at_s"),
)
