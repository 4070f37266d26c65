#include "cli/interrupts.hpp"

#include <pthread.h>

#include <csignal>
#include <thread>

#include "base/replace.hpp"

namespace calotype::cli {
namespace {

/// A signal that the caller ignores (nohup) stays ignored.
bool ends_the_process(int signal) {
    struct sigaction action{};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_DFL;
}

}  // namespace

void leave_nothing_when_interrupted() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        if (ends_the_process(signal)) ::sigaddset(&signals, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    // Files cannot be removed in a signal's handler: a thread waits for it.
    std::thread([signals] {
        int signal = 0;
        if (::sigwait(&signals, &signal) != 0) return;
        remove_staged();
        ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
        ::raise(signal);
    }).detach();
}

}  // namespace calotype::cli
