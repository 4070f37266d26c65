// Add, Mul and Requantize over the codes of a tensor as one stretch; constants repeat every least common multiple of
// channels and block, which a tensor of few pixels does not reach. The last, partial block goes through a buffer and the
// same code.

/// Cuts [0, elements) into pieces of whole periods for the pool; body(first block, last block).
template <class Body>
void for_blocks(ThreadPool* pool, int64_t elements, Body body) {
    constexpr int64_t kItemBlocks = (32 << 10) / kBlock;
    const int64_t blocks = (elements + kBlock - 1) / kBlock;
    for_items(pool, elements * kCodeProducts, (blocks + kItemBlocks - 1) / kItemBlocks,
              [&](int64_t item, int) { body(item * kItemBlocks, std::min(blocks, (item + 1) * kItemBlocks)); });
}

/// A flat tensor's channels as blocks see them.
struct Period {
    int64_t channels, blocks;
    explicit Period(const npu::Map& map)
        : channels(map.channels), blocks(period_blocks(map.channels, map.elements())) {}
    int64_t channel(int64_t block, int offset) const { return (block * kBlock + offset) % channels; }
};

/// Runs kernel(codes of a, codes of b, place in the period) over blocks; b may be null.
template <class Kernel>
void over_blocks(ThreadPool* pool, int64_t elements, int64_t period, const int8_t* a, const int8_t* b, int8_t* y,
                 Kernel kernel) {
    for_blocks(pool, elements, [&](int64_t first, int64_t last) {
        int64_t place = first % period;
        for (int64_t block = first; block < last; ++block, place = place + 1 == period ? 0 : place + 1) {
            const int64_t at = block * kBlock;
            if (at + kBlock <= elements) {
                store_bytes(y + at,
                            kernel(load_bytes(a + at), b != nullptr ? load_bytes(b + at) : set_bytes(0), place));
            } else {
                alignas(64) int8_t tail[3][kBlock] = {};
                const auto left = static_cast<size_t>(elements - at);
                std::memcpy(tail[0], a + at, left);
                if (b != nullptr) std::memcpy(tail[1], b + at, left);
                store_bytes(tail[2], kernel(load_bytes(tail[0]), load_bytes(tail[1]), place));
                std::memcpy(y + at, tail[2], left);
            }
        }
    });
}

class AddLayer final : public PreparedLayer {
  public:
    explicit AddLayer(const LayerView& view);
    void run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte>,
             ThreadPool* pool) const override;
    std::string_view kernel() const override { return CALOTYPE_ISA " add"; }

  private:
    struct alignas(64) Block {
        int16_t za[kBlock], zb[kBlock], ma[kBlock], mb[kBlock], zero_point[kBlock];  // za and zb times 2^7
        int8_t lo[kBlock], hi[kBlock];
    };
    int64_t elements_;
    int32_t r_;
    std::vector<Block> blocks_;
};

inline AddLayer::AddLayer(const LayerView& view) : elements_(view.out.elements()) {
    using reference::entry;
    const auto& add = std::get<npu::AddArithmetic>(view.stage);
    const Period period(view.out);
    r_ = add.r;
    blocks_.resize(static_cast<size_t>(period.blocks));
    for (int64_t b = 0; b < period.blocks; ++b)
        for (int i = 0; i < kBlock; ++i) {
            Block& block = blocks_[static_cast<size_t>(b)];
            const int64_t c = period.channel(b, word_offset_of(byte_offset, i / (kBlock / 2), i % (kBlock / 2)));
            block.za[i] = static_cast<int16_t>(view.zero_point(0, c) * 128);
            block.zb[i] = static_cast<int16_t>(view.zero_point(1, c) * 128);
            block.ma[i] = entry(add.ma, c);
            block.mb[i] = entry(add.mb, c);
            block.zero_point[i] = static_cast<int16_t>(entry(add.zero_point, c));
            const int64_t byte_channel = period.channel(b, i);
            block.lo[i] = static_cast<int8_t>(entry(add.lo, byte_channel));
            block.hi[i] = static_cast<int8_t>(entry(add.hi, byte_channel));
        }
}

inline void AddLayer::run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte>,
                          ThreadPool* pool) const {
    const Words half = set_words(static_cast<int16_t>(npu::half(r_)));
    const Bytes zero = set_bytes(0);
    const auto part = [&](const Block& k, int at, Words a, Words b) {
        // Interleaved with zero, a code stands in the high byte: halved, it is q * 2^7.
        a = mulr(sub_words(shift_right(a, 1), load_words(k.za + at)), load_words(k.ma + at));
        b = mulr(sub_words(shift_right(b, 1), load_words(k.zb + at)), load_words(k.mb + at));
        return add_sat(shift_right(add_sat(add_sat(a, b), half), r_), load_words(k.zero_point + at));
    };
    over_blocks(pool, elements_, static_cast<int64_t>(blocks_.size()), inputs[0], inputs[1], output,
                [&](Bytes a, Bytes b, int64_t place) {
                    const Block& k = blocks_[static_cast<size_t>(place)];
                    const Words low = part(k, 0, interleave_low(zero, a), interleave_low(zero, b));
                    const Words high = part(k, kBlock / 2, interleave_high(zero, a), interleave_high(zero, b));
                    return min_bytes(max_bytes(pack_bytes(low, high), load_bytes(k.lo)), load_bytes(k.hi));
                });
}

/// y = finish((a - za) * (b - zb)), or finish(a - za) for Requantize.
class ProductLayer final : public PreparedLayer {
  public:
    explicit ProductLayer(const LayerView& view);
    void run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte>,
             ThreadPool* pool) const override;
    std::string_view kernel() const override { return two_ ? CALOTYPE_ISA " mul" : CALOTYPE_ISA " requantize"; }

  private:
    struct alignas(64) Block {
        int16_t za[kBlock], zb[kBlock];
    };
    int64_t elements_;
    bool two_;
    std::vector<Block> blocks_;
    Stage stage_;
};

