"""A child process that leaves stdout and Ctrl-C to its parent and ends with it, from its first moment on.

It is imported before anything that takes time to import.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from multiprocessing import connection

ORPHANED = 70  # exit status of a child whose parent is gone


def run_child(call: bytes, *arguments: object) -> None:
    """Prepare the process, then unpickle what to call, which may import for seconds, and call it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    os.dup2(sys.stderr.fileno(), 1)  # stdout is the parent's own, for one JSON object
    threading.Thread(target=_end_with_parent, name="parent watch", daemon=True).start()
    pickle.loads(call)(*arguments)


def _end_with_parent() -> None:
    """End this process at once when its parent has died, however it died."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # started by multiprocessing
    connection.wait([parent.sentinel])
    os._exit(ORPHANED)
