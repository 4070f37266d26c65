"""TensorFlow and Keras run untouched so far; one line at the end of the run says so."""

import atexit

from calotype.hook.guard import in_worker
from calotype.hook.messages import say_once


def attach(_framework) -> None:
    atexit.register(tell)


def tell() -> None:
    if not in_worker():
        say_once("TensorFlow and Keras are not built yet: their networks ran untouched")
