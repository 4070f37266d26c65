#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

struct OrtApi;
struct OrtRunOptions;

namespace calotype::ort {

/// Ends runs of ONNX Runtime that take too long. One thread for all runs, started with the first; it sleeps until the
/// next deadline.
class Watchdog {
  public:
    explicit Watchdog(const OrtApi& api) : api_(api) {}
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// Sets the terminate flag of `run` after `seconds`; ONNX Runtime looks at it between nodes. `run` must live until
    /// it is released.
    void watch(OrtRunOptions* run, int64_t seconds);
    /// False where the run was ended.
    bool release(OrtRunOptions* run);

  private:
    using Clock = std::chrono::steady_clock;
    void work();

    const OrtApi& api_;
    std::mutex guard_;
    std::condition_variable changed_;
    std::map<OrtRunOptions*, Clock::time_point> deadlines_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace calotype::ort
