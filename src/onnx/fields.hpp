#pragma once

// Field numbers of onnx.proto (ONNX IR specification), those that are read or written here.

#include <cstdint>

namespace calotype::onnx::field {

namespace model {
enum : uint32_t { ir_version = 1, producer_name = 2, graph = 7, opset_import = 8, metadata = 14, functions = 25 };
}
namespace opset {
enum : uint32_t { domain = 1, version = 2 };
}
namespace entry {
enum : uint32_t { key = 1, value = 2 };
}
namespace graph {
enum : uint32_t {
    node = 1,
    name = 2,
    initializer = 5,
    input = 11,
    output = 12,
    value_info = 13,
    sparse_initializer = 15
};
}
namespace node {
enum : uint32_t { input = 1, output = 2, name = 3, op_type = 4, attribute = 5, domain = 7, overload = 8 };
}
namespace attribute {
enum : uint32_t {
    name = 1,
    f = 2,
    i = 3,
    s = 4,
    t = 5,
    g = 6,
    floats = 7,
    ints = 8,
    strings = 9,
    tensors = 10,
    graphs = 11,
    type = 20,
    ref_attr_name = 21,
    sparse_tensor = 22
};
}
namespace tensor {
enum : uint32_t {
    dims = 1,
    data_type = 2,
    segment = 3,
    float_data = 4,
    int32_data = 5,
    string_data = 6,
    int64_data = 7,
    name = 8,
    raw_data = 9,
    double_data = 10,
    uint64_data = 11,
    external_data = 13,
    data_location = 14
};
}
namespace value_info {
enum : uint32_t { name = 1, type = 2 };
}
namespace type {
enum : uint32_t { tensor = 1, sequence = 4, optional = 9 };
}
namespace holder_type {  // TypeProto.Sequence, TypeProto.Optional
enum : uint32_t { elem_type = 1 };
}
namespace tensor_type {
enum : uint32_t { elem_type = 1, shape = 2 };
}
namespace shape {
enum : uint32_t { dim = 1 };
}
namespace dim {
enum : uint32_t { value = 1, param = 2 };
}
namespace function {
enum : uint32_t {
    name = 1,
    input = 4,
    output = 5,
    node = 7,
    opset_import = 9,
    domain = 10,
    attribute_proto = 11,
    overload = 13
};
}

}  // namespace calotype::onnx::field
