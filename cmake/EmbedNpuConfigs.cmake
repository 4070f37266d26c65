# Makes data/npu/*.json part of the program, so that `calotype npu` needs no file beside it.
file(GLOB npu_configs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/data/npu/*.json)
set(entries "")
foreach(path IN LISTS npu_configs)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    cmake_path(GET path STEM name)
    file(READ ${path} content)
    string(APPEND entries "    {\"${name}\", R\"json(${content})json\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/builtin_configs.cpp @ONLY CONTENT [[
#include "npu/builtin_configs.hpp"

namespace calotype::npu {
namespace {
constexpr BuiltinConfig kConfigs[] = {
@entries@};
}  // namespace
std::span<const BuiltinConfig> builtin_configs() { return kConfigs; }
}  // namespace calotype::npu
]])
target_sources(calotype_runtime PRIVATE ${CMAKE_BINARY_DIR}/generated/builtin_configs.cpp)
