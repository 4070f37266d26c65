#pragma once

// What keeps ONNX Runtime within the limits of its Library.

#include <cstdint>
#include <memory>
#include <mutex>

#include "ort/direct_memory.hpp"
#include "ort/library.hpp"

struct OrtMemoryInfo;
struct OrtRunOptions;

namespace calotype::ort {

/// While it lives, sessions that are made with `session.use_env_allocators` get an arena of their own that ends at the
/// memory allowed, or `direct` memory where it is given: they keep it, the environment forgets it.
class BoundedMemory {
  public:
    explicit BoundedMemory(const Library& library, const DirectMemory* direct = nullptr);
    ~BoundedMemory();
    BoundedMemory(const BoundedMemory&) = delete;
    BoundedMemory& operator=(const BoundedMemory&) = delete;

  private:
    const Library& library_;
    std::unique_lock<std::mutex> lock_;  // the environment is the process's
    std::unique_ptr<OrtMemoryInfo, void (*)(OrtMemoryInfo*)> arena_info_;
    const OrtMemoryInfo* info_ = nullptr;  // of what is registered
};

/// The options of one run, which is ended when its time is over.
class WatchedRun {
  public:
    explicit WatchedRun(const Library& library);
    ~WatchedRun();
    WatchedRun(const WatchedRun&) = delete;
    WatchedRun& operator=(const WatchedRun&) = delete;

    const OrtRunOptions* options() const { return options_.get(); }
    /// After the run. Throws Error LIMIT_TIME where it was ended.
    void finish();

  private:
    const Library& library_;
    std::unique_ptr<OrtRunOptions, void (*)(OrtRunOptions*)> options_;
    uint64_t ticket_ = 0;  // of the Watchdog
};

}  // namespace calotype::ort
