#include "ort/watchdog.hpp"

#include <onnxruntime_c_api.h>

#include <algorithm>
#include <atomic>

namespace calotype::ort {
namespace {

constexpr std::chrono::seconds kGrace{2};  // most nodes end by then
std::atomic<Overdue> overdue_handler = nullptr;
std::atomic<int> calls = 0;

}  // namespace

void when_overdue(Overdue overdue) { overdue_handler = overdue; }
bool at_work() { return calls > 0; }

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(guard_);
        stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

Watchdog::Ticket Watchdog::watch(OrtRunOptions* run, int64_t seconds) {
    const std::lock_guard lock(guard_);
    const auto deadline = Clock::now() + std::chrono::seconds(seconds);
    const bool next =
        std::ranges::all_of(watched_, [&](const auto& other) { return deadline < other.second.deadline; });
    watched_.emplace(++last_, Watched{run, seconds, deadline});
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    // Later deadlines are seen when the thread wakes for the earlier one: most runs come and go while it sleeps.
    if (next) changed_.notify_all();
    ++calls;
    return last_;
}

bool Watchdog::release(Ticket ticket) {
    const std::lock_guard lock(guard_);
    const auto found = watched_.find(ticket);
    if (found == watched_.end()) return true;
    const bool in_time = !found->second.late;
    watched_.erase(found);
    --calls;
    return in_time;
}

void Watchdog::end(Watched& watched) {
    const bool told = watched.late || watched.run == nullptr;
    watched.late = true;
    watched.deadline = told ? Clock::time_point::max() : Clock::now() + kGrace;
    if (!told) {
        if (OrtStatus* status = api_.RunOptionsSetTerminate(watched.run)) api_.ReleaseStatus(status);
    } else if (const Overdue overdue = overdue_handler.load()) {
        overdue(watched.seconds);
    }
}

void Watchdog::work() {
    std::unique_lock lock(guard_);
    while (!stop_) {
        auto next = Clock::time_point::max();
        const auto now = Clock::now();
        for (auto& [ticket, watched] : watched_) {
            if (watched.deadline <= now) end(watched);
            next = std::min(next, watched.deadline);
        }
        if (next == Clock::time_point::max())
            changed_.wait(lock);
        else
            changed_.wait_until(lock, next);
    }
}

}  // namespace calotype::ort
