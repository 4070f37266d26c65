// Which layers these kernels take.

/// Whether the panels of a convolution stay in proportion to its map and to its products. Where dilation and padding are
/// far wider than the map, they would hold gigabytes of padding that the reference never looks at.
inline bool panel_pays(const LayerView& view, const npu::Conv& conv, bool depthwise) {
    constexpr double kMost = 64, kFreeElems = 1 << 20;
    const npu::Window& win = conv.window;
    const auto real = [](int64_t count) { return static_cast<double>(count); };  // sizes of a file may pass int64 here
    const double rows = real(win.depth.kernel) * real(depthwise ? win.height.kernel : win.height.extent());
    const double columns = real(view.out.width - 1) * real(win.width.stride) + real(win.width.extent());
    const double panel = rows * columns * real(conv.in_channels);  // for one row of outputs
    const double all_panels = panel * real(view.out.depth * view.out.height);
    return panel <= std::max(kFreeElems, kMost * real(view.in[0].elements())) &&
           all_panels <= std::max(kFreeElems, kMost * real(npu::macs(conv, view.out_shape)));
}

inline std::unique_ptr<PreparedLayer> prepare_conv(const LayerView& view, const npu::Conv& conv) {
    const bool depthwise = conv.depthwise() && conv.out_channels == conv.in_channels;
    if (!panel_pays(view, conv, depthwise)) return nullptr;
    if (depthwise) return std::make_unique<DepthwiseLayer>(view);
    std::vector<int32_t> zero_points;
    for (int64_t c = 0; c < conv.in_channels; ++c) zero_points.push_back(view.zero_point(0, c));
    return std::make_unique<DenseLayer>(view, conv, view.in[0], view.out, zero_points);
}

inline std::unique_ptr<PreparedLayer> prepare_fully_connected(const LayerView& view, const npu::FullyConnected& fc) {
    std::vector<int32_t> zero_points;
    for (int64_t i = 0; i < fc.in_features; ++i) zero_points.push_back(view.zero_point(0, i % view.in[0].channels));
    npu::Conv conv;
    conv.in_channels = fc.in_features;
    conv.out_channels = fc.out_features;
    return std::make_unique<DenseLayer>(view, conv, npu::Map{1, 1, 1, fc.in_features},
                                        npu::Map{1, 1, 1, fc.out_features}, zero_points);
}

inline std::unique_ptr<PreparedLayer> prepare_pool(const LayerView& view, const npu::Pool& pool) {
    if (pool.kind == npu::PoolKind::max) return std::make_unique<MaxPoolLayer>(view);
    return std::make_unique<AveragePoolLayer>(view);
}

inline std::unique_ptr<PreparedLayer> prepare_mul(const LayerView& view) {
    if (view.in[1] == view.out) return std::make_unique<ProductLayer>(view);
    if (view.in[1].channels == 1 && view.in[1].pixels() == view.out.pixels()) return std::make_unique<ScaleLayer>(view);
    return nullptr;
}

inline std::unique_ptr<PreparedLayer> prepare_here(const LayerView& view) {
    const npu::Attributes& attributes = view.layer->attributes;
    if (const auto* conv = std::get_if<npu::Conv>(&attributes)) return prepare_conv(view, *conv);
    if (const auto* fc = std::get_if<npu::FullyConnected>(&attributes)) return prepare_fully_connected(view, *fc);
    if (const auto* pool = std::get_if<npu::Pool>(&attributes)) return prepare_pool(view, *pool);
    if (std::holds_alternative<npu::Add>(attributes)) return std::make_unique<AddLayer>(view);
    if (std::holds_alternative<npu::Mul>(attributes)) return prepare_mul(view);
    if (std::holds_alternative<npu::Requantize>(attributes)) return std::make_unique<ProductLayer>(view);
    return nullptr;
}
