// Depthwise convolution, one output channel an input channel: acc = (bias - sum zp * w) + sum q * w over the
// interleaved panel. Channels are cut into slices, so that a slice's panel and weights stay in the first-level cache. A
// row of a slice is one stretch of (column, channel), in blocks whose constants repeat every least common multiple of
// channels and block.

class DepthwiseSlice {
  public:
    DepthwiseSlice(const LayerView& view, int64_t first_channel, int64_t channels,
                   std::span<const int32_t> zero_points);
    size_t panel_bytes() const { return panel_.bytes(); }
    size_t weight_bytes() const { return weights_.size() * sizeof(TapWeight); }
    int64_t set_rows() const { return panel_.set_rows; }
    /// The set's output rows from `first_row` on.
    void run(const int8_t* x, int64_t depth, int64_t first_row, int8_t* y, int32_t* panel) const;

  private:
    void pack(const LayerView& view, const npu::Conv& conv);
    template <StageKind kKind>
    void run_chunk(const int32_t* panel, int64_t set_row, int8_t* y, int64_t columns) const;
    void store(int8_t* y, int64_t place, Bytes codes, int64_t left) const;

    npu::Map out_;
    int64_t first_channel_, channels_;
    DepthwisePanel panel_;
    int64_t period_;                 // blocks
    int64_t advance_, out_advance_;  // dwords of the panel and codes from a block to the one a period later
    std::vector<int64_t> taps_;      // [steps] bytes
    std::vector<int64_t> wides_,
        out_wides_;                     // [period, 4] dwords and codes from a chunk's begin to the wides of a block
    AlignedVector<TapWeight> weights_;  // [period, set rows, steps, kBlock, kTaps]
    AlignedVector<int32_t> bias_;       // [period, kBlock]
    Stage stage_;
};

inline DepthwiseSlice::DepthwiseSlice(const LayerView& view, int64_t first_channel, int64_t channels,
                                      std::span<const int32_t> zero_points)
    : out_(view.out),
      first_channel_(first_channel),
      channels_(channels),
      panel_(view.in[0], view.out, std::get<npu::Conv>(view.layer->attributes).window, first_channel, channels,
             zero_points) {
    const auto& conv = std::get<npu::Conv>(view.layer->attributes);
    const int64_t stride = conv.window.width.stride / panel_.phases;
    period_ = period_blocks(channels_, panel_.chunk_columns * channels_);
    advance_ = period_ * kBlock * stride;
    out_advance_ = period_ * kBlock / channels_ * out_.channels;
    for (int64_t group = 0; group < panel_.groups(); ++group)
        for (int64_t kw = 0; kw < conv.window.width.kernel; ++kw) taps_.push_back(panel_.tap_dwords(group, kw) * 4);
    for (int64_t at = 0; at < period_ * kBlock; at += kLanes) {
        wides_.push_back(at / channels_ * (stride - 1) * channels_ + at);
        out_wides_.push_back(at / channels_ * out_.channels + at % channels_);
    }
    pack(view, conv);
    stage_ = make_stage(view.stage, static_cast<size_t>(period_), natural_offset, [&](int64_t block, int offset) {
        return first_channel_ + (block * kBlock + offset) % channels_;
    });
}

inline void DepthwiseSlice::pack(const LayerView& view, const npu::Conv& conv) {
    const npu::Window& win = conv.window;
    const auto steps = static_cast<int64_t>(taps_.size());
    weights_.assign(static_cast<size_t>(period_ * panel_.set_rows * steps * kBlock * kTaps), 0);
    for (int64_t b = 0; b < period_; ++b)
        for (int i = 0; i < kBlock; ++i) {
            const int64_t channel = first_channel_ + (b * kBlock + i) % channels_;
            const int8_t* w = view.layer->weights.data() + channel * win.taps();
            int64_t bias = view.layer->bias[static_cast<size_t>(channel)];
            for (int64_t t = 0; t < win.taps(); ++t) {
                const int64_t kw = t % win.width.kernel, kh = t / win.width.kernel % win.height.kernel;
                const int64_t plane = t / (win.width.kernel * win.height.kernel) * panel_.plane_groups;
                for (int64_t row = 0; row < panel_.set_rows; ++row) {
                    const int64_t tap = row * win.height.stride + kh;
                    const int64_t step = (plane + tap / kTaps) * win.width.kernel + kw;
                    const int64_t at =
                        (((b * panel_.set_rows + row) * steps + step) * kBlock + i) * kTaps + tap % kTaps;
                    weights_[static_cast<size_t>(at)] = w[t];
                }
                bias -= int64_t{w[t]} * (view.zero_point(0, channel) + kElemOffset);
            }
            bias_.push_back(static_cast<int32_t>(static_cast<uint32_t>(bias)));
        }
}

/// A block's codes wide by wide, of which the first `left` lie in the row.
inline void DepthwiseSlice::store(int8_t* y, int64_t place, Bytes codes, int64_t left) const {
    const int64_t* wides = out_wides_.data() + 4 * place;
    alignas(64) int8_t few[kBlock];
    store_bytes(few, codes);
    for (int64_t v = 0; v < 4 && v * kLanes < left; ++v) {
        if (left - v * kLanes >= kLanes)
            std::memcpy(y + wides[v], few + v * kLanes, kLanes);
        else
            std::memcpy(y + wides[v], few + v * kLanes, static_cast<size_t>(left - v * kLanes));
    }
}

