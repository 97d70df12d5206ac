"""Files that survive a crash: atomic writes, folders published whole, file locks.

Content is first written to a partial file (`*.part`) in the same folder, flushed to the disk, then renamed,
so a reader sees the old content or the new one. A killed process leaves only a partial file behind.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from planwise.errors import Busy, DamagedStore, InputError, PlanWiseError, machine_error

Item = TypeVar("Item")
PARTIAL = ".part"
LOCK_POLL_SECONDS = 0.1
OWNER_ONLY, OWNER_ONLY_FOLDER = 0o600, 0o700  # pay is secret on the machine
REASONS = 3  # of a file with the wrong form
AWAY = "Move it away, then run the command again."
MEGABYTE = 1e6


@contextmanager
def replace_file(file: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a partial file to write to; it replaces `file` when the block ends without an error.

    Only its owner can read it, from the first byte on. Without `durable` the content is not
    flushed to the disk: for files that are not needed after a crash of the machine.
    """
    make_folder(file.parent)
    require_no_folder(file)
    partial = partial_path(file)
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
        yield partial
        if durable:
            _flush(partial)
        os.replace(partial, file)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink()
        raise _naming(error, file) from error.__cause__


def write_bytes(file: Path, content: bytes) -> None:
    """Replace a file's content atomically."""
    with replace_file(file) as partial:
        partial.write_bytes(content)


def write_text(file: Path, content: str) -> None:
    """Replace a file's content atomically by UTF-8 text."""
    write_bytes(file, content.encode())


def write_json(file: Path, content: object, *, indent: int | None = None, allow_nan: bool = True) -> None:
    """Replace a file's content atomically by JSON; raises ValueError for NaN where `allow_nan` is false."""
    text = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=allow_nan)
    write_text(file, text + "\n")


def create_file(file: Path, content: bytes) -> bool:
    """Create a file of its owner that does not exist yet, complete from its first moment.

    Return whether it was created. When two processes create the same file, one gets False and the other's
    file stays.
    """
    make_folder(file.parent)
    partial = partial_path(file)
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as opened:
            opened.write(content)
        _flush(partial)
        os.link(partial, file)
    except FileExistsError:
        return False
    finally:
        partial.unlink(missing_ok=True)
    return True


