#include <fmt/format.h>

#include "onnx/fields.hpp"
#include "onnx/read_parts.hpp"
#include "onnx/types.hpp"

namespace calotype::onnx {
namespace {

constexpr int64_t kMostDim = int64_t{1} << 40;
constexpr size_t kMostDims = 64;

void add_dim(Message message, ValueInfo& out) {
    int64_t size = -1;
    std::string symbol;
    while (message.next()) {
        if (message.tag() == field::dim::value) {
            size = message.integer();  // -1 is how Paddle writes a free dim
            if (size < -1 || size > kMostDim) {
                broken(fmt::format("value `{}`", out.name),
                       fmt::format("a dim of its shape is {}, 0 to 2^40 are read", size));
            }
        } else if (message.tag() == field::dim::param) {
            symbol = message.text();
        } else {
            message.skip();
        }
    }
    out.dims->push_back(size);
    out.symbols.push_back(symbol);
    if (out.dims->size() > kMostDims) {
        broken(fmt::format("value `{}`", out.name), fmt::format("its shape has more than {} dims", kMostDims));
    }
}

void read_shape(Message message, ValueInfo& out) {
    out.dims.emplace();
    while (message.next()) {
        if (message.tag() == field::shape::dim)
            add_dim(message.message("TensorShapeProto.Dimension"), out);
        else
            message.skip();
    }
}

void read_tensor_type(Message message, ValueInfo& out) {
    while (message.next()) {
        if (message.tag() == field::tensor_type::elem_type)
            out.type = from_onnx(message.integer());
        else if (message.tag() == field::tensor_type::shape)
            read_shape(message.message("TensorShapeProto"), out);
        else
            message.skip();
    }
}

}  // namespace

ValueInfo read_value_info(Message message) {
    ValueInfo out;
    std::optional<Message> type;  // the name may stand behind it, and is needed for messages
    while (message.next()) {
        if (message.tag() == field::value_info::name)
            out.name = message.text();
        else if (message.tag() == field::value_info::type)
            type = message.message("TypeProto");
        else
            message.skip();
    }
    while (type && type->next()) {
        if (type->tag() == field::type::tensor)
            read_tensor_type(type->message("TypeProto.Tensor"), out);
        else
            type->skip();
    }
    return out;
}

}  // namespace calotype::onnx
