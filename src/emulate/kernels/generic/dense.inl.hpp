// Dense and grouped convolution and FC: acc = (bias - sum zp * w) + sum q * w as an implicit matrix product over the
// panel. K runs over taps and channels; where taps of a row touch (one group, no dilation) they are one stretch of
// kernel width * channels, which needs no padding of thin inputs.

/// body(width as a compile-time constant), where width is one of kTileVectors.
template <class Body>
void with_vectors(int width, Body body) {
    const auto run = [&]<size_t... kAt>(std::index_sequence<kAt...>) {
        ((width == kTileVectors[kAt] ? body(std::integral_constant<int, kTileVectors[kAt]>{}) : void()), ...);
    };
    run(std::make_index_sequence<std::size(kTileVectors)>{});
}

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
    /// A stretch of output channels that one tile computes.
    struct ChannelTile {
        int64_t group, first_channel, channels;  // the first of all, not of the group
        int vectors;
        int64_t weights, bias;  // where they begin
    };
    struct Row {
        const Elem* panel;  // of the row's first output pixel
        int8_t* y;
        int64_t pixels;
    };
    void cut_channels();
    void pack(const LayerView& view, std::span<const int32_t> zero_points);
    void fill(const int8_t* x, int64_t depth, int64_t first, int64_t rows, Elem* panel) const;
    template <StageKind kKind, int kVectors>
    void run_row(const Row& row, size_t tile) const;

    npu::Conv conv_;
    npu::Map out_;
    PanelShape panel_;
    Bands bands_;
    int64_t group_in_, group_out_, products_;
    bool joined_;  // the taps of a row are one run
    int64_t run_elems_, runs_, steps_;
    int64_t tile_splits_ = 1;  // items a band is split into by output channels
    bool pointwise_;           // the map is cut into rows of equal length, whatever its own are
    int64_t last_row_pixels_;  // of which the last may be shorter
    std::vector<ChannelTile> tiles_;
    std::vector<int64_t> offsets_;  // [runs] bytes
    AlignedVector<TapWeight> weights_;
    AlignedVector<int32_t> bias_;
    Stage stage_;
};

inline DenseLayer::DenseLayer(const LayerView& view, const npu::Conv& conv, const npu::Map& in, const npu::Map& out,
                              std::span<const int32_t> zero_points)
    : conv_(conv), out_(out), group_in_(conv.in_channels / conv.groups), group_out_(conv.out_channels / conv.groups) {
    npu::Map seen_in = in;
    last_row_pixels_ = out.width;
    pointwise_ = conv.window == npu::Window{};
    if (pointwise_) {
        constexpr int64_t kRowPixels = 112;
        const int64_t pixels = out.pixels(), rows = (pixels + kRowPixels - 1) / kRowPixels;
        const int64_t width = (pixels + rows - 1) / rows;
        out_ = {1, (pixels + width - 1) / width, width, out.channels};
        seen_in = {1, out_.height, width, in.channels};
        last_row_pixels_ = pixels - (out_.height - 1) * width;
    }
    panel_ = make_panel_shape(seen_in, out_, conv.window, zero_points);
    const int64_t weights = conv.out_channels * conv.window.taps() * group_in_;
    products_ = weights * (out.pixels() + kWeightProducts);
    const int64_t items = worth_splitting(products_) ? kSplitItems : 1;
    bands_ = make_bands(panel_, out_.depth, items, out_.width * out_.channels);
    joined_ = conv.groups == 1 && conv.window.width.dilation == 1;
    run_elems_ = joined_ ? conv.window.width.kernel * group_in_ : group_in_;
    runs_ = conv.window.taps() * group_in_ / run_elems_;
    steps_ = (run_elems_ + kTaps - 1) / kTaps;
    cut_channels();
    if (bands_.count() == 1) tile_splits_ = std::min(items, static_cast<int64_t>(tiles_.size()));
    pack(view, zero_points);
    stage_ = make_stage(view.stage, tiles_.size(), natural_offset, [&](int64_t index, int offset) {
        const ChannelTile& tile = tiles_[static_cast<size_t>(index)];
        return tile.first_channel + std::min<int64_t>(offset % (tile.vectors * kLanes), tile.channels - 1);
    });
    const npu::Window& win = conv.window;
    for (int64_t kd = 0; kd < win.depth.kernel; ++kd)
        for (int64_t kh = 0; kh < win.height.kernel; ++kh)
            for (int64_t kw = 0; kw < (joined_ ? 1 : win.width.kernel); ++kw)
                offsets_.push_back(panel_.tap_elems(kd, kh, kw) * static_cast<int64_t>(sizeof(Elem)));
}

