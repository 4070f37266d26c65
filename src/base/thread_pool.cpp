#include "base/thread_pool.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.hpp"

// Workers wait for a new round first by spinning (layers follow one another within microseconds), then asleep: a long
// spin on a virtual CPU takes the core from the very thread that is waited for. A worker joins a round through its
// gate; the caller shuts the gate when no item is left and waits for those inside alone. So a worker that slept through
// the round costs nothing, and none can hold `work` when for_each returns.
namespace calotype {
namespace {

constexpr std::chrono::microseconds kSpin{20};
constexpr uint32_t kOpen = 1, kInside = 2;  // of a gate: whether one may join, and each worker that has

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/// Waits until `value` differs from `old`.
template <class T>
void wait_while(const std::atomic<T>& value, T old) {
    const auto until = std::chrono::steady_clock::now() + kSpin;  // a pause takes 40 to 140 cycles
    do {
        for (int spin = 0; spin < 16; ++spin) {
            if (value.load(std::memory_order_acquire) != old) return;
            pause();
        }
    } while (std::chrono::steady_clock::now() < until);
    value.wait(old, std::memory_order_acquire);
}

}  // namespace

struct ThreadPool::State {
    std::vector<std::thread> workers;
    std::atomic<int> round{0};  ///< wraps around; int, as a futex waits for it directly
    std::atomic<uint32_t> gate{0};
    std::atomic<int64_t> next{0};
    std::atomic<bool> over{false};  ///< the workers end
    int64_t items = 0;
    const std::function<void(int64_t, int)>* work = nullptr;
    std::mutex error_mutex;
    std::exception_ptr error;

    void take_items(int worker);
    void serve(int worker);
    bool join();
    void leave();
    void call_workers();
    void run_round(int64_t count, const std::function<void(int64_t, int)>& what);
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

bool ThreadPool::State::join() {
    uint32_t seen = gate.load(std::memory_order_relaxed);
    while ((seen & kOpen) != 0)
        if (gate.compare_exchange_weak(seen, seen + kInside, std::memory_order_acquire, std::memory_order_relaxed))
            return true;
    return false;
}

void ThreadPool::State::leave() {
    if (gate.fetch_sub(kInside, std::memory_order_release) == kInside) gate.notify_one();  // the last, the gate is shut
}

void ThreadPool::State::serve(int worker) {
    for (int seen = 0;;) {
        wait_while(round, seen);
        seen = round.load(std::memory_order_acquire);
        if (over.load(std::memory_order_relaxed)) return;
        if (!join()) continue;
        take_items(worker);
        leave();
    }
}

void ThreadPool::State::call_workers() {
    round.fetch_add(1, std::memory_order_release);
    round.notify_all();
}

void ThreadPool::State::run_round(int64_t count, const std::function<void(int64_t, int)>& what) {
    items = count;
    work = &what;
    next.store(0, std::memory_order_relaxed);
    gate.store(kOpen, std::memory_order_release);
    call_workers();
    take_items(0);
    uint32_t inside = gate.fetch_and(~kOpen, std::memory_order_acquire) & ~kOpen;
    for (; inside != 0; inside = gate.load(std::memory_order_acquire)) wait_while(gate, inside);
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
    state_->over.store(true, std::memory_order_relaxed);
    state_->call_workers();
    for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::for_each(int64_t items, const std::function<void(int64_t item, int worker)>& work) {
    if (state_->workers.empty() || items <= 1) {
        for (int64_t item = 0; item < items; ++item) work(item, 0);
        return;
    }
    state_->run_round(items, work);
    if (state_->error) std::rethrow_exception(std::exchange(state_->error, nullptr));
}

}  // namespace calotype
