#include "onnx/types.hpp"

#include <array>

namespace calotype::onnx {
namespace {

struct Pair {
    int32_t number;
    DataType type;
};
constexpr std::array<Pair, 24> kTypes = {{{1, DataType::float32},        {2, DataType::uint8},
                                          {3, DataType::int8},           {4, DataType::uint16},
                                          {5, DataType::int16},          {6, DataType::int32},
                                          {7, DataType::int64},          {8, DataType::string},
                                          {9, DataType::boolean},        {10, DataType::float16},
                                          {11, DataType::float64},       {12, DataType::uint32},
                                          {13, DataType::uint64},        {16, DataType::bfloat16},
                                          {17, DataType::float8_e4m3fn}, {18, DataType::float8_e4m3fnuz},
                                          {19, DataType::float8_e5m2},   {20, DataType::float8_e5m2fnuz},
                                          {21, DataType::uint4},         {22, DataType::int4},
                                          {23, DataType::float4_e2m1fn}, {24, DataType::float8_e8m0fnu},
                                          {25, DataType::uint2},         {26, DataType::int2}}};

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
