"""The run of one script: its options, its cache, its networks in the order of their first call, the report at its end."""

import atexit
import hashlib
import json
import os
import tempfile
import threading
import time
from pathlib import Path

from calotype.hook.cache import Cache
from calotype.hook.messages import is_users, say
from calotype.hook.options import Options
from calotype.hook.state import Network, Untouched

_lock = threading.RLock()
_session: "Session | None" = None
_unavailable = False


def current() -> "Session | None":
    """Made when the first network is met; None where the hook is off or calotype is not whole. Raises calotype.Error for
    an option that cannot be used."""
    global _session, _unavailable
    if _session is None and not _unavailable:
        with _lock:
            if _session is None and not _unavailable:
                _session = start()
                _unavailable = _session is None
    return _session


def start() -> "Session | None":
    try:
        from calotype import _core
    except ImportError as reason:
        say(f"calotype is not whole, the script runs untouched: {reason}")
        return None
    options = Options()
    if not options["VAISW_ENABLE_PYWRAPPER"]:
        return None
    try:
        return Session(options, _core)
    except OSError as reason:
        say(f"nothing can be written, the script runs untouched: {reason.strerror or reason}")
    except Exception as reason:  # our fault, or files of two versions
        if is_users(reason):
            raise
        say(f"calotype is not whole, the script runs untouched: {type(reason).__name__}: {reason}")
    return None


class Session:
    def __init__(self, options: Options, core):
        self.options = options
        self.core = core
        self.npu = core.npu_identity(options["VAISW_NPU"])  # name and fingerprint; refuses an unknown one
        self.networks: list[Network] = []
        self.notes: list[str] = []  # for the report: what ran untouched, and why
        self.lock = threading.RLock()
        self.began = time.time()
        self.tool = hash_of([Path(core.__file__), *sorted(Path(__file__).parent.glob("*.py"))])
        self.pid = os.getpid()
        self.set_folders()
        self.told = False
        core.before_termination(self.tell)
        atexit.register(self.report)
        os.register_at_fork(after_in_child=self.after_fork)

    def set_folders(self) -> None:
        wanted = self.options["VAISW_RUNSESSION_DIRECTORY"]
        self.folder = wanted
        self.snapshots = self.options["VAISW_SNAPSHOT_DIRECTORY"]
        reason = why_unwritable(wanted)
        if reason:
            self.folder = Path(tempfile.mkdtemp(prefix="vaisw-"))
            say(f"{wanted} cannot be written ({reason}): this run's networks are kept in {self.folder}")
            if self.snapshots == wanted / "snapshot":
                self.snapshots = self.folder / "snapshot"
        self.cache = Cache(self.folder / "networks", (wanted / "networks",) if reason else ())

    def key_of(self, source) -> str:
        """Of all that changes a snapshot, and of nothing else."""
        facts = {"network": source.key(), "npu": self.npu, "options": self.options.compiling(), "tool": self.tool}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def meet(self, source) -> Network:
        """The network of a source: the one met before where structure and weights are the same."""
        with self.lock:
            try:
                key = self.key_of(source)
            except self.core.Error as reason:
                raise Untouched(f"it cannot be read: {reason}")
            for network in self.networks:
                if network.key == key and network.accepts(source):
                    return network
            target = self.target(len(self.networks) + 1)
            self.core.check_target(str(target))  # before any work
            network = Network(self, source, key, target)
            self.networks.append(network)
            return network

    def target(self, number: int) -> Path:
        return self.snapshots if number == 1 else self.snapshots.with_name(f"{self.snapshots.name}.{number}")

    def note(self, text: str) -> None:
        """Something that runs untouched, said at once and again in the report."""
        with self.lock:
            if text not in self.notes:
                self.notes.append(text)
                say(text)

    def after_fork(self) -> None:
        self.core.before_termination(None)
        if any(network.seconds["compiling"] or network.found for network in self.networks):
            self.core.survive_fork([network.runner for network in self.networks if network.runner is not None])

    def tell(self) -> None:
        from calotype.hook import report

        told, self.told = self.told, True
        if not told:
            report.write(self)

    def report(self) -> None:
        if os.getpid() != self.pid:
            return  # a forked child: recordings, runners and the report are its parent's
        self.tell()
        self.core.before_termination(None)
        for network in self.networks:
            network.end()


def hash_of(files: list[Path]) -> str:
    whole = hashlib.sha256()
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def why_unwritable(folder: Path) -> str:
    """Empty where files can be made in it. Tried, not asked: root may write where permissions say no, and nobody may on
    a read-only disk."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as reason:
        return reason.strerror or str(reason)