@contextmanager
def publish_folder(folder: Path) -> Iterator[Path]:
    """Yield a partial folder to fill; it becomes `folder` when the block ends without an error.

    When `folder` exists already, its files are replaced one by one.
    """
    make_folder(folder.parent)
    if folder.exists() and not folder.is_dir():
        raise DamagedStore(f"{folder} cannot be written: it is no folder.", remedy=AWAY)
    partial = partial_path(folder)
    partial.mkdir(mode=OWNER_ONLY_FOLDER)
    try:
        yield partial
        for file in partial.iterdir():
            file.chmod(OWNER_ONLY)
            _flush(file)
        _flush(partial)
        if folder.exists():
            for file in partial.iterdir():
                require_no_folder(folder / file.name)
            for file in partial.iterdir():
                os.replace(file, folder / file.name)
        else:
            os.rename(partial, folder)
    except OSError as error:
        raise _naming(error, folder) from error.__cause__
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Create a folder with its parents; raises DamagedStore when a file is in its place."""
    try:
        folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise DamagedStore(
            f"{folder} cannot be written: {error.filename} is no folder.", remedy=AWAY
        ) from error


def require_no_folder(file: Path) -> None:
    """Raise DamagedStore when a folder is in the place of a file that is to be written."""
    if file.is_dir():
        raise DamagedStore(f"{file} cannot be written: it is a folder.", remedy=AWAY)


def replace_link(link: Path, target: Path) -> None:
    """Point a symbolic link to another folder, atomically."""
    partial = partial_path(link)
    partial.symlink_to(target, target_is_directory=True)
    try:
        os.replace(partial, link)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        raise _naming(error, link) from error.__cause__


def move(source: Path, target: Path) -> None:
    """Rename a file or folder within one file system; a file of that name is replaced."""
    os.replace(source, target)


def is_partial(path: Path) -> bool:
    """Return whether a file or folder is not completely written."""
    return path.suffix == PARTIAL


def list_partial(folder: Path, *, older_than_seconds: float = 0.0) -> tuple[Path, ...]:
    """Return the partial files and folders in a folder that are old enough, sorted."""
    found = []
    for path in sorted(folder.glob(f"*{PARTIAL}")):
        with suppress(FileNotFoundError):  # another process removed it, or has just completed it
            if time.time() - path.lstat().st_mtime >= older_than_seconds:
                found.append(path)
    return tuple(found)


def remove_partial(folder: Path, *, older_than_seconds: float = 0.0) -> tuple[Path, ...]:
    """Remove partial files and folders that no living process writes; return what was removed.

    The caller knows that no other process writes in the folder, or gives an age that no write reaches.
    """
    removed = []
    for path in list_partial(folder, older_than_seconds=older_than_seconds):
        with suppress(OSError):  # another process has just completed it; what cannot go is listed again
            remove(path)
            removed.append(path)
    return tuple(removed)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it; raises OSError for what stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


# What libraries raise for content that is not what was written.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, NotImplementedError)


@contextmanager
def reading(store: str, file: Path, remedy: str, *also: type[Exception]) -> Iterator[None]:
    """Raise DamagedStore, naming store and file, in place of errors about a file that is not as written.

    `also` are further classes of errors, of the library that reads it.
    """
    unreadable: tuple[type[Exception], ...] = (*UNREADABLE, *also)
    try:
        yield
    except PlanWiseError:
        raise
    except unreadable as error:
        misplaced = isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError)
        if isinstance(error, OSError) and not misplaced and (fault := machine_error(error)) is not None:
            raise fault from error
        first = f"Move {file} away. " if isinstance(error, IsADirectoryError | NotADirectoryError) else ""
        raise DamagedStore(
            f"{store} is damaged: {file}: {_reason(error).rstrip('.')}.", remedy=first + remedy
        ) from error


def read_object(file: Path, store: str, remedy: str, form: type[BaseModel] | None = None) -> dict[str, Any]:
    """Return the JSON object in a file; raises DamagedStore unless there is one, of that form if given."""
    with reading(store, file, remedy):
        content = file.read_bytes()
        found = json.loads(content)
        if not isinstance(found, dict):
            raise TypeError("it holds no JSON object")
        if form is not None:
            form.model_validate_json(content, strict=True)
    return found


def read_each(
    names: Iterable[str], read: Callable[[str], Item]
) -> tuple[tuple[Item, ...], tuple[DamagedStore, ...]]:
    """Return what can be read, and the errors of what is damaged, which hides no other."""
    found, damaged = [], []
    for name in names:
        try:
            found.append(read(name))
        except DamagedStore as error:
            damaged.append(error)
    return tuple(found), tuple(damaged)


def require_content(file: Path, sha256: str | None) -> None:
    """Raise ValueError unless a file has the content that was written; None only requires a file."""
    if sha256 is None:
        file.open("rb").close()
    elif digest(file) != sha256:
        raise ValueError("its content is not what was written")


@lru_cache(maxsize=4096)
def _digest(file: Path, _stamp: tuple[int, int, int]) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def digest(file: Path) -> str:
    """Return the SHA-256 of a file's content; computed once while the file does not change."""
    state = file.stat()
    return _digest(file, (state.st_ino, state.st_mtime_ns, state.st_size))


def digest_of_files(files: Iterable[Path]) -> str:
    """Return the SHA-256 of the names and contents of files, whatever their order."""
    found = hashlib.sha256()
    for file in sorted(files):
        found.update(file.name.encode() + file.read_bytes())
    return found.hexdigest()


