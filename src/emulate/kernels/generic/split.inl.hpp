// Whether a layer is split over the pool, by its shape alone. A round of the pool costs a few microseconds, and far
// more where its workers must be woken on a busy machine, so what takes less than about ten runs on the caller. Work is
// counted in products of a dense convolution (some 400 a nanosecond); the other loops are weighed by how much slower
// they go.

constexpr int64_t kSplitProducts = 4 << 20;
constexpr int64_t kTapProducts = 4;     // a tap of a depthwise convolution or a pool
constexpr int64_t kCodeProducts = 16;   // a code read, changed and written
constexpr int64_t kWeightProducts = 4;  // a weight read from memory
constexpr int64_t kSplitItems = 4;      // at least, so that threads of uneven speed end together

constexpr bool worth_splitting(int64_t products) { return products >= kSplitProducts; }

/// work(item, worker) for all items, on the pool where there is one and the layer is worth it.
template <class Work>
void for_items(ThreadPool* pool, int64_t products, int64_t items, Work work) {
    if (pool == nullptr || pool->threads() == 1 || items < 2 || !worth_splitting(products)) {
        for (int64_t i = 0; i < items; ++i) work(i, 0);
        return;
    }
    pool->for_each(items, [&](int64_t item, int worker) { work(item, worker); });
}