inline ProductLayer::ProductLayer(const LayerView& view) : elements_(view.out.elements()), two_(view.in.size() == 2) {
    const Period period(view.out);
    blocks_.resize(static_cast<size_t>(period.blocks));
    for (int64_t b = 0; b < period.blocks; ++b)
        for (int i = 0; i < kBlock; ++i) {
            const int64_t c = period.channel(b, word_offset_of(byte_offset, i / (kBlock / 2), i % (kBlock / 2)));
            blocks_[static_cast<size_t>(b)].za[i] = static_cast<int16_t>(view.zero_point(0, c));
            blocks_[static_cast<size_t>(b)].zb[i] = static_cast<int16_t>(two_ ? view.zero_point(1, c) : 0);
        }
    stage_ = make_stage(view.stage, blocks_.size(), byte_offset,
                        [&](int64_t block, int offset) { return period.channel(block, offset); });
}

inline void ProductLayer::run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte>,
                              ThreadPool* pool) const {
    const Bytes zero = set_bytes(0);
    with_kind(stage_.kind, [&](auto kind) {
        over_blocks(
            pool, elements_, static_cast<int64_t>(blocks_.size()), inputs[0], two_ ? inputs[1] : nullptr, output,
            [&](Bytes a, Bytes b, int64_t place) {
                const Block& k = blocks_[static_cast<size_t>(place)];
                const Words a0 = sub_words(shift_right(interleave_low(zero, a), 8), load_words(k.za));
                const Words a1 = sub_words(shift_right(interleave_high(zero, a), 8), load_words(k.za + kBlock / 2));
                Wide sums[4];
                if (two_) {
                    const Words b0 = sub_words(shift_right(interleave_low(zero, b), 8), load_words(k.zb));
                    const Words b1 = sub_words(shift_right(interleave_high(zero, b), 8), load_words(k.zb + kBlock / 2));
                    const Words low0 = mul_low(a0, b0), high0 = mul_high(a0, b0);
                    const Words low1 = mul_low(a1, b1), high1 = mul_high(a1, b1);
                    sums[0] = pair_low(low0, high0);
                    sums[1] = pair_high(low0, high0);
                    sums[2] = pair_low(low1, high1);
                    sums[3] = pair_high(low1, high1);
                } else {
                    sums[0] = sign_low(a0);
                    sums[1] = sign_high(a0);
                    sums[2] = sign_low(a1);
                    sums[3] = sign_high(a1);
                }
                return finish<kind.value>(stage_, stage_.blocks[static_cast<size_t>(place)], sums);
            });
    });
}

/// Mul whose second input has one channel: one factor a pixel.
class ScaleLayer final : public PreparedLayer {
  public:
    explicit ScaleLayer(const LayerView& view)
        : pixels_(view.out.pixels()), channels_(view.out.channels), zb_(view.zero_point(1, 0)) {
        const int64_t blocks = (channels_ + kBlock - 1) / kBlock;
        const auto channel = [&](int64_t b, int offset) { return std::min(b * kBlock + offset, channels_ - 1); };
        for (int64_t b = 0; b < blocks; ++b)
            for (int i = 0; i < kBlock; ++i)
                za_.push_back(view.zero_point(0, channel(b, byte_offset(i / kLanes, i % kLanes))));
        stage_ = make_stage(view.stage, static_cast<size_t>(blocks), byte_offset, channel);
    }
    void run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte>,
             ThreadPool* pool) const override {
        constexpr int64_t kItemPixels = 256;
        for_items(pool, pixels_ * channels_ * kCodeProducts, (pixels_ + kItemPixels - 1) / kItemPixels,
                  [&](int64_t item, int) {
                      with_kind(stage_.kind, [&](auto kind) {
                          for (int64_t p = item * kItemPixels; p < std::min(pixels_, (item + 1) * kItemPixels); ++p)
                              run_pixel<kind.value>(inputs[0] + p * channels_, inputs[1][p] - zb_,
                                                    output + p * channels_);
                      });
                  });
    }
    std::string_view kernel() const override { return CALOTYPE_ISA " mul by pixel"; }

  private:
    template <StageKind kKind>
    void run_pixel(const int8_t* a, int32_t factor, int8_t* y) const {
        const Wide b = set_wide(factor);
        for (int64_t c = 0; c < channels_; c += kBlock) {
            alignas(64) int8_t tail[kBlock] = {};
            const int64_t n = std::min<int64_t>(kBlock, channels_ - c);
            const int8_t* from = a + c;
            if (n < kBlock) {
                std::memcpy(tail, from, static_cast<size_t>(n));
                from = tail;
            }
            const Bytes q = load_bytes(from), zero = set_bytes(0);
            const Words low = shift_right(interleave_low(zero, q), 8), high = shift_right(interleave_high(zero, q), 8);
            Wide sums[4] = {sign_low(low), sign_high(low), sign_low(high), sign_high(high)};
            for (int i = 0; i < 4; ++i)
                sums[i] = mul_wide(sub_wide(sums[i], load_wide(za_.data() + c + i * kLanes)), b);
            const Bytes codes = finish<kKind>(stage_, stage_.blocks[static_cast<size_t>(c / kBlock)], sums);
            if (n == kBlock) {
                store_bytes(y + c, codes);
            } else {
                store_bytes(tail, codes);
                std::memcpy(y + c, tail, static_cast<size_t>(n));
            }
        }
    }
    int64_t pixels_, channels_;
    int32_t zb_;
    AlignedVector<int32_t> za_;  // in the sums' order
    Stage stage_;
};
