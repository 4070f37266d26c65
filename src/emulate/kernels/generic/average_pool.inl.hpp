// Average pooling, a block of channels at a time. Sums run in int16 for at most 255 taps (255 * 128 < 2^15), then in
// int32. Taps outside the map are left out: they count as zero.

/// The taps of one axis that lie inside the map: first index, and how many.
struct Reach {
    int64_t first, count, step;
};

inline Reach reach(const npu::Axis& axis, int64_t out, int64_t size) {
    const int64_t first = out * axis.stride - axis.pad_before;
    int64_t begin = 0, end = axis.kernel;
    while (begin < end && first + begin * axis.dilation < 0) ++begin;
    while (end > begin && first + (end - 1) * axis.dilation >= size) --end;
    return {first + begin * axis.dilation, end - begin, axis.dilation};
}

inline npu::Window pool_window(const LayerView& view) {
    return npu::window_of(std::get<npu::Pool>(view.layer->attributes), view.in[0]);
}

class AveragePoolLayer final : public PreparedLayer {
  public:
    explicit AveragePoolLayer(const LayerView& view);
    void run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte>,
             ThreadPool* pool) const override;
    std::string_view kernel() const override { return CALOTYPE_ISA " average pool"; }

  private:
    struct Taps {
        const int8_t* first;
        Reach depth, height, width;
    };
    /// Calls take(block of codes) for each tap.
    template <class Take>
    void for_taps(const Taps& taps, int64_t n, Take take) const;
    template <StageKind kKind>
    Bytes average(const Taps& taps, int64_t n, int64_t block) const;

    npu::Map in_, out_;
    npu::Window window_;
    std::vector<int64_t> starts_;        // of the blocks; the last overlaps its neighbour where it can
    AlignedVector<int32_t> zero_point_;  // [block, kBlock] in the sums' order
    Stage stage_;
};

inline AveragePoolLayer::AveragePoolLayer(const LayerView& view)
    : in_(view.in[0]), out_(view.out), window_(pool_window(view)) {
    for (int64_t c = 0; c < in_.channels; c += kBlock)
        starts_.push_back(in_.channels < kBlock ? 0 : std::min(c, in_.channels - kBlock));
    const auto channel = [&](int64_t b, int offset) {
        return std::min(starts_[static_cast<size_t>(b)] + offset, in_.channels - 1);
    };
    for (size_t b = 0; b < starts_.size(); ++b)
        for (int i = 0; i < kBlock; ++i)
            zero_point_.push_back(
                view.zero_point(0, channel(static_cast<int64_t>(b), byte_offset(i / kLanes, i % kLanes))));
    stage_ = make_stage(view.stage, starts_.size(), byte_offset, channel);
}

template <class Take>
void AveragePoolLayer::for_taps(const Taps& taps, int64_t n, Take take) const {
    alignas(64) int8_t few[kBlock] = {};
    for (int64_t d = 0; d < taps.depth.count; ++d)
        for (int64_t h = 0; h < taps.height.count; ++h) {
            const int8_t* x =
                taps.first + (d * taps.depth.step * in_.height + h * taps.height.step) * in_.width * in_.channels;
            for (int64_t w = 0; w < taps.width.count; ++w, x += taps.width.step * in_.channels) {
                if (n == kBlock) {
                    take(load_bytes(x));
                } else {
                    std::memcpy(few, x, static_cast<size_t>(n));
                    take(load_bytes(few));
                }
            }
        }
}

template <StageKind kKind>
Bytes AveragePoolLayer::average(const Taps& taps, int64_t n, int64_t block) const {
    const Bytes zero = set_bytes(0);
    Wide sums[4];
    const Wide count = set_wide(static_cast<int32_t>(-taps.depth.count * taps.height.count * taps.width.count));
    for (int i = 0; i < 4; ++i) sums[i] = mul_wide(count, load_wide(zero_point_.data() + block * kBlock + i * kLanes));
    Words low = set_words(0), high = set_words(0);
    const auto flush = [&] {
        sums[0] = add_wide(sums[0], sign_low(low));
        sums[1] = add_wide(sums[1], sign_high(low));
        sums[2] = add_wide(sums[2], sign_low(high));
        sums[3] = add_wide(sums[3], sign_high(high));
        low = high = set_words(0);
    };
    int taken = 0;
    for_taps(taps, n, [&](Bytes q) {
        low = add_words(low, shift_right(interleave_low(zero, q), 8));
        high = add_words(high, shift_right(interleave_high(zero, q), 8));
        if (++taken == 255) {
            flush();
            taken = 0;
        }
    });
    flush();
    return finish<kKind>(stage_, stage_.blocks[static_cast<size_t>(block)], sums);
}

inline void AveragePoolLayer::run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte>,
                                  ThreadPool* pool) const {
    const int64_t n = std::min<int64_t>(kBlock, in_.channels);
    for_items(pool, out_.elements() * window_.taps() * kTapProducts, out_.depth * out_.height, [&](int64_t row, int) {
        const Reach depth = reach(window_.depth, row / out_.height, in_.depth);
        const Reach height = reach(window_.height, row % out_.height, in_.height);
        int8_t* y = output + row * out_.width * out_.channels;
        for (int64_t w = 0; w < out_.width; ++w, y += out_.channels) {
            const Reach width = reach(window_.width, w, in_.width);
            const int8_t* x =
                inputs[0] + ((depth.first * in_.height + height.first) * in_.width + width.first) * in_.channels;
            for (size_t b = 0; b < starts_.size(); ++b) {
                const Taps taps{x + starts_[b], depth, height, width};
                Bytes codes = set_bytes(0);
                with_kind(stage_.kind,
                          [&](auto kind) { codes = average<kind.value>(taps, n, static_cast<int64_t>(b)); });
                if (n == kBlock) {
                    store_bytes(y + starts_[b], codes);
                } else {
                    alignas(64) int8_t few[kBlock];
                    store_bytes(few, codes);
                    std::memcpy(y, few, static_cast<size_t>(n));
                }
            }
        }
    });
}
