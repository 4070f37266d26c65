"""Lines for the user, on stderr: the script's own output stays as it is."""

import sys

_said: set[str] = set()


def say(text: str) -> None:
    if sys.stderr is None:  # as of a program without a terminal; print would take stdout
        return
    try:
        print("\n".join(f"[VAISW] {line}" for line in text.splitlines()), file=sys.stderr, flush=True)
    except Exception:  # a closed one, one of the script's own
        pass


def say_once(text: str) -> None:
    if text not in _said:
        _said.add(text)
        say(text)


LONGEST = 1000  # characters of a subject or fact, which may quote a file: as in the errors of the native part


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def user_error(code: str, subject: str, fact: str, hint: str = "") -> Exception:
    """A calotype.Error, in the form that all of its kind have."""
    from calotype import Error

    error = Error(f"{code}: {shortened(subject)}: {shortened(fact)}" + (f"\n  try: {hint}" if hint else ""))
    error.code = code
    return error


def is_users(reason: BaseException) -> bool:
    """Whether it is a calotype.Error: said to the user as it is. Anything else that happens in a hook is a fault of ours,
    which must not become the script's."""
    return type(reason).__name__ == "Error" and type(reason).__module__.startswith("calotype")
