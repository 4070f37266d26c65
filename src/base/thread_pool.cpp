#include "base/thread_pool.hpp"

#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.hpp"

// Workers wait for a new round first by spinning (layers follow one another within microseconds), then asleep: a long
// spin on a virtual CPU takes the core from the very thread that is waited for. Each round every worker reports once,
// so that no worker of an old round can still hold `work` when for_each returns.
namespace calotype {
namespace {

constexpr int kSpins = 2000;  // about 20 us

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/// Waits until `value` differs from `old`.
template <class T>
void wait_while(const std::atomic<T>& value, T old) {
    for (int spin = 0; spin < kSpins; ++spin) {
        if (value.load(std::memory_order_acquire) != old) return;
        pause();
    }
    value.wait(old, std::memory_order_acquire);
}

}  // namespace

struct ThreadPool::State {
    std::vector<std::thread> workers;
    std::atomic<int> round{0};  ///< wraps around; int, as a futex waits for it directly
    std::atomic<int> busy{0};   ///< workers that have not finished the round
    std::atomic<int64_t> next{0};
    int64_t items = 0;
    const std::function<void(int64_t, int)>* work = nullptr;  ///< null in the last round: the workers leave
    std::mutex error_mutex;
    std::exception_ptr error;

    void take_items(int worker);
    void serve(int worker);
    void start_round(int64_t count, const std::function<void(int64_t, int)>* what);
};

void ThreadPool::State::take_items(int worker) {
    try {
        for (int64_t item = next.fetch_add(1); item < items; item = next.fetch_add(1)) (*work)(item, worker);
    } catch (...) {
        const std::lock_guard lock(error_mutex);
        if (!error) error = std::current_exception();
        next.store(items);  // the others stop at their next item
    }
}

void ThreadPool::State::serve(int worker) {
    for (int seen = 0;;) {
        wait_while(round, seen);
        seen = round.load(std::memory_order_acquire);  // the next round starts only after this worker has reported
        const bool leave = work == nullptr;
        if (!leave) take_items(worker);
        if (busy.fetch_sub(1, std::memory_order_acq_rel) == 1) busy.notify_one();
        if (leave) return;
    }
}

void ThreadPool::State::start_round(int64_t count, const std::function<void(int64_t, int)>* what) {
    items = count;
    work = what;
    next.store(0, std::memory_order_relaxed);
    busy.store(static_cast<int>(workers.size()), std::memory_order_relaxed);
    round.fetch_add(1, std::memory_order_release);
    round.notify_all();
}

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
    CALOTYPE_ASSERT(threads >= 1, "a pool has at least the caller");
    state_->workers.reserve(static_cast<size_t>(threads));
    try {
        for (int worker = 1; worker < threads; ++worker)
            state_->workers.emplace_back([state = state_.get(), worker] { state->serve(worker); });
    } catch (const std::system_error&) {
        // The system gives no more threads: those there are do the same work.
    }
}

ThreadPool::~ThreadPool() {
    if (state_->workers.empty()) return;
    state_->start_round(0, nullptr);
    for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::for_each(int64_t items, const std::function<void(int64_t item, int worker)>& work) {
    if (state_->workers.empty() || items <= 1) {
        for (int64_t item = 0; item < items; ++item) work(item, 0);
        return;
    }
    state_->start_round(items, &work);
    state_->take_items(0);
    for (int busy = state_->busy.load(std::memory_order_acquire); busy != 0;
         busy = state_->busy.load(std::memory_order_acquire)) {
        wait_while(state_->busy, busy);
    }
    if (state_->error) std::rethrow_exception(std::exchange(state_->error, nullptr));
}

}  // namespace calotype
