#include "cli/process_bounds.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <thread>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/replace.hpp"
#include "ort/watchdog.hpp"

namespace calotype::cli {
namespace {

// What is no tensor of a run: the libraries, the file and its weights at some stages, what is kept of samples; and each
// thread's stack, which counts whole.
constexpr int64_t kBesideTensors = int64_t{512} << 20;
constexpr int64_t kOfThread = int64_t{16} << 20;

// A sanitizer maps terabytes that it never touches.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

void bound_memory(int64_t allowed_bytes) {
    if (kSanitized) return;
    const int64_t bytes = allowed_bytes + kBesideTensors + kOfThread * std::thread::hardware_concurrency();
    rlimit limit{};
    if (::getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur <= static_cast<rlim_t>(bytes)) return;
    limit.rlim_cur = static_cast<rlim_t>(bytes);
    ::setrlimit(RLIMIT_DATA, &limit);  // beyond it allocations fail, ours and ONNX Runtime's
}

std::string* at_work = nullptr;  // read by the thread that ends the process

/// Other threads are in the midst of something, so nothing is destroyed.
[[noreturn]] void end_process(int64_t seconds) {
    const Error error({"LIMIT_TIME", fmt::format("`{}`: ONNX Runtime", *at_work),
                       fmt::format("a node, or making a session, took longer than {} s and was ended", seconds),
                       how_to_raise(&Limits::run_seconds)});
    remove_staged();
    std::fprintf(stderr, "%s\n", error.what());
    ::_exit(kBadInput);
}

std::string* crash_text = nullptr;

/// Nothing but what a signal's handler may call. A crash that is ours stays one.
void on_crash(int signal) {
    if (!ort::at_work()) {
        ::signal(signal, SIG_DFL);
        ::raise(signal);
        return;
    }
    [[maybe_unused]] const ssize_t put = ::write(STDERR_FILENO, crash_text->data(), crash_text->size());
    ::_exit(kBadInput);
}

void catch_crashes(const std::string& path) {
    if (kSanitized) return;
    static std::string text = std::string(Error({"ORT_CRASH", fmt::format("`{}`: ONNX Runtime", path),
                                                 "it crashed at this model", "export the model again"})
                                              .what()) +
                              "\n";
    crash_text = &text;
    static std::array<std::byte, 1 << 16> stack_bytes;  // the usual one may be what is full
    const stack_t stack{stack_bytes.data(), 0, stack_bytes.size()};
    ::sigaltstack(&stack, nullptr);
    struct sigaction action{};
    action.sa_handler = on_crash;
    action.sa_flags = SA_ONSTACK;
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::sigaction(signal, &action, nullptr);
}

}  // namespace

Limits bound_process(const LimitOptions& given, const std::string& path) {
    const Limits limits = limits_of(given);
    static std::string name = path;
    at_work = &name;
    ort::when_overdue([](int64_t seconds) { end_process(seconds); });
    catch_crashes(path);
    bound_memory(allowed_memory_bytes(limits));
    return limits;
}

}  // namespace calotype::cli
