// The depthwise kernel's panel: for a few output rows and a stretch of channels, the input that they read, kTaps rows
// interleaved. A dword holds one column and channel of kTaps rows, so one dot product takes kTaps taps of the window's
// height, and what is interleaved once serves every tap of the width and every output row of the set.

/// Codes [first, first + n) of kTaps rows, interleaved. May write up to a block behind the last dword, never reads so.
inline void interleave_rows(int32_t* to, const int8_t* const rows[kTaps], int64_t first, int64_t n) {
    const auto block = [&](int64_t at) {
        const int8_t* here[kTaps];
        for (int t = 0; t < kTaps; ++t) here[t] = rows[t] + first + at;
        interleave_block(to + at, here);
    };
    int64_t i = 0;
    for (; i + kBlock <= n; i += kBlock) block(i);
    if (i == n) return;
    if (n >= kBlock) return block(n - kBlock);
    alignas(64) int8_t few[kTaps][kBlock];
    const int8_t* here[kTaps];
    for (int t = 0; t < kTaps; ++t) {
        std::memcpy(few[t], rows[t] + first, static_cast<size_t>(n));
        here[t] = few[t];
    }
    interleave_block(to, here);
}

struct DepthwisePanel {
    /// `x` of fill points at the stretch's first channel; `all_zero_points` are those of every channel.
    DepthwisePanel(const npu::Map& in, const npu::Map& out, const npu::Window& window, int64_t first_channel,
                   int64_t channels, std::span<const int32_t> all_zero_points);

    /// Interleaves what output columns [first_column, first_column + columns) of the set's rows from `first_row` on
    /// read.
    void fill(const int8_t* x, int64_t depth, int64_t first_row, int64_t first_column, int64_t columns,
              int32_t* to) const;
    /// Where a tap of the set's first row and of a chunk's first column lies, in dwords.
    int64_t tap_dwords(int64_t group, int64_t kw) const {
        const int64_t column = kw * window.width.dilation;
        return (group * phases + column % phases) * phase_dwords + column / phases * channels;
    }
    /// With what inner loops may touch behind the last dword (a block, spread by the stride and begun a stride after the
    /// last column), and room for a row before it is split into phases.
    size_t bytes() const {
        const int64_t dwords = panel_dwords() + (phases > 1 ? phases * phase_dwords + kBlock : 0);
        return static_cast<size_t>(dwords * 4 + 63) / 64 * 64;
    }
    int64_t panel_dwords() const {
        return groups() * phases * phase_dwords + (kBlock + channels) * window.width.stride;
    }
    int64_t groups() const { return window.depth.kernel * plane_groups; }

    npu::Map in, out;
    npu::Window window;
    int64_t channels;
    int64_t phases = 1;    // columns are split by their place modulo this, where a stride would leave gaps within wides
    int64_t set_rows = 1;  // output rows that share a panel
    int64_t tap_rows = 1;  // input rows that a set reads, at one depth
    int64_t plane_groups = 1;   // of kTaps such rows
    int64_t chunk_columns = 1;  // output columns of a panel
    int64_t phase_dwords = 0;
    std::vector<int32_t> padding;     // [channels]
    std::vector<int8_t> padding_row;  // codes, as far as a row of the input reaches

  private:
    void fill_columns(const int8_t* const rows[kTaps], int64_t first, int64_t columns, int32_t* to) const;
    void split_phases(const int32_t* row, int64_t columns, int32_t* to) const;
};

