#include "base/data_type.hpp"

namespace calotype {

int64_t bytes_of(DataType type) {
    switch (type) {
        case DataType::float64:
        case DataType::int64:
        case DataType::uint64: return 8;
        case DataType::float32:
        case DataType::int32:
        case DataType::uint32: return 4;
        case DataType::float16:
        case DataType::bfloat16:
        case DataType::int16:
        case DataType::uint16: return 2;
        case DataType::int8:
        case DataType::uint8:
        case DataType::boolean:
        case DataType::float8_e4m3fn:
        case DataType::float8_e4m3fnuz:
        case DataType::float8_e5m2:
        case DataType::float8_e5m2fnuz:
        case DataType::float8_e8m0fnu:
        case DataType::float4_e2m1fn:
        case DataType::int4:
        case DataType::uint4:
        case DataType::int2:
        case DataType::uint2: return 1;
        case DataType::string: return 0;
    }
    return 0;
}

int64_t bits_of(DataType type) {
    switch (type) {
        case DataType::float4_e2m1fn:
        case DataType::int4:
        case DataType::uint4: return 4;
        case DataType::int2:
        case DataType::uint2: return 2;
        default: return 8 * bytes_of(type);
    }
}

bool is_narrow(DataType type) { return type > DataType::string; }

std::string_view name_of(DataType type) {
    switch (type) {
        case DataType::float32: return "float32";
        case DataType::float64: return "float64";
        case DataType::float16: return "float16";
        case DataType::bfloat16: return "bfloat16";
        case DataType::int8: return "int8";
        case DataType::uint8: return "uint8";
        case DataType::int16: return "int16";
        case DataType::uint16: return "uint16";
        case DataType::int32: return "int32";
        case DataType::uint32: return "uint32";
        case DataType::int64: return "int64";
        case DataType::uint64: return "uint64";
        case DataType::boolean: return "bool";
        case DataType::string: return "string";
        case DataType::float8_e4m3fn: return "float8_e4m3fn";
        case DataType::float8_e4m3fnuz: return "float8_e4m3fnuz";
        case DataType::float8_e5m2: return "float8_e5m2";
        case DataType::float8_e5m2fnuz: return "float8_e5m2fnuz";
        case DataType::float8_e8m0fnu: return "float8_e8m0fnu";
        case DataType::float4_e2m1fn: return "float4_e2m1fn";
        case DataType::int4: return "int4";
        case DataType::uint4: return "uint4";
        case DataType::int2: return "int2";
        case DataType::uint2: return "uint2";
    }
    return "?";
}

}  // namespace calotype
