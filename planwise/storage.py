"""Files that survive a crash: atomic writes, folders published whole, file locks.

Content is first written to a partial file (`*.part`) in the same folder, flushed to the disk, then renamed,
so a reader sees the old content or the new one. A killed process leaves only a partial file behind.
"""

import fcntl
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from planwise.errors import Busy

PARTIAL = ".part"
LOCK_POLL_SECONDS = 0.1
OWNER_ONLY, OWNER_ONLY_FOLDER = 0o600, 0o700  # pay is secret on the machine


@contextmanager
def replace_file(file: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a partial file to write to; it replaces `file` when the block ends without an error.

    Only its owner can read it, from the first byte on. Without `durable` the content is not
    flushed to the disk: for files that are not needed after a crash of the machine.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial_path(file)
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
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial_path(file)
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
    partial = _partial_path(folder)
    partial.parent.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    partial.mkdir(mode=OWNER_ONLY_FOLDER)
    try:
        yield partial
        for file in partial.iterdir():
            file.chmod(OWNER_ONLY)
            _flush(file)
        _flush(partial)
        if folder.exists():
            for file in partial.iterdir():
                os.replace(file, folder / file.name)
        else:
            os.rename(partial, folder)
    except OSError as error:
        raise _naming(error, folder) from error.__cause__
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def replace_link(link: Path, target: Path) -> None:
    """Point a symbolic link to another folder, atomically."""
    partial = _partial_path(link)
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


def list_partial(folder: Path) -> tuple[Path, ...]:
    """Return the partial files and folders in a folder, sorted."""
    return tuple(sorted(folder.glob(f"*{PARTIAL}")))


def remove_partial(folder: Path, *, older_than_seconds: float = 0.0) -> tuple[Path, ...]:
    """Remove partial files and folders that no living process writes; return what was removed.

    The caller knows that no other process writes in the folder, or gives an age that no write reaches.
    """
    removed = []
    for path in list_partial(folder):
        with suppress(FileNotFoundError):  # another process removed it, or has just completed it
            if time.time() - path.lstat().st_mtime < older_than_seconds:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
            removed.append(path)
    return tuple(removed)


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

    file.parent.mkdir(parents=True, exist_ok=True)
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


def _partial_path(path: Path) -> Path:
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