// Each group's channels from the widest tile down; the last may be partly empty.
inline void DenseLayer::cut_channels() {
    int64_t weights = 0, bias = 0;
    for (int64_t group = 0; group < conv_.groups; ++group)
        for (int64_t at = 0; at < group_out_;) {
            const int64_t wides = (group_out_ - at + kLanes - 1) / kLanes;
            int vectors = std::end(kTileVectors)[-1];
            for (const int width : kTileVectors)
                if (width <= wides) vectors = std::max(vectors, width);
            const int64_t channels = std::min<int64_t>(vectors * kLanes, group_out_ - at);
            tiles_.push_back({group, group * group_out_ + at, channels, vectors, weights, bias});
            weights += runs_ * steps_ * vectors * kLanes * kTaps;
            bias += vectors * kLanes;
            at += channels;
        }
    weights_.assign(static_cast<size_t>(weights), 0);
    bias_.assign(static_cast<size_t>(bias), 0);
}

// [tile, run, step, channel, kTaps]; channels behind the last and elements behind a run's end have weight 0.
inline void DenseLayer::pack(const LayerView& view, std::span<const int32_t> zero_points) {
    for (const ChannelTile& tile : tiles_)
        for (int64_t c = 0; c < tile.channels; ++c) {
            const int64_t channel = tile.first_channel + c, width = tile.vectors * kLanes;
            const int8_t* w = view.layer->weights.data() + channel * runs_ * run_elems_;
            TapWeight* to = weights_.data() + tile.weights;
            int64_t bias = view.layer->bias[static_cast<size_t>(channel)];
            for (int64_t run = 0; run < runs_; ++run)
                for (int64_t i = 0; i < run_elems_; ++i, ++w) {
                    to[((run * steps_ + i / kTaps) * width + c) * kTaps + i % kTaps] = *w;
                    const int32_t zero_point = zero_points[static_cast<size_t>(tile.group * group_in_ + i % group_in_)];
                    bias -= int64_t{*w} * (zero_point + kElemOffset);
                }
            // Sums wrap modulo 2^32 on the way; the whole fits.
            bias_[static_cast<size_t>(tile.bias + c)] = static_cast<int32_t>(static_cast<uint32_t>(bias));
        }
}

template <StageKind kKind, int kVectors>
void DenseLayer::run_row(const Row& row, size_t index) const {
    constexpr int64_t kBlockPixels = 4 / kVectors, kMost = tile_pixels(kVectors);
    alignas(64) int32_t sums[(kTileSums + 4) * kLanes];
    const ChannelTile& channels = tiles_[index];
    const int64_t step = out_.channels, count = channels.channels;
    const int64_t pixel_elems = conv_.window.width.stride * panel_.in.channels;
    TileInput in{};
    in.pixel = row.panel + channels.group * group_in_;
    in.pixel_bytes = pixel_elems * static_cast<int64_t>(sizeof(Elem));
    in.runs = runs_;
    in.steps = steps_;
    in.weights = weights_.data() + channels.weights;
    in.bias = bias_.data() + channels.bias;
    in.offsets = offsets_.data();
    int8_t* y = row.y + channels.first_channel;
    // Tiles of nearly one size, in whole blocks of codes.
    const int64_t tiles = (row.pixels + kMost - 1) / kMost, even = (row.pixels + tiles - 1) / tiles;
    const int64_t most = std::min(kMost, (even + kBlockPixels - 1) / kBlockPixels * kBlockPixels);
    for (int64_t left = row.pixels; left > 0; left -= most, in.pixel += most * pixel_elems) {
        const int64_t pixels = std::min(most, left);
        tile<kVectors>(pixels, in, sums);
        const int32_t* from = sums;
        const Finisher<kKind> finish(stage_, stage_.blocks[index]);
        for (int64_t p = 0; p < pixels; p += kBlockPixels, from += kBlock, y += kBlockPixels * step)
            store_pixels<kVectors>(y, step, natural(finish(from)), std::min(kBlockPixels, pixels - p), count);
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
    const auto tiles = static_cast<int64_t>(tiles_.size());
    for_items(pool, products_, bands_.count() * tile_splits_, [&](int64_t item, int worker) {
        const int64_t band = item / tile_splits_, split = item % tile_splits_;
        const int64_t depth = band / bands_.per_depth(), rows = bands_.rows_of(band), first = bands_.first_row(band);
        auto* panel = reinterpret_cast<Elem*>(scratch.data() + worker * own_bytes);
        fill(inputs[0], depth, first, rows, panel);
        for (int64_t t = tiles * split / tile_splits_; t < tiles * (split + 1) / tile_splits_; ++t)
            with_kind(stage_.kind, [&](auto kind) {
                with_vectors(tiles_[static_cast<size_t>(t)].vectors, [&](auto vectors) {
                    for (int64_t r = 0; r < rows; ++r) {
                        const int64_t at = depth * out_.height + first + r;
                        const Row row{panel + r * conv_.window.height.stride * panel_.row_elems(),
                                      output + at * out_.width * out_.channels,
                                      first + r + 1 == out_.height ? last_row_pixels_ : out_.width};
                        run_row<kind.value, vectors.value>(row, static_cast<size_t>(t));
                    }
                });
            });
    });
}
