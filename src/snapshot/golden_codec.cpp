#include "snapshot/golden_codec.hpp"

#include <fmt/format.h>

#include "snapshot/damaged.hpp"

namespace calotype::snapshot {
namespace {

constexpr int64_t kHashBytes = 32;

Tensor hashes_as_tensor(const std::vector<std::string>& hashes) {
    std::vector<uint8_t> bytes;
    for (const std::string& hash : hashes) {
        CALOTYPE_ASSERT(hash.size() == 2 * kHashBytes, "a SHA-256 has 64 digits");
        for (size_t i = 0; i < hash.size(); i += 2) {
            bytes.push_back(static_cast<uint8_t>(std::stoi(hash.substr(i, 2), nullptr, 16)));
        }
    }
    return Tensor::of<uint8_t>({static_cast<int64_t>(hashes.size()), kHashBytes}, bytes);
}

std::vector<std::string> hashes_of(const Tensor& tensor, const std::string& name) {
    require(tensor.type() == DataType::uint8 && tensor.dims().size() == 2 && tensor.dims()[1] == kHashBytes,
            "`golden.safetensors`", fmt::format("`{}` holds no hashes", name));
    std::vector<std::string> hashes;
    const auto bytes = tensor.values<uint8_t>();
    for (size_t i = 0; i < bytes.size(); ++i) {
        if (i % kHashBytes == 0) hashes.emplace_back();
        hashes.back() += fmt::format("{:02x}", bytes[i]);
    }
    return hashes;
}

}  // namespace

std::map<std::string, Tensor> to_tensors(const Golden& golden) {
    std::map<std::string, Tensor> tensors;
    for (const auto& [name, tensor] : golden.inputs) tensors.emplace("input/" + name, tensor);
    for (size_t k = 0; k < golden.subgraphs.size(); ++k) {
        for (const auto& [name, tensor] : golden.subgraphs[k].outputs) {
            tensors.emplace(fmt::format("{}/output/{}", k, name), tensor);
        }
        tensors.emplace(fmt::format("{}/layer_sha256", k), hashes_as_tensor(golden.subgraphs[k].layer_sha256));
    }
    return tensors;
}

Golden golden_from_tensors(const std::map<std::string, Tensor>& tensors, size_t subgraphs) {
    Golden golden;
    golden.subgraphs.resize(subgraphs);
    for (const auto& [name, tensor] : tensors) {
        if (name.starts_with("input/")) {
            golden.inputs.emplace(name.substr(6), tensor);
            continue;
        }
        bool placed = false;
        for (size_t k = 0; k < subgraphs && !placed; ++k) {
            const std::string prefix = fmt::format("{}/output/", k);
            if (name == fmt::format("{}/layer_sha256", k)) {
                golden.subgraphs[k].layer_sha256 = hashes_of(tensor, name);
                placed = true;
            } else if (name.starts_with(prefix)) {
                golden.subgraphs[k].outputs.emplace(name.substr(prefix.size()), tensor);
                placed = true;
            }
        }
        require(placed, "`golden.safetensors`", fmt::format("`{}` belongs to no subgraph", name));
    }
    return golden;
}

}  // namespace calotype::snapshot
