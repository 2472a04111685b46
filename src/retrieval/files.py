"""Files of the index: arrays and JSON, written or mapped, and an error that names the file that is wrong.

Nothing is ever pickled.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.errors import BrokenIndexError

BUSY_SECONDS = 30
"""How long another process that writes the same SQLite file is waited for."""

REBUILD = "rebuild with: vraagbaak index"
"""How every message about the index ends."""


def broken(path: Path, found: str) -> BrokenIndexError:
    """The error for a file that is not what it should be."""
    return BrokenIndexError(f"{path}: {found}; {REBUILD}")


def unwritable(path: Path | str, found: str) -> BrokenIndexError:
    """The error for a file or folder that cannot be written."""
    return BrokenIndexError(f"{path}: cannot be written ({found}); make room or give access, then {REBUILD}")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system or SQLite says when writing at ``path`` fails into a BrokenIndexError."""
    try:
        yield
    except OSError as error:
        raise unwritable(error.filename or path, error.strerror or str(error)) from error
    except sqlite3.OperationalError as error:
        raise unwritable(path, str(error)) from error


def open_cache(path: Path, version: int, tables: str) -> sqlite3.Connection:
    """A SQLite file that may be lost, with these tables; one damaged or of another version is begun anew.

    ``tables`` makes each that is not there. Raises BrokenIndexError where it cannot be written.
    """
    with writing(path):
        for folder in (path.parent.parent, path.parent):  # what is in the way is named
            folder.mkdir(parents=True, exist_ok=True)
        try:
            return _connected(path, version, tables)
        except sqlite3.OperationalError:  # there is no writing here, a new file would not help
            raise
        except sqlite3.DatabaseError:
            discard_cache(path)
            return _connected(path, version, tables)


def discard_cache(path: Path) -> None:
    """Delete such a file. Raises BrokenIndexError where that is not allowed."""
    with writing(path):
        path.unlink(missing_ok=True)
        # SQLite would play the journal of the damaged file back into the new one
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)


def _connected(path: Path, version: int, tables: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
    try:
        ((found,),) = connection.execute("PRAGMA user_version").fetchall()
        if found not in (0, version):
            raise sqlite3.DatabaseError(f"version {found}")
        connection.executescript(tables)
        if found == 0:
            connection.execute(f"PRAGMA user_version = {version}")
            connection.commit()
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``. Raises BrokenIndexError where there is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise broken(path, f"cannot be read ({error.strerror})") from error
    except ValueError as error:  # not JSON, or not UTF-8
        raise broken(path, f"not JSON ({error})") from error
    if not isinstance(content, dict):
        raise broken(path, f"found a JSON {type(content).__name__}, expected an object")
    return content


def write_array(
    path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike, parts: Iterable[npt.NDArray[Any]]
) -> None:
    """Write ``parts``, which together are an array of ``shape``, one after the other.

    Not through a memory map, where a full disk would end the process by a signal.
    Raises BrokenIndexError where the file cannot be written whole.
    """
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    with writing(path), path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype=dtype).tobytes())


def map_array(path: Path) -> npt.NDArray[Any]:
    """The array in ``path``, whose pages are read from disk when they are used.

    Raises BrokenIndexError where the file is missing, damaged or holds something else.
    """
    try:
        # a plain view: np.memmap itself is slow to index
        return np.asarray(np.lib.format.open_memmap(path, mode="r"))
    except OSError as error:
        raise broken(path, f"cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise broken(path, f"not a whole array ({error})") from error


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def replace_text(path: Path, text: str) -> None:
    """Put ``text`` in the file ``path``, whole or not at all; an OSError where it cannot be written."""
    aside = path.with_name(f"{path.name}.new")
    aside.write_text(text, "utf-8")
    sync(aside)
    aside.replace(path)
    sync(path.absolute().parent)


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
