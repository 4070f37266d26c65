#include "base/thread_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace calotype {
namespace {

TEST(ThreadPool, CallsEachItemOnceWhateverTheNumberOfThreads) {
    for (const int threads : {1, 2, 3, 8}) {
        ThreadPool pool(threads);
        EXPECT_EQ(pool.threads(), threads);
        for (const int64_t items : {0, 1, 2, 7, 1000}) {
            std::vector<std::atomic<int>> calls(static_cast<size_t>(items));
            pool.for_each(items, [&](int64_t item, int worker) {
                ASSERT_GE(worker, 0);
                ASSERT_LT(worker, threads);
                calls[static_cast<size_t>(item)].fetch_add(1);
            });
            for (const auto& count : calls) EXPECT_EQ(count.load(), 1) << threads << " threads, " << items << " items";
        }
    }
}

TEST(ThreadPool, OneThreadRunsOnTheCaller) {
    ThreadPool pool(1);
    std::set<std::thread::id> ids;
    pool.for_each(10, [&](int64_t, int) { ids.insert(std::this_thread::get_id()); });
    EXPECT_THAT(ids, testing::ElementsAre(std::this_thread::get_id()));
}

TEST(ThreadPool, WorkersReallyRunBesideEachOther) {
    ThreadPool pool(2);
    std::atomic<int> arrived{0};
    pool.for_each(2, [&](int64_t, int) {  // each waits for the other: one thread alone would never finish
        arrived.fetch_add(1);
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (arrived.load() < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    });
    EXPECT_EQ(arrived.load(), 2);
}

TEST(ThreadPool, SurvivesManyRoundsAwakeAndAsleep) {
    ThreadPool pool(3);
    std::atomic<int64_t> sum{0};
    for (int round = 0; round < 5000; ++round) {
        if (round % 1000 == 999) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        pool.for_each(4, [&](int64_t item, int) { sum.fetch_add(item); });
    }
    EXPECT_EQ(sum.load(), 5000 * 6);
}

TEST(ThreadPool, ThrowsTheExceptionAgainAndStaysUsable) {
    for (const int threads : {1, 4}) {
        ThreadPool pool(threads);
        const auto fail = [](int64_t item, int) {
            if (item == 3) throw std::runtime_error("item 3");
        };
        EXPECT_THAT([&] { pool.for_each(100, fail); }, testing::ThrowsMessage<std::runtime_error>("item 3"));
        std::atomic<int> calls{0};
        pool.for_each(5, [&](int64_t, int) { calls.fetch_add(1); });
        EXPECT_EQ(calls.load(), 5);
    }
}

}  // namespace
}  // namespace calotype
