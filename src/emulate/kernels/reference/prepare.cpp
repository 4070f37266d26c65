#include "emulate/kernels/reference/reference.hpp"

namespace calotype::emulate::reference {
namespace {

using Function = void (*)(const LayerView&, Inputs, int8_t*);

struct FunctionOf {
    Function operator()(const npu::Conv&) const { return convolution; }
    Function operator()(const npu::FullyConnected&) const { return fully_connected; }
    Function operator()(const npu::Pool&) const { return pool; }
    Function operator()(const npu::Add&) const { return add; }
    Function operator()(const npu::Mul&) const { return mul; }
    Function operator()(const npu::Concat&) const { return concat; }
    Function operator()(const npu::Pad&) const { return pad; }
    Function operator()(const npu::Crop&) const { return crop; }
    Function operator()(const npu::Upsample&) const { return upsample; }
    Function operator()(const npu::SpaceToDepth&) const { return space_to_depth; }
    Function operator()(const npu::ChannelReorder&) const { return channel_reorder; }
    Function operator()(const npu::Reshape&) const { return reshape; }
    Function operator()(const npu::Requantize&) const { return requantize; }
};

class ReferenceLayer final : public PreparedLayer {
  public:
    explicit ReferenceLayer(const LayerView& view)
        : view_(view), function_(std::visit(FunctionOf{}, view.layer->attributes)) {}
    void run(Inputs inputs, int8_t* output, std::span<std::byte>, ThreadPool*) const override {
        function_(view_, inputs, output);
    }
    std::string_view kernel() const override { return "reference"; }

  private:
    LayerView view_;
    Function function_;
};

}  // namespace

std::unique_ptr<PreparedLayer> prepare(const LayerView& view) { return std::make_unique<ReferenceLayer>(view); }

}  // namespace calotype::emulate::reference
