// Depthwise convolution, one output channel an input channel: acc = (bias - sum zp * w) + sum q * w.
// A row's outputs are one stretch of (column, channel); a tap reads the panel at a constant distance from it, so a block
// ends where it likes and weights repeat every least common multiple of channels and block.

class DepthwiseLayer final : public PreparedLayer {
  public:
    explicit DepthwiseLayer(const LayerView& view);
    size_t scratch_bytes(int threads) const override {
        return static_cast<size_t>(threads) * static_cast<size_t>(panel_bytes(panel_, bands_));
    }
    void run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte> scratch,
             ThreadPool* pool) const override;
    std::string_view kernel() const override { return CALOTYPE_ISA " depthwise"; }

  private:
    void pack(const LayerView& view, const npu::Conv& conv);
    template <StageKind kKind>
    void run_row(const Elem* panel, int8_t* y, int64_t period_block) const;

    npu::Map out_;
    int64_t stride_;
    PanelShape panel_;
    Bands bands_;
    int64_t period_;                 // blocks
    int64_t steps_;
    std::vector<int64_t> taps_;      // [steps * kTaps] elements from a row's first output
    AlignedVector<TapWeight> weights_; // [period, steps, kBlock, kTaps] in the sums' order
    AlignedVector<int32_t> bias_;      // [period, kBlock] in the sums' order
    Stage stage_;
};

inline DepthwiseLayer::DepthwiseLayer(const LayerView& view) : out_(view.out) {
    const auto& conv = std::get<npu::Conv>(view.layer->attributes);
    const npu::Window& win = conv.window;
    stride_ = win.height.stride;
    std::vector<int32_t> zero_points;
    for (int64_t c = 0; c < conv.in_channels; ++c) zero_points.push_back(view.zero_point(0, c));
    panel_ = make_panel_shape(view.in[0], out_, win, win.width.stride, zero_points);
    bands_ = make_bands(panel_, out_.depth, out_.elements() * win.taps(), out_.width * out_.channels);
    period_ = std::lcm(out_.channels, int64_t{kBlock}) / kBlock;
    for (int64_t kd = 0; kd < win.depth.kernel; ++kd)
        for (int64_t kh = 0; kh < win.height.kernel; ++kh)
            for (int64_t kw = 0; kw < win.width.kernel; ++kw) taps_.push_back(panel_.tap_elems(kd, kh, kw));
    steps_ = (win.taps() + kTaps - 1) / kTaps;
    taps_.resize(static_cast<size_t>(steps_ * kTaps), taps_.back());  // with weight 0
    pack(view, conv);
    stage_ = make_stage(view.stage, static_cast<size_t>(period_), depthwise_offset,
                        [&](int64_t block, int offset) { return (block * kBlock + offset) % out_.channels; });
}

inline void DepthwiseLayer::pack(const LayerView& view, const npu::Conv& conv) {
    const int64_t taps = conv.window.taps();
    weights_.assign(static_cast<size_t>(period_ * steps_ * kBlock * kTaps), 0);
    for (int64_t b = 0; b < period_; ++b)
        for (int i = 0; i < kBlock; ++i) {
            const int64_t channel = (b * kBlock + depthwise_offset(i / kLanes, i % kLanes)) % out_.channels;
            const int8_t* w = view.layer->weights.data() + channel * taps;
            int64_t bias = view.layer->bias[static_cast<size_t>(channel)];
            for (int64_t t = 0; t < taps; ++t) {
                const int64_t at = ((b * steps_ + t / kTaps) * kBlock + i) * kTaps + t % kTaps;
                weights_[static_cast<size_t>(at)] = w[t];
                bias -= int64_t{w[t]} * (view.zero_point(0, channel) + kElemOffset);
            }
            bias_.push_back(static_cast<int32_t>(static_cast<uint32_t>(bias)));
        }
}

template <StageKind kKind>
void DepthwiseLayer::run_row(const Elem* panel, int8_t* y, int64_t period_block) const {
    const int64_t row = out_.width * out_.channels;
    const StageBlock& block = stage_.blocks[static_cast<size_t>(period_block)];
    const TapWeight* weights = weights_.data() + period_block * steps_ * kBlock * kTaps;
    const int32_t* bias = bias_.data() + period_block * kBlock;
    for (int64_t at = period_block * kBlock; at < row; at += period_ * kBlock) {
        Wide sums[4];
        for (int i = 0; i < 4; ++i) sums[i] = load_wide(bias + i * kLanes);
        const TapWeight* w = weights;
        for (int64_t s = 0; s < steps_; ++s, w += kBlock * kTaps) {
            const Elem* taps[kTaps];
            for (int t = 0; t < kTaps; ++t) taps[t] = panel + taps_[static_cast<size_t>(s * kTaps + t)];
            depthwise_step(sums, taps, at, w);
        }
        const Bytes codes = depthwise_natural(finish<kKind>(stage_, block, sums));
        if (at + kBlock <= row) {
            store_bytes(y + at, codes);
        } else {
            alignas(64) int8_t tail[kBlock];
            store_bytes(tail, codes);
            std::memcpy(y + at, tail, static_cast<size_t>(row - at));
        }
    }
}

inline void DepthwiseLayer::run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte> scratch,
                                ThreadPool* pool) const {
    const int64_t own_bytes = panel_bytes(panel_, bands_);
    for_items(pool, bands_.count(), [&](int64_t band, int worker) {
        const int64_t depth = band / bands_.per_depth(), rows = bands_.rows_of(band), first = bands_.first_row(band);
        auto* panel = reinterpret_cast<Elem*>(scratch.data() + worker * own_bytes);
        fill_panel(panel_, inputs[0], depth, first, rows, panel);
        with_kind(stage_.kind, [&](auto kind) {
            for (int64_t b = 0; b < period_; ++b)
                for (int64_t r = 0; r < rows; ++r)
                    run_row<kind.value>(panel + r * stride_ * panel_.row_elems(),
                                        output + (depth * out_.height + first + r) * out_.width * out_.channels, b);
        });
    });
}
