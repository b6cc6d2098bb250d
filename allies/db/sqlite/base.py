"""The database backend. Use it with ENGINE = "allies.db.sqlite"."""

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.backends.sqlite3.features import DatabaseFeatures
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property

from allies.db.sqlite.database_file import DatabaseFile, DatabaseFileError, database_file, is_damage


class ErrorWrapper(DatabaseErrorWrapper):
    """Raise DatabaseFileError if SQLite finds damage, and stop further writes to the file."""

    wrapper: "DatabaseWrapper"

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if is_damage(exc_value) and (file := self.wrapper.file):
            raise DatabaseFileError(file.fail(f"is damaged ({exc_value})")) from exc_value
        super().__exit__(exc_type, exc_value, traceback)


class Features(DatabaseFeatures):
    """Features of SQLite, set here because Django's system checks would open a connection.

    Before the first `migrate` there is no file to open.
    """

    supports_json_field = True  # since SQLite 3.38


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, which refuses to work on a file that is not the one it opened.

    Only ``prepare_database`` creates a file, and so only ``manage.py migrate``. Otherwise a site
    whose file was removed would continue with an empty one.
    """

    features_class = Features

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: The file that the open connection uses.
        self._opened: DatabaseFile | None = None

    @cached_property
    def wrap_database_errors(self) -> Any:
        return ErrorWrapper(self)

    @property
    def path(self) -> Path | None:
        """The file's path; None for a database in memory or one given as a ``file:`` URI."""
        name = self.settings_dict["NAME"]
        if self.is_in_memory_db() or str(name).startswith("file:"):
            return None
        return Path(name).absolute()

    @property
    def file(self) -> DatabaseFile | None:
        """The file as this process opened it. Raises DatabaseFileError if there is none."""
        return database_file(self.path) if self.path else None

    def file_problem(self) -> str:
        """Return a description of what is wrong with the file or its pages, "" if nothing is."""
        try:
            return self.file.examine() if self.file else ""
        except DatabaseFileError as error:
            return str(error)

    def prepare_database(self) -> None:
        """Create the file if there is none, readable by its owner only."""
        super().prepare_database()
        if self.path and not self.path.exists():
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    def get_connection_params(self) -> dict[str, object]:
        params: dict[str, object] = super().get_connection_params()
        if self.path:
            params["database"] = f"{self.path.as_uri()}?mode=rw"
        return params

    def get_new_connection(self, conn_params: dict[str, object]) -> Any:
        self._opened = self.file
        if self._opened is None:
            return super().get_new_connection(conn_params)
        self._opened.require()
        self._opened.require_side_files()
        return super().get_new_connection(conn_params)

    def ensure_connection(self) -> None:
        if self.connection is not None and not self.in_atomic_block:
            try:
                self._require_file(read_header=False)
            except DatabaseFileError:
                self.close()
                raise
        super().ensure_connection()

    def close_if_unusable_or_obsolete(self) -> None:
        # Between requests nothing handles an error. The connection is already closed by then.
        with suppress(DatabaseFileError):
            super().close_if_unusable_or_obsolete()

    def _commit(self) -> None:
        if self.connection is not None:
            self._require_file(read_header=True)
        super()._commit()  # type: ignore[misc]

    def _require_file(self, *, read_header: bool) -> None:
        """Raise DatabaseFileError if writes on this connection would be lost."""
        if self._opened is None:
            return
        self._opened.require(read_header=read_header)
        self._opened.require_side_files()
