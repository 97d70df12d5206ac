"""A compressed archive of files, with the checksum of each: written and read as a stream.

It is `tar --zstd`; the last member, `backup.json`, lists the files, so that an archive that ends early is
known to be one.
"""

import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Literal, cast

import pyarrow as pa
from pydantic import BaseModel

from planwise.errors import DamagedStore, InputError
from planwise.storage import OWNER_ONLY, make_folder, replace_file

CONTENTS = "backup.json"
FORMAT = 1
COPY_BYTES = 1 << 20


class ArchiveContents(BaseModel):
    """What an archive holds: the SHA-256 of each file by name, and where the audit trail ended."""

    format: int
    made_at: datetime
    planwise: str
    head: str
    files: dict[str, str]  # SHA-256 by name


def write(
    output: Path,
    members: Mapping[str, Path],
    *,
    made_at: datetime,
    head: str,
    progress: Callable[[int, int], None],
) -> ArchiveContents:
    """Write an archive of files by name, those deleted meanwhile left out; an unfinished one is removed.

    `progress` gets the bytes that are done and those of all files.
    """
    sizes = {name: file.lstat().st_size for name, file in members.items() if file.exists()}
    total, done = max(sum(sizes.values()), 1), 0
    digests: dict[str, str] = {}
    with replace_file(output) as partial, _opened_archive(partial, "w|") as archive:
        for name, file in sorted(members.items()):
            with suppress(FileNotFoundError):
                digests[name] = _add(archive, name, file)
            done += sizes.get(name, 0)
            progress(done, total)
        contents = ArchiveContents(
            format=FORMAT, made_at=made_at, planwise=version("planwise"), head=head, files=digests
        )
        text = contents.model_dump_json(indent=1).encode()
        archive.addfile(_member(CONTENTS, len(text), made_at.timestamp()), io.BytesIO(text))
    return contents


@contextmanager
def _opened_archive(file: Path, mode: Literal["r|", "w|"]) -> Iterator[tarfile.TarFile]:
    """Open a compressed archive as a stream."""
    stream_of = pa.CompressedInputStream if mode == "r|" else pa.CompressedOutputStream
    with (
        stream_of(str(file), "zstd") as stream,
        tarfile.open(fileobj=cast(BinaryIO, stream), mode=mode, format=tarfile.PAX_FORMAT) as archive,
    ):
        yield archive


def _add(archive: tarfile.TarFile, name: str, file: Path) -> str:
    """Add a file with its length at this moment, or a link; return the SHA-256 of what was added."""
    if file.is_symlink():
        link = _member(name, 0, file.lstat().st_mtime)
        link.type, link.linkname = tarfile.SYMTYPE, str(file.readlink())
        archive.addfile(link)
        return sha256(link.linkname.encode()).hexdigest()
    with file.open("rb") as opened:
        state = os.fstat(opened.fileno())
        hashing = _HashingReader(opened, state.st_size)
        archive.addfile(_member(name, state.st_size, state.st_mtime), cast(BinaryIO, hashing))
        return hashing.digest.hexdigest()


def _member(name: str, size: int, changed: float) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, OWNER_ONLY, int(changed)
    return member


class _HashingReader:
    """Reads at most `size` bytes of a file, which may be growing, and hashes them."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left, self.digest = file, size, sha256()

    def read(self, size: int) -> bytes:
        block = self._file.read(min(size, self._left))
        self._left -= len(block)
        self.digest.update(block)
        return block


def read(file: Path, target: Path | None = None) -> ArchiveContents:
    """Read an archive, into a folder if one is given; raises DamagedStore unless it is whole."""
    found: dict[str, str] = {}
    contents = None
    try:
        with _opened_archive(file, "r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if member.name == CONTENTS and content is not None:
                    contents = ArchiveContents.model_validate_json(content.read())
                else:
                    found[member.name] = _extract(member, content, target)
    except FileNotFoundError as error:
        raise InputError(
            f"There is no file {file}.", remedy="Give an archive of `planwise backup`."
        ) from error
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise _damaged(file, str(error).splitlines()[0]) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise _damaged(file, str(error).splitlines()[0]) from error  # of the decompression
    if contents is None:
        raise _damaged(file, "it ends too early")
    if contents.format != FORMAT:
        raise InputError(
            f"{file} has format {contents.format}, this PlanWise reads {FORMAT}.",
            remedy=f"Use PlanWise {contents.planwise}, which wrote it.",
        )
    if found != contents.files:
        other = sorted(name for name, _ in found.items() ^ contents.files.items())
        raise _damaged(file, f"{other[0]} is not what was written")
    return contents


def _extract(member: tarfile.TarInfo, content: Any, target: Path | None) -> str:
    """Write one member below the folder, if one is given; return its SHA-256. Raises ValueError."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.issym()):
        raise ValueError(f"{member.name!r} is no file of a home")
    place = target / name if target is not None else None
    if place is not None:
        make_folder(place.parent)
    if member.issym():
        link = PurePosixPath(member.linkname)
        if link.is_absolute() or ".." in link.parts:
            raise ValueError(f"{member.name!r} leads out of the home")
        if place is not None:
            place.symlink_to(link)
        return sha256(member.linkname.encode()).hexdigest()
    digest = sha256()
    with _new_file(place) as output:
        while block := content.read(COPY_BYTES):
            digest.update(block)
            output.write(block)
    return digest.hexdigest()


@contextmanager
def _new_file(place: Path | None) -> Iterator[BinaryIO]:
    """Open a new file of its owner; without a place what is written is dropped."""
    if place is None:
        with open(os.devnull, "wb") as nowhere:
            yield nowhere
        return
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as output:
        yield output
        output.flush()
        os.fsync(output.fileno())


def _damaged(file: Path, why: str) -> DamagedStore:
    return DamagedStore(f"The backup {file} is damaged: {why.rstrip('.')}.", remedy="Use another backup.")
