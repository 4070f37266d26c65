#include "cli/process_bounds.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

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
    StagedDirectory::remove_all();
    std::fprintf(stderr, "%s\n", error.what());
    ::_exit(kBadInput);
}

}  // namespace

Limits bound_process(const LimitOptions& given, const std::string& path) {
    const Limits limits = limits_of(given);
    static std::string name = path;
    at_work = &name;
    ort::when_overdue([](int64_t seconds) { end_process(seconds); });
    bound_memory(allowed_memory_bytes(limits));
    return limits;
}

}  // namespace calotype::cli
