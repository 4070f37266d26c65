// Dense and grouped convolution and FC: acc = (bias - sum zp * w) + sum q * w as an implicit matrix product over the panel.
// K runs over taps and channels; where taps of a row touch (one group, no dilation) they are one stretch of kernel width *
// channels, which needs no padding of thin inputs.

class DenseLayer final : public PreparedLayer {
  public:
    /// `zero_points`: one an input channel.
    DenseLayer(const LayerView& view, const npu::Conv& conv, const npu::Map& in, const npu::Map& out,
               std::span<const int32_t> zero_points);
    size_t scratch_bytes(int threads) const override {
        return static_cast<size_t>(threads) * static_cast<size_t>(panel_bytes(panel_, bands_));
    }
    void run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte> scratch,
             ThreadPool* pool) const override;
    std::string_view kernel() const override { return kName; }

  private:
    static constexpr std::string_view kName = CALOTYPE_ISA " conv";
    struct Row {
        const Elem* panel;  // of the row's first output pixel
        int8_t* y;
        int64_t pixels;
    };
    void pack(const LayerView& view, std::span<const int32_t> zero_points);
    void fill(const int8_t* x, int64_t depth, int64_t first, int64_t rows, Elem* panel) const;
    template <StageKind kKind>
    void run_row(const Row& row, int64_t group, int64_t channel_tile) const;
    int64_t tiles_per_group() const { return (group_out_ + kTileChannels - 1) / kTileChannels; }

    npu::Conv conv_;
    npu::Map out_;
    PanelShape panel_;
    Bands bands_;
    int64_t group_in_, group_out_;
    bool joined_;                 // the taps of a row are one run
    int64_t run_elems_, runs_, steps_;
    int64_t tile_splits_ = 1;     // items a band is split into by output channels
    bool pointwise_;              // the map is cut into rows of equal length, whatever its own are
    int64_t last_row_pixels_;     // of which the last may be shorter
    std::vector<int64_t> offsets_;  // [runs] bytes
    std::vector<int8_t> weights_;
    std::vector<int32_t> bias_;
    Stage stage_;
};

inline DenseLayer::DenseLayer(const LayerView& view, const npu::Conv& conv, const npu::Map& in, const npu::Map& out,
                              std::span<const int32_t> zero_points)
    : conv_(conv), out_(out), group_in_(conv.in_channels / conv.groups), group_out_(conv.out_channels / conv.groups) {
    npu::Map seen_in = in;
    last_row_pixels_ = out.width;
    pointwise_ = conv.window == npu::Window{};
    if (pointwise_) {
        constexpr int64_t kRowPixels = 8 * kTileRows;
        const int64_t pixels = out.pixels(), rows = (pixels + kRowPixels - 1) / kRowPixels;
        const int64_t width = (pixels + rows - 1) / rows;
        out_ = {1, (pixels + width - 1) / width, width, out.channels};
        seen_in = {1, out_.height, width, in.channels};
        last_row_pixels_ = pixels - (out_.height - 1) * width;
    }
    panel_ = make_panel_shape(seen_in, out_, conv.window, 1, zero_points);
    const int64_t macs = out.pixels() * conv.out_channels * conv.window.taps() * group_in_;
    bands_ = make_bands(panel_, out_.depth, macs);
    if (bands_.count() == 1 && macs > 1 << 18) tile_splits_ = std::min<int64_t>(4, tiles_per_group());
    joined_ = conv.groups == 1 && conv.window.width.dilation == 1;
    run_elems_ = joined_ ? conv.window.width.kernel * group_in_ : group_in_;
    runs_ = conv.window.taps() * group_in_ / run_elems_;
    steps_ = (run_elems_ + kTaps - 1) / kTaps;
    pack(view, zero_points);
    const auto tiles = static_cast<size_t>(conv.groups * tiles_per_group());
    stage_ = make_stage(view.stage, tiles, natural_offset, [&](int64_t tile, int offset) {
        const int64_t channel = tile % tiles_per_group() * kTileChannels + offset % kTileChannels;
        return tile / tiles_per_group() * group_out_ + std::min(channel, group_out_ - 1);
    });
    const npu::Window& win = conv.window;
    for (int64_t kd = 0; kd < win.depth.kernel; ++kd)
        for (int64_t kh = 0; kh < win.height.kernel; ++kh)
            for (int64_t kw = 0; kw < (joined_ ? 1 : win.width.kernel); ++kw)
                offsets_.push_back(panel_.tap_elems(kd, kh, kw) * static_cast<int64_t>(sizeof(Elem)));
}

