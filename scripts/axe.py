"""The accessibility rules (axe-core, from npm): one pinned version, checked by its hash, kept in a cache."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = "4.14.1"
INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
CACHE = ROOT / ".cache" / "axe"  # git ignores it
FILE = CACHE / f"axe-core-{VERSION}.tgz"
MEMBER = "package/axe.min.js"
FETCH_SECONDS = 120
HOW = (
    f"The accessibility tests need axe-core {VERSION} from npm. Install npm (Debian: sudo apt-get install "
    f"npm) where a registry can be reached and run again, or put the package's archive at {FILE}."
)


class AxeError(Exception):
    """The rules cannot be had, or are not the pinned ones; the text says what to do."""


def axe_script() -> str:
    """Return the script's text; fetches the package when it is not there yet. Raises AxeError."""
    if not FILE.exists():
        _fetch()
    _check(FILE)
    with tarfile.open(FILE) as archive:
        member = archive.extractfile(MEMBER)
        if member is None:
            raise AxeError(f"{FILE} has no {MEMBER}. Delete it and run again.")
        return member.read().decode()


def _fetch() -> None:
    npm = _npm()
    if npm is None:
        raise AxeError(HOW)
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        options = ["--json", "--ignore-scripts", "--pack-destination", folder]
        command = [npm, "pack", f"axe-core@{VERSION}", *options]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise AxeError(f"npm did not answer within {FETCH_SECONDS} s. {HOW}") from error
        packed = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(packed) != 1:
            raise AxeError(f"npm could not get axe-core: {_reason(done.stdout, done.stderr)}\n{HOW}")
        _check(packed[0])
        packed[0].replace(FILE)


def _npm() -> str | None:
    """Return npm; as root on Debian, install it when it is missing."""
    if shutil.which("npm") is None and shutil.which("apt-get") and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "npm"]):
            subprocess.run(["apt-get", *command], stdout=subprocess.DEVNULL, env=environment)
    return shutil.which("npm")


def _check(file: Path) -> None:
    found = "sha512-" + base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        raise AxeError(
            f"{file} is not axe-core {VERSION}: its hash is {found}, pinned is {INTEGRITY}. "
            "Delete it and run again."
        )


def _reason(answer: str, told: str) -> str:
    try:
        return str(json.loads(answer)["error"]["summary"])
    except (ValueError, KeyError, TypeError):
        return told.strip() or "no reason given"
