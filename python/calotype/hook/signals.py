"""What the script's own signal handlers raise while calotype works, Ctrl-C among it: the script's, and no failure of ours."""

import signal
import threading


class Heard:
    """Keeps what handlers raise within: exporters have places that swallow any exception. Outside of the main thread Python
    calls no handler."""

    def __init__(self):
        self.raised: BaseException | None = None
        self.former: dict = {}
        self.hearing: dict = {}  # what stands there meanwhile

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self.former = handlers()
            for number, handler in self.former.items():
                self.hearing[number] = self.heard(handler)
                signal.signal(number, self.hearing[number])
        return self

    def __exit__(self, *_):
        for number, handler in self.former.items():
            if signal.getsignal(number) is self.hearing[number]:  # the script's own may have put another there
                signal.signal(number, handler)

    def heard(self, handler):
        def handle(number, frame):
            try:
                handler(number, frame)
            except BaseException as reason:
                self.raised = reason
                raise

        return handle


def handlers() -> dict:
    """Those in Python, by signal."""
    found = {number: signal.getsignal(number) for number in signal.valid_signals()}
    return {number: handler for number, handler in found.items() if callable(handler)}


def raised_by_handler(reason: BaseException) -> bool:
    codes = {getattr(handler, "__code__", None) for handler in handlers().values()} - {None}
    traceback = reason.__traceback__
    while traceback is not None and traceback.tb_frame.f_code not in codes:
        traceback = traceback.tb_next
    return traceback is not None
