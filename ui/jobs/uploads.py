"""One file that a browser sends, in a folder of its own."""

import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from planwise.census.reader import FILE_BYTES_MAX, too_large
from planwise.errors import InputError, MachineError, machine_errors
from planwise.settings import Settings

NAME_MAX = 120  # characters of a file's name
LEFT_AFTER_SECONDS = 6 * 3600  # of a server that was killed, or of a browser that left during an import
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
RESERVE_BYTES = 2**28  # of the disk, which a file must leave


class Upload:
    """One file in a folder of its own, both for the server's account only; it arrives in pieces.

    Raises MachineError when it cannot be written, InputError when it is too large or empty.
    """

    def __init__(self, settings: Settings, name: str, size: int) -> None:
        if size > FILE_BYTES_MAX:
            raise too_large(plain_name(name), f"{size:,} bytes", f"{FILE_BYTES_MAX:,}")
        if size <= 0:
            raise InputError(
                f"{plain_name(name)} is empty.", remedy="Give a file with a header and one row per employee."
            )
        self.size, self._received = size, 0
        with machine_errors():
            settings.uploads_dir.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            _remove_left(settings.uploads_dir)
            if shutil.disk_usage(settings.uploads_dir).free < size + RESERVE_BYTES:
                raise MachineError(
                    f"The disk has no room for {size:,} bytes more.",
                    remedy="Free space on it, and try again.",
                )
            self.folder = settings.uploads_dir / secrets.token_hex(8)
            self.folder.mkdir(mode=PRIVATE_FOLDER)
            self.file = self.folder / plain_name(name)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            self._file = os.fdopen(os.open(self.file, flags, PRIVATE_FILE), "wb")

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.file.name

    @property
    def is_complete(self) -> bool:
        """Whether every byte has arrived."""
        return self._received >= self.size

    def add(self, piece: bytes) -> None:
        """Write the next piece; raises InputError for more than was announced."""
        self._received += len(piece)
        if not piece or self._received > self.size:
            raise InputError(f"{self.name} is not the file that was announced.", remedy="Choose it again.")
        with machine_errors():
            self._file.write(piece)
            if self.is_complete:
                self._file.close()

    def discard(self) -> None:
        """Remove the file and what was found in it; safe to call twice."""
        with suppress(OSError):
            self._file.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def plain_name(name: str) -> str:
    """Return a file name without folders and control characters, short, and not hidden."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in last if letter.isprintable()).strip().lstrip(".")
    stem, dot, ending = plain.rpartition(".")
    return (
        f"{stem[: NAME_MAX - len(ending) - 1]}.{ending}"
        if dot and len(ending) < 10
        else plain[:NAME_MAX] or "file"
    )


def _remove_left(folder: Path) -> None:
    for left in folder.iterdir():
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT_AFTER_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
