// Sums of a block to codes: the output stages of docs/arithmetic.md, 4 wides at a time. Exact copies of
// reference/output_stage.hpp.

/// gcd(channels, kBlock): a block is a power of two, so it is the lowest bit of channels. (std::lcm came out negative in
/// these files under g++ 12 with -O2 -fsanitize=thread.)
inline int64_t shared_with_block(int64_t channels) { return std::min<int64_t>(channels & -channels, kBlock); }

/// Blocks whose constants differ in a stretch of `codes` codes, channels last.
inline int64_t period_blocks(int64_t channels, int64_t codes) {
    return std::min(channels / shared_with_block(channels), (codes + kBlock - 1) / kBlock);
}

/// Where lane `lane` of wide `vector` lies in its block, for the three ways a block is made.
using WideOffset = int (*)(int vector, int lane);
constexpr int natural_offset(int vector, int lane) { return vector * kLanes + lane; }
constexpr int byte_offset(int vector, int lane) { return 16 * (lane / 4) + 4 * vector + lane % 4; }

/// The same for words and bytes packed from such wides.
inline int word_offset_of(WideOffset offset, int words, int at) {
    return offset(2 * words + at % 8 / 4, at / 8 * 4 + at % 4);
}
inline int byte_offset_of(WideOffset offset, int at) {
    return word_offset_of(offset, at % 16 / 8, at / 16 * 8 + at % 8);
}

/// Constants of one block, in the orders in which they are used.
struct alignas(64) StageBlock {
    float m[kBlock];
    int16_t zero_point[kBlock];
    int16_t channel_m[kBlock];
    int8_t lo[kBlock];
    int8_t hi[kBlock];
};

/// `requantize_small`: every m is at most 1/2, so that products of int32 stay in int32 and need no cap.
enum class StageKind { requantize, requantize_small, piecewise, piecewise_channels };
constexpr bool has_table(StageKind kind) {
    return kind == StageKind::piecewise || kind == StageKind::piecewise_channels;
}

struct Stage {
    StageKind kind = StageKind::requantize;
    std::vector<StageBlock> blocks;
    alignas(16) int8_t breakpoints[16] = {}, slope_low[16] = {}, slope_high[16] = {}, intercept_low[16] = {},
                       intercept_high[16] = {};
    int32_t r = 0, r2 = 0;
};

inline void set_table(Stage& stage, const npu::PiecewiseLinear& table) {
    stage.r = table.r;
    stage.r2 = table.r2;
    // Segments that no breakpoint leads to repeat the last, so that the search may pass their padding, 127.
    for (size_t k = 0; k < 16; ++k) {
        stage.breakpoints[k] = k < table.breakpoints.size() ? table.breakpoints[k] : int8_t{127};
        const size_t segment = std::min(k, table.slope.size() - 1);
        const auto slope = static_cast<uint16_t>(table.slope[segment]);
        const auto intercept = static_cast<uint16_t>(table.intercept[segment]);
        stage.slope_low[k] = static_cast<int8_t>(slope & 255);
        stage.slope_high[k] = static_cast<int8_t>(slope >> 8);
        stage.intercept_low[k] = static_cast<int8_t>(intercept & 255);
        stage.intercept_high[k] = static_cast<int8_t>(intercept >> 8);
    }
}

/// A stage of `blocks` blocks, where the code at `offset` of block `block` is of channel channel_of(block, offset).
template <class ChannelOf>
Stage make_stage(const npu::OutputStage& from, size_t blocks, WideOffset order, ChannelOf channel_of) {
    using reference::entry;
    Stage stage;
    stage.blocks.resize(blocks);
    const auto* q = std::get_if<npu::Requantization>(&from);
    const auto* table = std::get_if<npu::PiecewiseLinear>(&from);
    const bool several = table != nullptr && !table->channel_m.empty();
    if (q != nullptr && std::ranges::all_of(q->m, [](float m) { return m <= 0.5F; }))
        stage.kind = StageKind::requantize_small;
    if (table != nullptr) {
        stage.kind = several ? StageKind::piecewise_channels : StageKind::piecewise;
        set_table(stage, *table);
    }
    for (size_t b = 0; b < blocks; ++b) {
        StageBlock& block = stage.blocks[b];
        for (int vector = 0; vector < 4; ++vector)
            for (int lane = 0; lane < kLanes; ++lane) {
                const int64_t c = channel_of(static_cast<int64_t>(b), order(vector, lane));
                block.m[vector * kLanes + lane] = q != nullptr ? entry(q->m, c) : entry(table->m16, c);
            }
        for (int i = 0; i < kBlock; ++i) {
            const int64_t c =
                channel_of(static_cast<int64_t>(b), word_offset_of(order, i / (kBlock / 2), i % (kBlock / 2)));
            const int32_t zero_point = q != nullptr ? entry(q->zero_point, c)
                                       : several    ? entry(table->channel_zero_point, c)
                                                    : table->zero_point;
            block.zero_point[i] = static_cast<int16_t>(zero_point);
            block.channel_m[i] = several ? table->channel_m[static_cast<size_t>(c)] : int16_t{0};
        }
        for (int i = 0; i < kBlock; ++i) {
            const int64_t c = channel_of(static_cast<int64_t>(b), byte_offset_of(order, i));
            const int32_t lo = q != nullptr ? entry(q->lo, c) : several ? entry(table->channel_lo, c) : table->lo;
            const int32_t hi = q != nullptr ? entry(q->hi, c) : several ? entry(table->channel_hi, c) : table->hi;
            block.lo[i] = static_cast<int8_t>(lo);
            block.hi[i] = static_cast<int8_t>(hi);
        }
    }
    return stage;
}

