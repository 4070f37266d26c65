#include "onnx/types.hpp"

#include <array>

namespace calotype::onnx {
namespace {

struct Pair {
    int32_t number;
    DataType type;
};
constexpr std::array<Pair, 14> kTypes = {{{1, DataType::float32},
                                          {2, DataType::uint8},
                                          {3, DataType::int8},
                                          {4, DataType::uint16},
                                          {5, DataType::int16},
                                          {6, DataType::int32},
                                          {7, DataType::int64},
                                          {8, DataType::string},
                                          {9, DataType::boolean},
                                          {10, DataType::float16},
                                          {11, DataType::float64},
                                          {12, DataType::uint32},
                                          {13, DataType::uint64},
                                          {16, DataType::bfloat16}}};

}  // namespace

std::optional<DataType> from_onnx(int64_t type) {
    for (const Pair& pair : kTypes) {
        if (pair.number == type) return pair.type;
    }
    return std::nullopt;
}

int32_t to_onnx(DataType type) {
    for (const Pair& pair : kTypes) {
        if (pair.type == type) return pair.number;
    }
    return 0;
}

}  // namespace calotype::onnx
