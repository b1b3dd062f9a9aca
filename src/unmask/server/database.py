"""The store's connection: SQLite in the folder of data, or PostgreSQL by a URL; brought up to date when opened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from unmask.errors import MissingExtraError, UsageError

_READS: Final = "unmask_reads"
_LOCK: Final = 0x756E6D61  # of PostgreSQL, for who brings the tables up to date
_BUSY_S: Final = 30.0
Clock = Callable[[], float]


class Database:
    """Where all is kept but media.

    Args:
        url: For SQLAlchemy: sqlite or postgresql.

    Raises:
        UsageError: No such database can be opened.
    """

    def __init__(self, url: str, clock: Clock = time.time) -> None:
        self.clock = clock
        self.engine = _engine(url)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A look at the store that blocks nobody."""
        with self.engine.connect().execution_options(**{_READS: True}) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A change: all of it or, after an exception, none."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What the database refuses is told in a sentence, for those who sit at the command.

        Raises:
            UsageError: It cannot be reached, or is full.
        """
        try:
            yield
        except DBAPIError as error:
            reason = " ".join(str(error.orig).split())[:200]
            raise UsageError(f"the database {self._shown} cannot be used: {reason}") from error

    def upgrade(self) -> None:
        """Bring the tables up to date. Several processes may do so at once: one does, the others wait.

        Raises:
            UsageError: The database cannot be reached, or holds the tables of a newer unmask.
        """
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        try:
            with self.telling(), self.engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except CommandError as error:  # it names a step that we do not have
            newer = "was brought up to date by another version of unmask: use that one or a newer one"
            raise UsageError(f"the database {self._shown} {newer}") from error

    @property
    def _shown(self) -> str:
        return self.engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def insert_once(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless one with the same unique columns is there; whether it was inserted."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table).values(**row).on_conflict_do_nothing()
    return connection.execute(insert.returning(*table.primary_key.columns)).first() is not None


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise UsageError(f"a database of {parsed.get_backend_name()} is not supported: name SQLite or PostgreSQL")
        if parsed.get_backend_name() == "postgresql":
            return create_engine(parsed, pool_size=10, max_overflow=30, pool_pre_ping=True)
        engine = create_engine(parsed, connect_args={"timeout": _BUSY_S}, pool_size=10, max_overflow=60)
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError(f'"{url}" is no URL of a database, such as postgresql://user@host/name') from error
    except ModuleNotFoundError as error:
        raise MissingExtraError("keeping reports in PostgreSQL", "teams") from error
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _: ConnectionPoolEntry) -> None:
    """Readers beside one writer; a crash of this process loses nothing, one of the machine the last moments at most."""
    connection.isolation_level = None  # sqlite3 must not begin transactions by itself: `_begin` does
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={_BUSY_S * 1000:.0f}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Who will write says so at once: a reader who turns writer would fail instead of waiting."""
    reads = connection.get_execution_options().get(_READS)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
