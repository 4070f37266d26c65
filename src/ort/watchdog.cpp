#include "ort/watchdog.hpp"

#include <onnxruntime_c_api.h>

#include <algorithm>

namespace calotype::ort {

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(guard_);
        stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Watchdog::watch(OrtRunOptions* run, int64_t seconds) {
    const std::lock_guard lock(guard_);
    const auto deadline = Clock::now() + std::chrono::seconds(seconds);
    const bool next = std::ranges::all_of(deadlines_, [&](const auto& other) { return deadline < other.second; });
    deadlines_.emplace(run, deadline);
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    // Later deadlines are seen when the thread wakes for the earlier one: most runs come and go while it sleeps.
    if (next) changed_.notify_all();
}

bool Watchdog::release(OrtRunOptions* run) {
    const std::lock_guard lock(guard_);
    return deadlines_.erase(run) > 0;
}

void Watchdog::work() {
    std::unique_lock lock(guard_);
    while (!stop_) {
        auto next = Clock::time_point::max();
        const auto now = Clock::now();
        for (auto run = deadlines_.begin(); run != deadlines_.end();) {
            if (run->second > now) {
                next = std::min(next, run++->second);
                continue;
            }
            if (OrtStatus* status = api_.RunOptionsSetTerminate(run->first)) api_.ReleaseStatus(status);
            run = deadlines_.erase(run);
        }
        if (next == Clock::time_point::max())
            changed_.wait(lock);
        else
            changed_.wait_until(lock, next);
    }
}

}  // namespace calotype::ort
