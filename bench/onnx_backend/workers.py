"""A pool of processes that survives a case that kills or hangs one of them, and says which case it was."""

import dataclasses
import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

from bench.onnx_backend.cases import Case
from bench.onnx_backend.run_case import Outcome, run_case

FORK = multiprocessing.get_context("fork")  # the cases hold closures, and making them takes seconds


@dataclasses.dataclass
class Worker:
    process: multiprocessing.Process
    pipe: Connection
    case: int = -1  # idle
    phase: str = ""
    since: float = 0


def _serve(cases: list[Case], npu: str, pipe: Connection) -> None:
    while True:
        index = pipe.recv()
        if index is None:
            return
        try:
            outcome = run_case(cases[index], npu, lambda text: pipe.send(("phase", text)))
        except Exception as error:  # not a calotype.Error: an error of this program or of the module
            outcome = Outcome(cases[index].group, cases[index].name, "crashed", f"{type(error).__name__}: {error}")
        pipe.send(("done", outcome))


def _start(cases: list[Case], npu: str) -> Worker:
    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=_serve, args=(cases, npu, theirs), daemon=True)
    process.start()
    theirs.close()
    return Worker(process, ours)


def _end(worker: Worker, case: Case, verdict: str, cause: str) -> Outcome:
    worker.process.kill()
    worker.process.join()
    code = worker.process.exitcode
    if verdict == "crashed":
        cause = f"{signal.Signals(-code).name if code < 0 else f'exit {code}'} in {cause}"
    if cause.endswith("ONNX Runtime's own run"):
        return Outcome(case.group, case.name, "refused", f"not tried: {cause}", f"{verdict}: {cause}")
    return Outcome(case.group, case.name, verdict, cause)


def run_all(cases: list[Case], npu: str, jobs: int, seconds: float, report: Callable[[Outcome], None]) -> None:
    """Runs every case in one of `jobs` processes, each at most `seconds`; `report` gets the outcomes as they come."""
    waiting = list(range(len(cases)))[::-1]
    workers = [_start(cases, npu) for _ in range(min(jobs, len(cases)))]
    while waiting or any(worker.case >= 0 for worker in workers):
        for worker in workers:
            if worker.case < 0 and waiting:
                worker.case, worker.phase, worker.since = waiting.pop(), "start", time.monotonic()
                worker.pipe.send(worker.case)
        ready = wait([worker.pipe for worker in workers if worker.case >= 0], timeout=1)
        for place, worker in enumerate(workers):
            if worker.case < 0:
                continue
            ended = None
            try:
                if worker.pipe in ready:
                    kind, what = worker.pipe.recv()
                    if kind == "phase":
                        worker.phase = what
                    else:
                        report(what)
                        worker.case = -1
                elif time.monotonic() - worker.since > seconds:
                    ended = _end(worker, cases[worker.case], "slow", f"over {seconds:g} s in {worker.phase}")
            except (EOFError, ConnectionResetError):
                worker.process.join(5)
                ended = _end(worker, cases[worker.case], "crashed", worker.phase)
            if ended:
                report(ended)
                workers[place] = _start(cases, npu)
    for worker in workers:
        worker.pipe.send(None)
        worker.process.join(10)