// [group, tile, run, step, channel, kTaps]; channels behind the last and elements behind a run's end have weight 0.
inline void DenseLayer::pack(const LayerView& view, std::span<const int32_t> zero_points) {
    const int64_t tile_bytes = runs_ * steps_ * kTileChannels * kTaps;
    weights_.assign(static_cast<size_t>(conv_.groups * tiles_per_group() * tile_bytes), 0);
    bias_.assign(static_cast<size_t>(conv_.groups * tiles_per_group() * kTileChannels), 0);
    for (int64_t o = 0; o < conv_.out_channels; ++o) {
        const int64_t group = o / group_out_, in_group = o % group_out_;
        const int64_t tile = group * tiles_per_group() + in_group / kTileChannels, channel = in_group % kTileChannels;
        const int8_t* w = view.layer->weights.data() + o * runs_ * run_elems_;
        int8_t* to = weights_.data() + tile * tile_bytes;
        int64_t bias = view.layer->bias[static_cast<size_t>(o)];
        for (int64_t run = 0; run < runs_; ++run)
            for (int64_t i = 0; i < run_elems_; ++i, ++w) {
                to[((run * steps_ + i / kTaps) * kTileChannels + channel) * kTaps + i % kTaps] = *w;
                const int32_t zero_point = zero_points[static_cast<size_t>(group * group_in_ + i % group_in_)];
                bias -= int64_t{*w} * (zero_point + kElemOffset);
            }
        // Sums wrap modulo 2^32 on the way; the whole fits.
        bias_[static_cast<size_t>(tile * kTileChannels + channel)] = static_cast<int32_t>(static_cast<uint32_t>(bias));
    }
}

template <StageKind kKind>
void DenseLayer::run_row(const Row& row, int64_t group, int64_t channel_tile) const {
    alignas(64) int32_t sums[(kTileRows + kBlock / kTileChannels) * kTileChannels];
    const int64_t index = group * tiles_per_group() + channel_tile;
    const int64_t channels = std::min<int64_t>(kTileChannels, group_out_ - channel_tile * kTileChannels);
    const StageBlock& block = stage_.blocks[static_cast<size_t>(index)];
    TileInput in{};
    in.pixel_bytes = conv_.window.width.stride * panel_.in.channels * static_cast<int64_t>(sizeof(Elem));
    in.runs = runs_;
    in.steps = steps_;
    in.weights = weights_.data() + index * runs_ * steps_ * kTileChannels * kTaps;
    in.bias = bias_.data() + index * kTileChannels;
    in.offsets = offsets_.data();
    int8_t* y = row.y + group * group_out_ + channel_tile * kTileChannels;
    const int64_t tiles = (row.pixels + kTileRows - 1) / kTileRows;
    constexpr int kPixels = kBlock / kTileChannels;  // of a block
    for (int64_t t = 0, first = 0; t < tiles; ++t) {
        const int64_t last = row.pixels * (t + 1) / tiles;  // tiles of nearly one size
        const auto rows = static_cast<int>(last - first);
        in.pixel = row.panel + group * group_in_ + first * conv_.window.width.stride * panel_.in.channels;
        tile(rows, in, sums);
        for (int p = 0; p < rows; p += kPixels) {
            Wide v[4];
            for (int i = 0; i < 4; ++i) v[i] = load_wide(sums + p * kTileChannels + i * kLanes);
            const Bytes codes = natural(finish<kKind>(stage_, block, v));
            for (int part = 0; part < kPixels && p + part < rows; ++part)
                store_part<kTileVectors>(y + (first + p + part) * out_.channels, codes, part, channels);
        }
        first = last;
    }
}

inline void DenseLayer::fill(const int8_t* x, int64_t depth, int64_t first, int64_t rows, Elem* panel) const {
    if (!pointwise_) return fill_panel(panel_, x, depth, first, rows, panel);
    const int64_t last = first + rows;
    const int64_t pixels = (last - 1 - first) * out_.width + (last == out_.height ? last_row_pixels_ : out_.width);
    to_elems(panel, x + first * out_.width * conv_.in_channels, pixels * conv_.in_channels);
}

inline void DenseLayer::run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte> scratch,
                            ThreadPool* pool) const {
    const int64_t own_bytes = panel_bytes(panel_, bands_);
    const int64_t tiles = conv_.groups * tiles_per_group();
    for_items(pool, bands_.count() * tile_splits_, [&](int64_t item, int worker) {
        const int64_t band = item / tile_splits_, split = item % tile_splits_;
        const int64_t depth = band / bands_.per_depth(), rows = bands_.rows_of(band), first = bands_.first_row(band);
        auto* panel = reinterpret_cast<Elem*>(scratch.data() + worker * own_bytes);
        fill(inputs[0], depth, first, rows, panel);
        with_kind(stage_.kind, [&](auto kind) {
            for (int64_t t = tiles * split / tile_splits_; t < tiles * (split + 1) / tile_splits_; ++t)
                for (int64_t r = 0; r < rows; ++r) {
                    const int64_t at = depth * out_.height + first + r;
                    const Row row{panel + r * conv_.window.height.stride * panel_.row_elems(),
                                  output + at * out_.width * out_.channels,
                                  first + r + 1 == out_.height ? last_row_pixels_ : out_.width};
                    run_row<kind.value>(row, t / tiles_per_group(), t % tiles_per_group());
                }
        });
    });
}
