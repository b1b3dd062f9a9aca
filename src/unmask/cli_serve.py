"""The verbs of the server: `serve`, `worker`, `keys`, `audit-log`. `cli` adds them to the command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unmask.errors import MissingExtraError
from unmask.wording import visible

if TYPE_CHECKING:
    from unmask.server.database import Database
    from unmask.server.settings import Settings

keys_app = typer.Typer(
    help="API keys: who may use a server that others can reach.", no_args_is_help=True, rich_markup_mode=None
)

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="FOLDER", envvar="UNMASK_DATA", help="Where media and, by default, all else lies."),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", envvar="UNMASK_DATABASE", help="PostgreSQL; SQLite in the folder else."),
]
QueueUrl = Annotated[
    str | None,
    typer.Option("--queue", metavar="URL", envvar="UNMASK_QUEUE", help="Redis; SQLite in the folder else."),
]
ModelNames = Annotated[
    list[str] | None,
    typer.Option("--models", metavar="NAME_OR_FOLDER", help="As for scan. All shipped ones by default."),
]
KeepDays = Annotated[
    float,
    typer.Option(metavar="DAYS", min=0, envvar="UNMASK_KEEP_DAYS", help="Media are removed then; 0 keeps them."),
]
MemoryMb = Annotated[int, typer.Option(metavar="MB", min=1500, help="Address space of a process that opens files.")]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(serve)
    app.command()(worker)
    app.command("audit-log")(audit_log)
    app.add_typer(keys_app, name="keys")


def serve(
    host: Annotated[str, typer.Option(envvar="UNMASK_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, envvar="UNMASK_PORT", help="0 takes a free one.")] = 8000,
    data: Data = None,
    database: DatabaseUrl = None,
    queue: QueueUrl = None,
    models: ModelNames = None,
    keep_days: KeepDays = 30,
    public_name: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", envvar="UNMASK_PUBLIC_NAME", help="Of this server behind a proxy. Repeatable."),
    ] = None,
    require_keys: Annotated[bool, typer.Option("--require-keys", help="Ask for a key on this machine, too.")] = False,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Start no worker beside the server: `unmask worker` runs elsewhere.")
    ] = False,
    memory_mb: MemoryMb = 6000,
) -> None:
    """Serve a page to drop a file on, and an API to build on. Nothing to set up; stop it with Ctrl-C.

    Only this machine can reach it. With another --host, or behind a proxy, it wants API keys: see `unmask keys add`.
    """
    with _extra():
        from unmask.server import serving
        from unmask.server.settings import Settings
    settings = Settings(
        **_where(data, database, queue),
        host=host,
        port=port,
        public_names=tuple(public_name or ()),
        require_keys=require_keys,
        models=tuple(models or ()),
        keep_days=keep_days,
        memory_bytes=memory_mb * 10**6,
    )

    def started(address: str) -> None:
        print(f"unmask serves on {address}  (the API is described on {address}api)", file=sys.stderr)
        print(f"media and reports lie in {visible(str(settings.folder))}", file=sys.stderr)

    serving.serve(settings, started, with_worker=not no_worker)


def worker(
    data: Data = None,
    database: DatabaseUrl = None,
    queue: QueueUrl = None,
    models: ModelNames = None,
    keep_days: KeepDays = 30,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs in hand at a time; each takes about 700 MB.")] = 1,
    memory_mb: MemoryMb = 6000,
) -> None:
    """Take jobs from a server's queue and judge their files, on this machine or another.

    Database, queue and folder must be those of the server: PostgreSQL, Redis and a shared folder between machines.
    """
    with _extra():
        from unmask.server.settings import Settings
        from unmask.server.worker import Worker
    settings = Settings(
        **_where(data, database, queue),
        models=tuple(models or ()),
        keep_days=keep_days,
        workers=jobs,
        memory_bytes=memory_mb * 10**6,
    )
    found = Worker(settings)
    print("unmask worker waits for jobs", file=sys.stderr)
    found.run()


@keys_app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Whose it is: a person or a program.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="scan, read, feedback, delete, metrics or all. Repeatable; the first four by default."),
    ] = None,
    per_minute: Annotated[int | None, typer.Option(min=1, help="Most requests a minute.")] = None,
    files_per_day: Annotated[int | None, typer.Option(min=1, help="Most files a day.")] = None,
    mb_per_day: Annotated[int | None, typer.Option(min=1, help="Most 10^6 bytes a day.")] = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Make an API key and print it, once: only its hash is kept."""
    with _opened(data, database) as store, store.writing() as connection:
        from unmask.server import keys

        scopes = tuple(scope) if scope else keys.USUAL
        size = mb_per_day * 10**6 if mb_per_day else None
        made = keys.add(connection, name, store.clock(), scopes, per_minute, files_per_day, size)
    print(made)  # not before it is stored: nobody shall note down a key that never was


@keys_app.command("list")
def list_keys(data: Data = None, database: DatabaseUrl = None) -> None:
    """List keys, without their secrets."""
    with _opened(data, database) as store, store.reading() as connection:
        from unmask.server import keys

        for key in keys.listed(connection):
            state = "revoked" if key.revoked_s else "valid"
            limits = [
                f"{value:,} {what}"
                for value, what in (
                    (key.per_minute, "requests a minute"),
                    (key.files_per_day, "files a day"),
                    (key.bytes_per_day, "bytes a day"),
                )
                if value is not None
            ]
            made = _day(key.created_s)
            print(visible(f"{key.id}  {state:<7}  {made}  {key.name}: {', '.join(sorted(key.scopes) + limits)}"))


@keys_app.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `unmask keys list` shows it.")],
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """End a key at once, with all sessions that were opened by it."""
    with _opened(data, database) as store, store.writing() as connection:
        from unmask.server import keys

        keys.revoke(connection, key_id, store.clock())


def audit_log(
    sha256: Annotated[str | None, typer.Option(help="Only what was done with this file.")] = None,
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Print who scanned, judged, deleted which file and when, as lines of JSON."""
    import json

    with _opened(data, database) as store, store.reading() as connection:
        from unmask.server import audit_log as log

        for row in log.read(connection, sha256):
            said = dict(row._mapping)
            said["at"] = datetime.fromtimestamp(said.pop("at_s"), UTC).isoformat(timespec="milliseconds")
            print(json.dumps(said))


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "unmask":
            raise
        raise MissingExtraError("serving", "server") from error


def _where(data: Path | None, database: str | None, queue: str | None) -> dict[str, Any]:
    from unmask.server.settings import default_folder

    folder = data.expanduser().absolute() if data else default_folder()
    return {"folder": folder, "database": database, "queue": queue}


@contextmanager
def _opened(data: Path | None, database: str | None) -> Iterator[Database]:
    """The store, brought up to date."""
    with _extra():
        from unmask.server.database import Database
        from unmask.server.settings import Settings
    settings: Settings = Settings(**_where(data, database, None))
    settings.prepare_folder()
    store = Database(settings.database_url)
    try:
        store.upgrade()
        with store.telling():
            yield store
    finally:
        store.close()


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
