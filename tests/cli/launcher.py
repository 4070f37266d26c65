"""Runs commands and measures them, one JSON line each: [[argument...], file size limit or null] in, [exit code, seconds,
peak bytes] out.

A program of its own because a child's peak memory begins at its parent's, and that of a test runner is large."""

import json
import os
import resource
import signal
import sys
import time


def run(arguments: list[str], file_bytes: int | None) -> tuple[int, float, int]:
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, -10)  # where allowed: wall time without what else runs here
        except PermissionError:
            pass
        if file_bytes is not None:  # a full disk for one process: writing past the limit fails as EFBIG
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        os.execv(arguments[0], arguments)
    _, status, used = os.wait4(child, 0)  # of this child alone
    return os.waitstatus_to_exitcode(status), time.monotonic() - start, used.ru_maxrss << 10


answers = os.fdopen(int(sys.argv[1]), "w")
for line in sys.stdin:
    print(json.dumps(run(*json.loads(line))), file=answers, flush=True)
