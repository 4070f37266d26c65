#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace calotype {

/// A fixed set of workers. One pool is made at the edge (CLI, runner) and handed in.
class ThreadPool {
  public:
    /// `threads` >= 1 counts the caller: a pool of 1 starts no thread. Fewer where the system gives no more.
    explicit ThreadPool(int threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int threads() const;

    /// Calls work(item, worker) once for each item in [0, items), in any order, on the workers and the caller;
    /// 0 <= worker < threads(). Returns when all are done; the first exception is thrown again here.
    /// Not reentrant: `work` must not call for_each of the same pool.
    void for_each(int64_t items, const std::function<void(int64_t item, int worker)>& work);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace calotype
