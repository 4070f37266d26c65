#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

struct OrtApi;
struct OrtRunOptions;

namespace calotype::ort {

/// What becomes of a process that ONNX Runtime holds up beyond its time: between nodes a run can be ended, within a node
/// or while a session is made only the process can. The command ends itself; a library must not, so there is nothing
/// here by default.
using Overdue = void (*)(int64_t seconds);
void when_overdue(Overdue overdue);

/// Whether ONNX Runtime runs a model, or makes a session, at this moment.
bool at_work();

/// Ends what takes ONNX Runtime too long. One thread for all, started with the first; it sleeps until the next deadline.
class Watchdog {
  public:
    explicit Watchdog(const OrtApi& api) : api_(api) {}
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    using Ticket = uint64_t;
    /// Sets the terminate flag of `run` after `seconds`; ONNX Runtime looks at it between nodes. What does not end soon
    /// after is overdue. No `run`: a session is made, which has no such flag. `run` must live until it is released.
    Ticket watch(OrtRunOptions* run, int64_t seconds);
    /// False where its time was over.
    bool release(Ticket ticket);

  private:
    using Clock = std::chrono::steady_clock;
    struct Watched {
        OrtRunOptions* run = nullptr;
        int64_t seconds = 0;
        Clock::time_point deadline;
        bool late = false;
    };
    void work();
    void end(Watched& watched);

    const OrtApi& api_;
    std::mutex guard_;
    std::condition_variable changed_;
    std::map<Ticket, Watched> watched_;
    Ticket last_ = 0;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace calotype::ort
