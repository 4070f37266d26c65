// Max pooling a row at a time: the largest of the window's rows into a line with its padding, then along the line.
// Padding is -128, which leaves every maximum as it is.

class MaxPoolLayer final : public PreparedLayer {
  public:
    explicit MaxPoolLayer(const LayerView& view) : in_(view.in[0]), out_(view.out), window_(pool_window(view)) {
        const npu::Axis& width = window_.width;
        const int64_t pixels = std::max((out_.width - 1) * width.stride + width.extent(), width.pad_before + in_.width);
        line_bytes_ = (pixels * in_.channels + 2 * kBlock + 63) / 64 * 64;
        out_bytes_ = (out_.width * in_.channels + kBlock + 63) / 64 * 64;
    }
    size_t scratch_bytes(int threads) const override {
        return static_cast<size_t>(threads) * static_cast<size_t>(line_bytes_ + out_bytes_);
    }
    void run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte> scratch,
             ThreadPool* pool) const override {
        const int64_t products = out_.elements() * window_.taps() * kTapProducts;
        for_items(pool, products, out_.depth * out_.height, [&](int64_t row, int worker) {
            auto* line = reinterpret_cast<int8_t*>(scratch.data()) + worker * (line_bytes_ + out_bytes_);
            fill_line(inputs[0], row, line);
            along_line(line, line + line_bytes_, output + row * out_.width * out_.channels);
        });
    }
    std::string_view kernel() const override { return CALOTYPE_ISA " max pool"; }

  private:
    void fill_line(const int8_t* x, int64_t row, int8_t* line) const;
    void along_line(const int8_t* line, int8_t* spare, int8_t* y) const;

    npu::Map in_, out_;
    npu::Window window_;
    int64_t line_bytes_, out_bytes_;
};

inline void MaxPoolLayer::fill_line(const int8_t* x, int64_t row, int8_t* line) const {
    const Reach depth = reach(window_.depth, row / out_.height, in_.depth);
    const Reach height = reach(window_.height, row % out_.height, in_.height);
    const int64_t bytes = in_.width * in_.channels, before = window_.width.pad_before * in_.channels;
    std::memset(line, -128, static_cast<size_t>(before));
    std::memset(line + before + bytes, -128, static_cast<size_t>(line_bytes_ - before - bytes));
    int8_t* to = line + before;
    std::memset(to, -128, static_cast<size_t>(bytes));
    for (int64_t d = 0; d < depth.count; ++d)
        for (int64_t h = 0; h < height.count; ++h) {
            const int64_t in_row = (depth.first + d * depth.step) * in_.height + height.first + h * height.step;
            const int8_t* from = x + in_row * bytes;
            int64_t i = 0;
            for (; i + kBlock <= bytes; i += kBlock)
                store_bytes(to + i, max_bytes(load_bytes(to + i), load_bytes(from + i)));
            for (; i < bytes; ++i) to[i] = std::max(to[i], from[i]);
        }
}

inline void MaxPoolLayer::along_line(const int8_t* line, int8_t* spare, int8_t* y) const {
    const npu::Axis& width = window_.width;
    const int64_t channels = in_.channels, tap = width.dilation * channels, taps = width.kernel;
    const auto largest = [&](const int8_t* from) {
        Bytes most = load_bytes(from);
        for (int64_t k = 1; k < taps; ++k) most = max_bytes(most, load_bytes(from + k * tap));
        return most;
    };
    // Blocks may end behind their pixel, where the next pixel's is written after; the row's end is copied.
    const int64_t row = out_.width * channels, step = width.stride * channels;
    if (width.stride == 1)
        for (int64_t i = 0; i < row; i += kBlock) store_bytes(spare + i, largest(line + i));
    else
        for (int64_t w = 0; w < out_.width; ++w)
            for (int64_t c = 0; c < channels; c += kBlock)
                store_bytes(spare + w * channels + c, largest(line + w * step + c));
    std::memcpy(y, spare, static_cast<size_t>(row));
}