inline DepthwisePanel::DepthwisePanel(const npu::Map& in_map, const npu::Map& out_map, const npu::Window& win,
                                      int64_t first_channel, int64_t channel_count,
                                      std::span<const int32_t> all_zero_points)
    : in(in_map), out(out_map), window(win), channels(channel_count) {
    const npu::Axis& height = window.height;
    plane_groups = (height.kernel + kTaps - 1) / kTaps;
    const auto rows_read = [&](int64_t rows) { return (rows - 1) * height.stride + height.kernel; };
    if (height.dilation == 1 && window.depth.kernel == 1)
        while (set_rows < std::min<int64_t>(4, out.height) && rows_read(set_rows + 1) <= plane_groups * kTaps)
            ++set_rows;
    tap_rows = rows_read(set_rows);
    if (channels % kLanes != 0) phases = window.width.stride;
    // A chunk stays in the first-level cache where that does not make its overlap with the next one large. It begins
    // with a whole period of blocks.
    constexpr int64_t kChunkBytes = 20 << 10;
    const int64_t period = kBlock / shared_with_block(channels);
    const int64_t columns = kChunkBytes / (groups() * channels * 4 * window.width.stride);
    chunk_columns = std::max(columns, 4 * window.width.extent());
    chunk_columns = std::min((chunk_columns + period - 1) / period * period, out.width);
    const int64_t reach = (chunk_columns - 1) * window.width.stride + window.width.extent();
    phase_dwords = (reach + phases - 1) / phases * channels;
    for (int64_t c = first_channel; c < first_channel + channels; ++c)
        padding.push_back(splat_code(all_zero_points[static_cast<size_t>(c)]));
    for (int64_t i = 0; i < (in.width - 1) * in.channels + channels; ++i)
        padding_row.push_back(
            static_cast<int8_t>(all_zero_points[static_cast<size_t>((first_channel + i) % in.channels)]));
}

inline void DepthwisePanel::fill(const int8_t* x, int64_t depth, int64_t first_row, int64_t first_column,
                                 int64_t columns, int32_t* to) const {
    const int64_t reach = (columns - 1) * window.width.stride + window.width.extent();
    const int64_t first = first_column * window.width.stride - window.width.pad_before;
    int32_t* row = to + panel_dwords();
    for (int64_t group = 0; group < groups(); ++group, to += phases * phase_dwords) {
        const int64_t d =
            depth * window.depth.stride + group / plane_groups * window.depth.dilation - window.depth.pad_before;
        const int8_t* rows[kTaps];
        for (int t = 0; t < kTaps; ++t) {
            const int64_t tap = group % plane_groups * kTaps + t;
            const int64_t h =
                first_row * window.height.stride + tap * window.height.dilation - window.height.pad_before;
            // Rows behind the window's last have weight 0.
            const bool real = tap < tap_rows && d >= 0 && d < in.depth && h >= 0 && h < in.height;
            rows[t] = real ? x + (d * in.height + h) * in.width * in.channels : padding_row.data();
        }
        fill_columns(rows, first, reach, phases > 1 ? row : to);
        if (phases > 1) split_phases(row, reach, to);
    }
}

inline void DepthwisePanel::fill_columns(const int8_t* const rows[kTaps], int64_t first, int64_t columns,
                                         int32_t* to) const {
    const int64_t before = std::clamp<int64_t>(-first, 0, columns);
    const int64_t real = std::clamp<int64_t>(in.width - (first + before), 0, columns - before);
    const auto pad = [&](int64_t from, int64_t last) {
        for (int64_t i = from; i < last; ++i) std::memcpy(to + i * channels, padding.data(), padding.size() * 4);
    };
    pad(0, before);
    if (channels == in.channels && real > 0)
        interleave_rows(to + before * channels, rows, (first + before) * channels, real * channels);
    if (channels != in.channels)
        for (int64_t i = before; i < before + real; ++i)
            interleave_rows(to + i * channels, rows, (first + i) * in.channels, channels);
    pad(before + real, columns);
}

/// In the order of addresses, as the copy of a column may write into the next.
inline void DepthwisePanel::split_phases(const int32_t* row, int64_t columns, int32_t* to) const {
    for (int64_t phase = 0; phase < phases; ++phase, to += phase_dwords) {
        int32_t* at = to;
        for (int64_t i = phase; i < columns; i += phases, at += channels)
            for (int64_t c = 0; c < channels; c += kLanes) store_wide(at + c, load_wide(row + i * channels + c));
    }
}
