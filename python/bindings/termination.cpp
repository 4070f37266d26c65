// By default these signals end a process before Python's exit functions run, and a handler of Python's would wait for its
// main thread, which may be within a long call. So the signal's handler wakes a thread of ours, that one waits for Python's
// lock, but not for long, and ends the process as the signal would have done.
#include "termination.hpp"

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <thread>

namespace calotype::python {

namespace nb = nanobind;

namespace {

constexpr int kSignals[] = {SIGTERM, SIGHUP};
constexpr std::chrono::seconds kLongestReport{2};

PyObject* reporter = nullptr;  // read and written with Python's lock held
std::atomic<pid_t> owner{0};   // the process that `watch` runs in
std::atomic<int> arrived{0};   // the first signal
sem_t awake;

/// Within its own handler the signal is delivered at the handler's end.
void end_by(int number) {
    std::signal(number, SIG_DFL);
    ::kill(::getpid(), number);
}

/// Only functions that are safe in a handler. A second signal does not wait, and no child made by C's fork has a thread to
/// wake.
void handle(int number) {
    int none = 0;
    if (owner.load() != ::getpid() || !arrived.compare_exchange_strong(none, number)) return end_by(number);
    ::sem_post(&awake);
}

void tell() {
    const nb::gil_scoped_acquire lock;
    if (reporter == nullptr) return;
    PyObject* done = PyObject_CallNoArgs(reporter);
    if (done == nullptr) PyErr_Clear();
    Py_XDECREF(done);
}

void watch() {
    while (::sem_wait(&awake) != 0) {
    }
    std::promise<void> told;
    std::thread([&told] {
        tell();
        told.set_value();
    }).detach();
    told.get_future().wait_for(kLongestReport);
    end_by(arrived.load());
    for (;;) ::pause();  // until it is delivered
}

/// Signals are for the script's own threads.
void start_watching() {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ::sem_init(&awake, 0, 0);
    std::thread(watch).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

/// A handler of anybody else's stays.
void replace_handler(int number, void (*former)(int), void (*wanted)(int)) {
    struct sigaction now = {};
    if (::sigaction(number, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != former) return;
    struct sigaction next = {};
    next.sa_handler = wanted;
    next.sa_flags = SA_RESTART;
    ::sigaction(number, &next, nullptr);
}

}  // namespace

void before_termination(const nb::object& report) {
    PyObject* former = reporter;
    reporter = report.is_none() ? nullptr : report.inc_ref().ptr();
    Py_XDECREF(former);
    if (reporter == nullptr) {
        for (const int number : kSignals) replace_handler(number, handle, SIG_DFL);
        return;
    }
    if (owner.exchange(::getpid()) != ::getpid()) start_watching();
    for (const int number : kSignals) replace_handler(number, SIG_DFL, handle);
}

}  // namespace calotype::python