template <StageKind kKind>
void DepthwiseSlice::run_chunk(const int32_t* panel, int64_t set_row, int8_t* y, int64_t columns) const {
    alignas(64) int32_t sums[kDepthwiseBlocks * kBlock];
    const int64_t codes = columns * channels_, blocks = (codes + kBlock - 1) / kBlock;
    for (int64_t place = 0; place < std::min(period_, blocks); ++place) {
        const int64_t* wides = wides_.data() + 4 * place;
        DepthwiseInput in{};
        in.panel = panel + wides[0];
        in.advance = advance_ * 4;
        for (int v = 1; v < 4; ++v) in.wides[v - 1] = (wides[v] - wides[0]) * 4;
        in.taps = taps_.data();
        in.steps = static_cast<int64_t>(taps_.size());
        in.weights = weights_.data() + (place * panel_.set_rows + set_row) * in.steps * kBlock * kTaps;
        in.bias = bias_.data() + place * kBlock;
        const int64_t* out_wides = out_wides_.data() + 4 * place;
        const bool whole = out_wides[3] - out_wides[0] == 3 * kLanes;
        const int64_t out_advance = out_advance_, period_codes = period_ * kBlock;
        int64_t codes_left = codes - place * kBlock;
        int8_t *to = y, *to_whole = y + out_wides[0];
        for (int64_t left = (blocks - place + period_ - 1) / period_; left > 0;) {
            const int64_t now = std::min<int64_t>(kDepthwiseBlocks, left);
            depthwise_tile(now, in, sums);
            const Finisher<kKind> finish(stage_, stage_.blocks[static_cast<size_t>(place)]);
            for (int64_t b = 0; b < now; ++b) {
                const Bytes done = natural(finish(sums + b * kBlock));
                if (whole && codes_left >= kBlock)
                    store_bytes(to_whole, done);
                else
                    store(to, place, done, codes_left);
                to += out_advance;
                to_whole += out_advance;
                codes_left -= period_codes;
            }
            in.panel += now * advance_;
            left -= now;
        }
    }
}

inline void DepthwiseSlice::run(const int8_t* x, int64_t depth, int64_t first_row, int8_t* y, int32_t* panel) const {
    for (int64_t first = 0; first < out_.width; first += panel_.chunk_columns) {
        const int64_t columns = std::min(panel_.chunk_columns, out_.width - first);
        panel_.fill(x + first_channel_, depth, first_row, first, columns, panel);
        with_kind(stage_.kind, [&](auto kind) {
            for (int64_t row = 0; row < std::min(panel_.set_rows, out_.height - first_row); ++row) {
                const int64_t at = (depth * out_.height + first_row + row) * out_.width + first;
                run_chunk<kind.value>(panel, row, y + at * out_.channels + first_channel_, columns);
            }
        });
    }
}

class DepthwiseLayer final : public PreparedLayer {
  public:
    explicit DepthwiseLayer(const LayerView& view) : out_(view.out) {
        std::vector<int32_t> zero_points;
        for (int64_t c = 0; c < out_.channels; ++c) zero_points.push_back(view.zero_point(0, c));
        slices_.emplace_back(view, 0, out_.channels, zero_points);
        if (slices_[0].weight_bytes() > kWeightBytes && out_.channels >= 2 * kSlice && out_.channels % kLanes == 0)
            cut(view, zero_points);
        for (const DepthwiseSlice& slice : slices_) bytes_ = std::max(bytes_, slice.panel_bytes());
        products_ = out_.elements() * std::get<npu::Conv>(view.layer->attributes).window.taps() * kTapProducts;
    }
    size_t scratch_bytes(int threads) const override { return static_cast<size_t>(threads) * bytes_; }
    void run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte> scratch,
             ThreadPool* pool) const override {
        const int64_t set_rows = slices_[0].set_rows(), sets = (out_.height + set_rows - 1) / set_rows;
        for_items(pool, products_, out_.depth * sets, [&](int64_t item, int worker) {
            auto* panel = reinterpret_cast<int32_t*>(scratch.data() + static_cast<size_t>(worker) * bytes_);
            for (const DepthwiseSlice& slice : slices_)
                slice.run(inputs[0], item / sets, item % sets * set_rows, output, panel);
        });
    }
    std::string_view kernel() const override { return CALOTYPE_ISA " depthwise"; }

  private:
    static constexpr size_t kWeightBytes = 16 << 10;  // that leave room for the panel in the first-level cache
    static constexpr int64_t kSlice = 64;             // whole blocks

    /// Into slices of kSlice channels and a last of up to twice as many.
    void cut(const LayerView& view, std::span<const int32_t> zero_points) {
        slices_.clear();
        for (int64_t first = 0; first < out_.channels;) {
            const int64_t left = out_.channels - first, channels = left >= 2 * kSlice ? kSlice : left;
            slices_.emplace_back(view, first, channels, zero_points);
            first += channels;
        }
    }

    npu::Map out_;
    int64_t products_;
    size_t bytes_ = 0;
    std::vector<DepthwiseSlice> slices_;
};
