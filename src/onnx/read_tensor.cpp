#include <fmt/format.h>

#include <cstring>

#include "base/error.hpp"
#include "onnx/external_data.hpp"
#include "onnx/fields.hpp"
#include "onnx/read_parts.hpp"
#include "onnx/types.hpp"

namespace calotype::onnx {
namespace {

constexpr size_t kMostDims = 64;
constexpr int64_t kUint4 = 21, kInt4 = 22;  // two elements a byte, the first in its lower half

/// What a TensorProto holds, as it stands there.
struct Raw {
    std::string name;
    Dims dims;
    int64_t type = 0;
    bool external = false, segment = false;
    std::optional<std::string_view> bytes;
    std::vector<float> floats;
    std::vector<double> doubles;
    std::vector<int32_t> int32s;
    std::vector<int64_t> int64s;
    std::vector<uint64_t> uint64s;
    std::map<std::string, std::string> location;

    std::string subject() const { return fmt::format("tensor `{}`", name); }
    [[noreturn]] void broken(std::string fact) const {
        throw Error({"ONNX_TENSOR", subject(), std::move(fact), "export the model again"});
    }
    size_t held() const { return floats.size() + doubles.size() + int32s.size() + int64s.size() + uint64s.size(); }
    int fields() const {
        return bytes.has_value() + !floats.empty() + !doubles.empty() + !int32s.empty() + !int64s.empty() +
               !uint64s.empty();
    }
};

void add_entry(std::map<std::string, std::string>& entries, Message message) {
    std::string key, value;
    while (message.next()) {
        if (message.tag() == field::entry::key)
            key = message.text();
        else if (message.tag() == field::entry::value)
            value = message.text();
        else
            message.skip();
    }
    entries[key] = value;
}

Raw read_raw(Message message) {
    Raw raw;
    while (message.next()) {
        switch (message.tag()) {
            case field::tensor::name: raw.name = message.text(); break;
            case field::tensor::dims: message.append(raw.dims); break;
            case field::tensor::data_type: raw.type = message.integer(); break;
            case field::tensor::raw_data: raw.bytes = message.bytes(); break;
            case field::tensor::float_data: message.append(raw.floats); break;
            case field::tensor::double_data: message.append(raw.doubles); break;
            case field::tensor::int32_data: message.append(raw.int32s); break;
            case field::tensor::int64_data: message.append(raw.int64s); break;
            case field::tensor::uint64_data: message.append(raw.uint64s); break;
            case field::tensor::external_data:
                add_entry(raw.location, message.message("StringStringEntryProto"));
                break;
            case field::tensor::data_location: raw.external = message.integer() == 1; break;
            case field::tensor::segment:
                raw.segment = true;  // its name may follow
                message.skip();
                break;
            default: message.skip();
        }
    }
    if (raw.segment) raw.broken("it is a segment of a tensor, which is not supported");
    return raw;
}

int64_t count_of(const Raw& raw, const Limits& limits) {
    if (raw.dims.size() > kMostDims) raw.broken(fmt::format("its shape has {} dims", raw.dims.size()));
    int64_t count = 1;
    for (const int64_t dim : raw.dims) {
        if (dim < 0) raw.broken(fmt::format("its shape {} is negative", to_string(raw.dims)));
        if (__builtin_mul_overflow(count, dim, &count) || count > limits.tensor_elems)
            beyond(&Limits::tensor_elems, raw.subject(),
                   fmt::format("its shape {} has more than {} elements", to_string(raw.dims), limits.tensor_elems));
    }
    return count;
}

/// The numbers of the field that the type is kept in (onnx.proto, TensorProto).
template <class To, class From>
void fill(const Raw& raw, Tensor& tensor, const std::vector<From>& from) {
    if (from.size() != raw.held())
        raw.broken(fmt::format("its {} numbers stand in another type's field", name_of(tensor.type())));
    std::byte* to = tensor.bytes().data();
    for (size_t i = 0; i < from.size(); ++i) {
        const auto value = static_cast<To>(from[i]);
        std::memcpy(to + i * sizeof(To), &value, sizeof(To));
    }
}

void fill_typed(const Raw& raw, Tensor& tensor) {
    switch (tensor.type()) {
        case DataType::float32: return fill<float>(raw, tensor, raw.floats);
        case DataType::float64: return fill<double>(raw, tensor, raw.doubles);
        case DataType::int64: return fill<int64_t>(raw, tensor, raw.int64s);
        case DataType::uint64: return fill<uint64_t>(raw, tensor, raw.uint64s);
        case DataType::uint32: return fill<uint32_t>(raw, tensor, raw.uint64s);
        case DataType::int32: return fill<int32_t>(raw, tensor, raw.int32s);
        case DataType::int16: return fill<int16_t>(raw, tensor, raw.int32s);
        case DataType::int8: return fill<int8_t>(raw, tensor, raw.int32s);
        case DataType::uint16:
        case DataType::float16:
        case DataType::bfloat16: return fill<uint16_t>(raw, tensor, raw.int32s);
        case DataType::uint8:
        case DataType::boolean: return fill<uint8_t>(raw, tensor, raw.int32s);
        case DataType::string: return;  // refused before
    }
}

/// Bytes of two INT4 or UINT4 elements each, as INT8 or UINT8.
Tensor unpacked(const Tensor& packed, const Dims& dims) {
    Tensor tensor(packed.type(), dims);
    const int sign = packed.type() == DataType::int8 ? 8 : 0;
    for (int64_t i = 0; i < tensor.elements(); ++i) {
        const int pair = std::to_integer<int>(packed.bytes()[static_cast<size_t>(i / 2)]);
        const int code = i % 2 == 0 ? pair & 15 : pair >> 4;
        tensor.bytes()[static_cast<size_t>(i)] = static_cast<std::byte>((code ^ sign) - sign);
    }
    return tensor;
}

/// The elements as they are stored.
Tensor content(const Raw& raw, DataType type, const Dims& dims, const Origin& origin) {
    const int64_t count = element_count(dims), needed_bytes = count * bytes_of(type);
    if (raw.fields() > 1) raw.broken("its content stands in two fields");
    if (raw.external) return Tensor(type, dims, read_external_data(raw.location, origin, needed_bytes, raw.subject()));
    const std::string shape = to_string(raw.dims);
    if (raw.held() > 0) {
        if (static_cast<int64_t>(raw.held()) != count)
            raw.broken(fmt::format("it has {} values, its shape {} needs {}", raw.held(), shape, count));
        Tensor tensor(type, dims);
        fill_typed(raw, tensor);
        return tensor;
    }
    // Compared before anything is allocated: a false shape cannot ask for memory.
    const std::string_view bytes = raw.bytes.value_or("");
    if (static_cast<int64_t>(bytes.size()) != needed_bytes)
        raw.broken(fmt::format("it has {} bytes, its shape {} needs {}", bytes.size(), shape, needed_bytes));
    const auto stored = std::as_bytes(std::span(bytes));
    return Tensor(type, dims, std::vector<std::byte>(stored.begin(), stored.end()));
}

}  // namespace

NamedTensor read_tensor(Message message, const Origin& origin) {
    const Raw raw = read_raw(message);
    const bool packed = raw.type == kInt4 || raw.type == kUint4;
    const auto type = packed ? raw.type == kInt4 ? DataType::int8 : DataType::uint8 : from_onnx(raw.type);
    if (!type) raw.broken(fmt::format("its element type {} is not supported", raw.type));
    if (*type == DataType::string) raw.broken("a constant of strings is not supported");
    const int64_t count = count_of(raw, origin.limits);
    if (!packed) return {raw.name, content(raw, *type, raw.dims, origin)};
    return {raw.name, unpacked(content(raw, *type, {(count + 1) / 2}, origin), raw.dims), true};
}

void check_tensor(Message message, const Limits& limits) {
    const Raw raw = read_raw(message);
    const int64_t count = count_of(raw, limits);
    if (raw.external) raw.broken("its external data belong to a subgraph or function, which is not supported");
    if (raw.fields() > 1) raw.broken("its content stands in two fields");
    const auto type = from_onnx(raw.type);
    if (!type || *type == DataType::string) return;  // packed or not of one size: ONNX Runtime counts them itself
    const std::string shape = to_string(raw.dims);
    if (raw.held() > 0 && static_cast<int64_t>(raw.held()) != count)
        raw.broken(fmt::format("it has {} values, its shape {} needs {}", raw.held(), shape, count));
    const int64_t bytes = raw.bytes ? static_cast<int64_t>(raw.bytes->size()) : 0;
    if (raw.held() == 0 && bytes != count * bytes_of(*type))
        raw.broken(fmt::format("it has {} bytes, its shape {} needs {}", bytes, shape, count * bytes_of(*type)));
}

}  // namespace calotype::onnx
