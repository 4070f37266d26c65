"""Who may answer for a network: one hook at a time in a thread, and none in a worker process."""

import os
import sys
import threading


class Inside(threading.local):
    """Whether this thread is within a network, or within calotype itself: what runs then is part of that."""

    busy = 0  # how deep

    def __enter__(self):
        self.busy += 1

    def __exit__(self, *_):
        self.busy -= 1


inside = Inside()
_main_process = os.getpid()


def in_worker() -> bool:
    """In a process that the script made for a part of its work: data loading, a pool. Forked ones have another id than
    the process that loaded this file, spawned ones have a parent that multiprocessing knows."""
    if os.getpid() != _main_process:
        return True
    multiprocessing = sys.modules.get("multiprocessing.process")
    return multiprocessing is not None and multiprocessing.parent_process() is not None
