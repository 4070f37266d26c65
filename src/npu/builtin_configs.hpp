#pragma once

#include <span>
#include <string_view>

namespace calotype::npu {

struct BuiltinConfig {
    std::string_view name;
    std::string_view json;
};
/// The files of data/npu, made part of the program by cmake/EmbedNpuConfigs.cmake.
std::span<const BuiltinConfig> builtin_configs();

}  // namespace calotype::npu