/// Turns sums of one block's channels to codes, still in packed order. Constants are members, so that a loop over
/// pixels keeps them in registers: stores of codes could alias them in memory.
template <StageKind kKind>
class Finisher {
  public:
    [[gnu::always_inline]] Finisher(const Stage& stage, const StageBlock& block) {
        for (int i = 0; i < 4; ++i) m_[i] = load_floats(block.m + i * kLanes);
        for (int i = 0; i < 2; ++i) zero_point_[i] = load_words(block.zero_point + i * (kBlock / 2));
        lo_ = load_bytes(block.lo);
        hi_ = load_bytes(block.hi);
        if constexpr (!has_table(kKind)) return;
        r_ = kKind == StageKind::piecewise ? stage.r : stage.r2;
        half_ = set_words(static_cast<int16_t>(npu::half(r_)));
        middle_ = set_bytes(stage.breakpoints[7]);
        breakpoints_ = table16(stage.breakpoints);
        slope_[0] = table16(stage.slope_low);
        slope_[1] = table16(stage.slope_high);
        intercept_[0] = table16(stage.intercept_low);
        intercept_[1] = table16(stage.intercept_high);
        if constexpr (kKind == StageKind::piecewise_channels)
            for (int i = 0; i < 2; ++i) channel_m_[i] = load_words(block.channel_m + i * (kBlock / 2));
    }
    [[gnu::always_inline]] Bytes operator()(Wide a, Wide b, Wide c, Wide d) const {
        constexpr bool kCap = kKind != StageKind::requantize_small;
        Words low = pack_words(scale<kCap>(a, m_[0]), scale<kCap>(b, m_[1]));
        Words high = pack_words(scale<kCap>(c, m_[2]), scale<kCap>(d, m_[3]));
        if constexpr (has_table(kKind)) apply_table(low, high);
        low = add_sat(low, zero_point_[0]);
        high = add_sat(high, zero_point_[1]);
        return min_bytes(max_bytes(pack_bytes(low, high), lo_), hi_);
    }
    [[gnu::always_inline]] Bytes operator()(const int32_t* sums) const {
        return (*this)(load_wide(sums), load_wide(sums + kLanes), load_wide(sums + 2 * kLanes),
                       load_wide(sums + 3 * kLanes));
    }

  private:
    /// Number of breakpoints <= value, for each byte.
    [[gnu::always_inline]] Bytes segment_of(Bytes value) const {
        Bytes k = step_up(set_bytes(0), middle_, value, set_bytes(8));
        k = step_up(k, lookup(breakpoints_, add_bytes(k, set_bytes(3))), value, set_bytes(4));
        k = step_up(k, lookup(breakpoints_, add_bytes(k, set_bytes(1))), value, set_bytes(2));
        return step_up(k, lookup(breakpoints_, k), value, set_bytes(1));
    }
    [[gnu::always_inline]] void apply_table(Words& low, Words& high) const {
        const Bytes k = segment_of(pack_bytes(shift_right(low, 8), shift_right(high, 8)));
        const Bytes slope_low = lookup(slope_[0], k), slope_high = lookup(slope_[1], k);
        const Bytes at_low = lookup(intercept_[0], k), at_high = lookup(intercept_[1], k);
        low = add_sat(mulr(interleave_low(slope_low, slope_high), low), interleave_low(at_low, at_high));
        high = add_sat(mulr(interleave_high(slope_low, slope_high), high), interleave_high(at_low, at_high));
        if constexpr (kKind == StageKind::piecewise_channels) {
            low = mulr(low, channel_m_[0]);
            high = mulr(high, channel_m_[1]);
        }
        low = shift_right(add_sat(low, half_), r_);
        high = shift_right(add_sat(high, half_), r_);
    }

    Floats m_[4];
    Words zero_point_[2], channel_m_[2], half_;
    Bytes lo_, hi_, middle_, breakpoints_, slope_[2], intercept_[2];
    int32_t r_ = 0;
};

/// One block alone.
template <StageKind kKind>
inline Bytes finish(const Stage& stage, const StageBlock& block, const Wide sums[4]) {
    return Finisher<kKind>(stage, block)(sums[0], sums[1], sums[2], sums[3]);
}

/// Calls body with the kind as a compile-time constant, so that inner loops hold no switch.
template <class Body>
void with_kind(StageKind kind, Body body) {
    switch (kind) {
        case StageKind::requantize: return body(std::integral_constant<StageKind, StageKind::requantize>{});
        case StageKind::requantize_small: return body(std::integral_constant<StageKind, StageKind::requantize_small>{});
        case StageKind::piecewise: return body(std::integral_constant<StageKind, StageKind::piecewise>{});
        case StageKind::piecewise_channels:
            return body(std::integral_constant<StageKind, StageKind::piecewise_channels>{});
    }
}