def _reason(error: Exception) -> str:
    """Say in one line what is wrong, without the values that were found: they may be pay."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:REASONS])
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def sizes_mb(folder: Path) -> dict[str, float]:
    """Return the MB (10^6 bytes) of every file and folder in a folder, largest first, but for small ones."""
    sizes = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        size = sum(map(_bytes, (path, *path.rglob("*"))))
        if size >= MEGABYTE / 20:
            sizes[path.name] = round(size / MEGABYTE, 1)
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def _bytes(path: Path) -> int:
    try:
        return 0 if path.is_dir() else path.lstat().st_size
    except OSError:  # removed in between
        return 0


@dataclass(frozen=True)
class LockHolder:
    """The process that holds a lock: its purpose, the flow run it belongs to, and since when (UTC)."""

    pid: int
    purpose: str
    flow_run: str | None
    since: str

    def __str__(self) -> str:
        run = f", flow run {self.flow_run}" if self.flow_run else ""
        return f"process {self.pid} ({self.purpose}{run}), since {self.since}"


def print_wait(message: str) -> None:
    """Print on standard error that a lock is waited for."""
    print(message, file=sys.stderr)  # noqa: T201


@contextmanager
def hold_lock(
    file: Path,
    purpose: str,
    *,
    timeout_seconds: float,
    resource: str = "warehouse",
    remedy: str = "Wait for it to end, stop it, or raise PLANWISE_LOCK_TIMEOUT_SECONDS.",
    flow_run: str | None = None,
    on_wait: Callable[[str], None] | None = print_wait,
) -> Iterator[LockHolder]:
    """Hold a file lock while the block runs, and write into the file which process holds it.

    `on_wait` is called once per holder that is waited for. Raises Busy, naming the holder, after
    `timeout_seconds`. The kernel releases the lock when the process ends, so there are no stale locks.
    """
    from filelock import FileLock, Timeout  # takes 30 ms to import, which most commands do not need

    reported = ""

    def report_holder() -> bool:
        nonlocal reported
        holder = read_lock_holder(file)
        if on_wait and holder != reported:
            on_wait(f"Waiting for the {resource}: held by {holder}.")
            reported = holder
        return False

    make_folder(file.parent)
    require_no_folder(file)
    descriptors: list[int] = []
    lock = FileLock(
        file,
        mode=OWNER_ONLY,
        thread_local=False,
        fallback_to_soft=False,  # a soft lock outlives a killed process
        on_acquired=descriptors.append,
    )
    try:
        lock.acquire(
            timeout=timeout_seconds,
            poll_interval=LOCK_POLL_SECONDS,
            cancel_check=report_holder if timeout_seconds > 0 else None,
        )
    except Timeout:
        raise Busy(
            f"The {resource} is held by {read_lock_holder(file)}; waited {timeout_seconds:.0f} s.",
            remedy=remedy,
        ) from None
    try:
        (descriptor,) = descriptors  # the path may lead to another file once the block has removed it
        holder = LockHolder(os.getpid(), purpose, flow_run, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(holder)).encode(), 0)
        try:
            yield holder
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        lock.release()


def is_locked(file: Path) -> bool:
    """Return whether a living process holds the lock; never waits and never creates the file.

    The check takes a shared lock for a moment, so that two checks at the same time do not see each other.
    """
    with suppress(FileNotFoundError), file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def read_lock_holder(file: Path) -> str:
    """Describe the process that holds a lock."""
    with suppress(OSError, ValueError, TypeError):
        noted: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return str(LockHolder(**noted))
    return "another process"


def partial_path(path: Path) -> Path:
    """Return the name of a new partial file or folder beside a path; `maintain` removes old ones."""
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}{PARTIAL}")


def _naming(error: BaseException, path: Path) -> BaseException:
    """Return an error with the path in it; a full disk's error, raised by a write, names none."""
    if isinstance(error, OSError) and error.errno is not None and error.filename is None:
        error.filename = str(path)
    return error


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


OTHERS = 0o077  # the rights of other accounts of the machine
# What PlanWise writes: the folder of a home may have other files, which are not its own.
OWN_PARTS = (
    *("auth", "backups", "cache", "censuses", "imports", "jobs", "learning", "logs"),
    *("prefect", "published", "rates", "studies", "sweeps", "workers"),
    *("warehouse.*", "ledger.sqlite*", "identity.key", "*.lock", ".env", "*.part"),
)


def loose_files(root: Path) -> tuple[Path, ...]:
    """Return the home and the files and folders of PlanWise in it that other accounts may use; no links."""
    own = [path for pattern in OWN_PARTS for path in sorted(root.glob(pattern))]
    if not own:
        return ()
    inside = [path for folder in own if folder.is_dir() for path in sorted(folder.rglob("*"))]
    every = (path for path in (root, *own, *inside) if not path.is_symlink())
    return tuple(path for path in every if path.stat().st_mode & OTHERS)


def make_private(root: Path) -> tuple[Path, ...]:
    """Take the rights of other accounts away; return the changed paths. Raises InputError if it cannot."""
    changed = loose_files(root)
    try:
        for path in changed:
            path.chmod(path.stat().st_mode & ~OTHERS & 0o7777)
    except OSError as error:
        raise InputError(
            f"The mode of {error.filename} cannot be changed: {error.strerror}.",
            remedy="Run the command as its owner, or change the owner.",
        ) from error
    return changed
