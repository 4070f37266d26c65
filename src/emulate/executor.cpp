#include "emulate/executor.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/error.hpp"

namespace calotype::emulate {
namespace {

constexpr size_t kAlignment = 64;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace

void Arena::Free::operator()(std::byte* bytes) const { std::free(bytes); }

std::span<std::byte> Arena::take(size_t bytes) {
    if (bytes > size_) {
        bytes_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, aligned(bytes))));
        if (!bytes_) throw std::bad_alloc();
        size_ = aligned(bytes);
    }
    return {bytes_.get(), bytes};
}

Executor::Executor(const npu::Network& network, npu::Program program, KernelSet set)
    : network_(&network), program_(std::move(program)) {
    set = resolve(set);
    for (size_t i = 0; i < network.layers.size(); ++i) layers_.push_back(prepare(network, i, program_.shapes, set));
    for (const Dims& shape : program_.shapes) elements_.push_back(element_count(shape));
}

void Executor::run(std::span<const std::span<const int8_t>> inputs, std::span<const std::span<int8_t>> outputs,
                   Arena& arena, const Options& options) const {
    CALOTYPE_ASSERT(inputs.size() == network_->inputs.size() && outputs.size() == network_->outputs.size(),
                    "an executor gets a network's inputs and outputs");
    const int threads = options.pool != nullptr ? options.pool->threads() : 1;
    size_t scratch_bytes = 0;
    for (const auto& layer : layers_) scratch_bytes = std::max(scratch_bytes, layer->scratch_bytes(threads));
    const size_t activations = aligned(static_cast<size_t>(program_.arena_bytes));
    const std::span<std::byte> bytes = arena.take(activations + aligned(scratch_bytes) + kAlignment);
    const std::span<std::byte> scratch = bytes.subspan(activations);
    const auto codes = [&](npu::TensorId id) {
        return reinterpret_cast<int8_t*>(bytes.data() + program_.placement[static_cast<size_t>(id)].offset_bytes);
    };
    for (size_t i = 0; i < inputs.size(); ++i) {
        const npu::TensorId id = network_->inputs[i].tensor;
        CALOTYPE_ASSERT(static_cast<int64_t>(inputs[i].size()) == elements(id), "an input fills its tensor");
        std::memcpy(codes(id), inputs[i].data(), inputs[i].size());
    }
    std::vector<const int8_t*> read;
    for (const npu::Step& step : program_.steps) {
        const auto index = static_cast<size_t>(step.layer);
        const npu::Layer& layer = network_->layers[index];
        read.clear();
        for (const npu::TensorId id : layer.inputs) {
            const std::vector<int8_t>& constant = network_->tensors[npu::index_of(id)].constant;
            read.push_back(constant.empty() ? codes(id) : constant.data());
        }
        const int64_t start = options.layer_ns != nullptr ? now_ns() : 0;
        layers_[index]->run(read, codes(layer.output), scratch, options.pool);
        if (options.layer_ns != nullptr) {
            options.layer_ns->resize(layers_.size());
            (*options.layer_ns)[index] += now_ns() - start;
        }
        if (options.after_layer)
            options.after_layer(index, {codes(layer.output), static_cast<size_t>(elements(layer.output))});
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
        const npu::TensorId id = network_->outputs[i].tensor;
        CALOTYPE_ASSERT(static_cast<int64_t>(outputs[i].size()) == elements(id), "an output fills its tensor");
        std::memcpy(outputs[i].data(), codes(id), outputs[i].size());
    }
}

}  // namespace calotype::emulate
