// The panel: the input rows that a band of output rows reads, padding written out, as elements that the inner loops
// take without looking at borders.

struct PanelShape {
    npu::Map in;
    npu::Window window;
    int64_t out_height = 1;     // as the kernel sees it
    int64_t padded_width = 0;   // pixels that a row's outputs reach over
    int64_t plane_rows = 0;     // rows of the panel for one tap of the window's depth
    std::vector<Elem> padding;  // one pixel

    int64_t row_elems() const { return padded_width * in.channels; }
    /// Input rows for `rows` output rows.
    int64_t band_rows(int64_t rows) const { return (rows - 1) * window.height.stride + window.height.extent(); }
    int64_t band_elems(int64_t rows) const { return window.depth.kernel * band_rows(rows) * row_elems(); }
    /// Where tap (kd, kh, kw) of output (first row of the band, column 0) lies, in elements.
    int64_t tap_elems(int64_t kd, int64_t kh, int64_t kw) const {
        const int64_t row = kd * plane_rows + kh * window.height.dilation;
        return row * row_elems() + kw * window.width.dilation * in.channels;
    }
};

inline PanelShape make_panel_shape(const npu::Map& in, const npu::Map& out, const npu::Window& window,
                                   std::span<const int32_t> zero_points) {
    PanelShape shape{in, window, out.height, 0, 0, {}};
    shape.padded_width = (out.width - 1) * window.width.stride + window.width.extent();
    for (const int32_t zero_point : zero_points) shape.padding.push_back(static_cast<Elem>(zero_point + kElemOffset));
    return shape;
}

inline void fill_padding(const PanelShape& shape, Elem* to, int64_t pixels) {
    for (int64_t i = 0; i < pixels; ++i)
        std::memcpy(to + i * shape.in.channels, shape.padding.data(), shape.padding.size() * sizeof(Elem));
}

/// One row of the panel from one row of the input (null: a row of padding).
inline void fill_row(const PanelShape& shape, const int8_t* row, Elem* to) {
    const int64_t channels = shape.in.channels, before = shape.window.width.pad_before;
    if (row == nullptr) return fill_padding(shape, to, shape.padded_width);
    const int64_t real = std::clamp<int64_t>(shape.padded_width - before, 0, shape.in.width);
    fill_padding(shape, to, std::min(before, shape.padded_width));
    to_elems(to + before * channels, row, real * channels);
    fill_padding(shape, to + (before + real) * channels, shape.padded_width - before - real);
}

/// All rows for `rows` output rows from `first_row` on, at output depth `depth`.
inline void fill_panel(const PanelShape& shape, const int8_t* x, int64_t depth, int64_t first_row, int64_t rows,
                       Elem* to) {
    const npu::Window& win = shape.window;
    for (int64_t kd = 0; kd < win.depth.kernel; ++kd) {
        const int64_t d = depth * win.depth.stride + kd * win.depth.dilation - win.depth.pad_before;
        Elem* row = to + kd * shape.plane_rows * shape.row_elems();
        for (int64_t i = 0; i < shape.band_rows(rows); ++i, row += shape.row_elems()) {
            const int64_t h = first_row * win.height.stride + i - win.height.pad_before;
            const bool real = d >= 0 && d < shape.in.depth && h >= 0 && h < shape.in.height;
            fill_row(shape, real ? x + (d * shape.in.height + h) * shape.in.width * shape.in.channels : nullptr, row);
        }
    }
}

/// Bands of output rows: the unit of work of a thread, small enough for its panel and its codes to stay in the
/// first-level cache while one stretch of channels after the other is computed.
struct Bands {
    int64_t depth = 1, height = 1, rows = 1;
    int64_t per_depth() const { return (height + rows - 1) / rows; }
    int64_t count() const { return depth * per_depth(); }
    int64_t rows_of(int64_t band) const { return std::min(rows, height - first_row(band)); }
    int64_t first_row(int64_t band) const { return band % per_depth() * rows; }
};

/// `least`: bands that the threads want.
inline Bands make_bands(PanelShape& shape, int64_t depth, int64_t least, int64_t out_row_bytes) {
    constexpr int64_t kBandBytes = 32 << 10;
    int64_t rows = std::max<int64_t>(1, (shape.out_height + least - 1) / least);
    const auto bytes = [&] {
        return shape.band_elems(rows) * static_cast<int64_t>(sizeof(Elem)) + rows * out_row_bytes;
    };
    while (rows > 1 && bytes() > kBandBytes) --rows;
    shape.plane_rows = shape.band_rows(rows);
    return {depth, shape.out_height, rows};
}

/// Inner loops may read this far past a panel's last element.
constexpr int64_t kPanelSlackElems = 2 * kBlock;

inline int64_t panel_bytes(const PanelShape& shape, const Bands& bands) {
    const int64_t bytes = (shape.band_elems(bands.rows) + kPanelSlackElems) * static_cast<int64_t>(sizeof(Elem));
    return (bytes + 63) / 64 * 64;
}
