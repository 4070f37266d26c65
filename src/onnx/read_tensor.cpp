#include <fmt/format.h>

#include <cstring>

#include "base/error.hpp"
#include "base/narrow_types.hpp"
#include "onnx/external_data.hpp"
#include "onnx/fields.hpp"
#include "onnx/read_parts.hpp"
#include "onnx/types.hpp"

namespace calotype::onnx {
namespace {

constexpr size_t kMostDims = 64;

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
    std::vector<std::string> strings;
    std::map<std::string, std::string> location;

    std::string subject() const { return fmt::format("tensor `{}`", name); }
    [[noreturn]] void broken(std::string fact) const {
        throw Error({"ONNX_TENSOR", subject(), std::move(fact), "export the model again"});
    }
    size_t held() const {
        return floats.size() + doubles.size() + int32s.size() + int64s.size() + uint64s.size() + strings.size();
    }
    int fields() const {
        return bytes.has_value() + !floats.empty() + !doubles.empty() + !int32s.empty() + !int64s.empty() +
               !uint64s.empty() + !strings.empty();
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
            case field::tensor::string_data: raw.strings.push_back(message.text()); break;
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

/// Narrow elements stand packed in the field, a byte of them a number.
Tensor narrow(const Raw& raw, DataType type) {
    if (raw.int32s.size() != raw.held())
        raw.broken(fmt::format("its {} numbers stand in another type's field", name_of(type)));
    std::vector<std::byte> bytes;
    for (const int32_t one : raw.int32s) bytes.push_back(static_cast<std::byte>(one));
    return unpacked(type, raw.dims, bytes);
}

Tensor typed(const Raw& raw, DataType type) {
    if (is_narrow(type)) return narrow(raw, type);
    Tensor tensor(type, raw.dims);
    switch (type) {
        case DataType::float32: fill<float>(raw, tensor, raw.floats); break;
        case DataType::float64: fill<double>(raw, tensor, raw.doubles); break;
        case DataType::int64: fill<int64_t>(raw, tensor, raw.int64s); break;
        case DataType::uint64: fill<uint64_t>(raw, tensor, raw.uint64s); break;
        case DataType::uint32: fill<uint32_t>(raw, tensor, raw.uint64s); break;
        case DataType::int32: fill<int32_t>(raw, tensor, raw.int32s); break;
        case DataType::int16: fill<int16_t>(raw, tensor, raw.int32s); break;
        case DataType::int8: fill<int8_t>(raw, tensor, raw.int32s); break;
        case DataType::uint16:
        case DataType::float16:
        case DataType::bfloat16: fill<uint16_t>(raw, tensor, raw.int32s); break;
        default: fill<uint8_t>(raw, tensor, raw.int32s);
    }
    return tensor;
}

/// Numbers, or strings, that fill `count` elements: narrow ones may share one.
void check_held(const Raw& raw, DataType type, int64_t count) {
    const int64_t needed = is_narrow(type) ? packed_bytes(type, count) : count;
    if (static_cast<int64_t>(raw.held()) != needed)
        raw.broken(fmt::format("it has {} values, its shape {} needs {}", raw.held(), to_string(raw.dims), needed));
}

void check_strings(const Raw& raw, int64_t count) {
    if (raw.external || raw.bytes) raw.broken("its strings stand in the field for numbers, or in another file");
    if (raw.strings.size() != raw.held()) raw.broken("its strings stand in another type's field");
    check_held(raw, DataType::string, count);
}

// Compared before anything is allocated: a false shape cannot ask for memory.
void check_bytes(const Raw& raw, int64_t needed) {
    const size_t bytes = raw.bytes ? raw.bytes->size() : 0;
    if (static_cast<int64_t>(bytes) != needed)
        raw.broken(fmt::format("it has {} bytes, its shape {} needs {}", bytes, to_string(raw.dims), needed));
}

Tensor content(Raw&& raw, DataType type, int64_t count, const Origin& origin) {
    if (raw.fields() > 1) raw.broken("its content stands in two fields");
    if (type == DataType::string) {
        check_strings(raw, count);
        return Tensor(raw.dims, std::move(raw.strings));
    }
    const int64_t needed_bytes = packed_bytes(type, count);
    if (raw.external)
        return unpacked(type, raw.dims, read_external_data(raw.location, origin, needed_bytes, raw.subject()));
    if (raw.held() > 0) {
        check_held(raw, type, count);
        return typed(raw, type);
    }
    check_bytes(raw, needed_bytes);
    return unpacked(type, raw.dims, std::as_bytes(std::span(raw.bytes.value_or(""))));
}

DataType type_of(const Raw& raw) {
    const auto type = from_onnx(raw.type);
    if (!type) raw.broken(fmt::format("its element type {} is not supported", raw.type));
    return *type;
}

}  // namespace

NamedTensor read_tensor(Message message, const Origin& origin) {
    Raw raw = read_raw(message);
    const DataType type = type_of(raw);
    const int64_t count = count_of(raw, origin.limits);
    std::string name = raw.name;
    return {std::move(name), content(std::move(raw), type, count, origin)};
}

void check_tensor(Message message, const Limits& limits) {
    const Raw raw = read_raw(message);
    const int64_t count = count_of(raw, limits);
    if (raw.external) raw.broken("its external data belong to a subgraph or function, which is not supported");
    if (raw.fields() > 1) raw.broken("its content stands in two fields");
    const auto type = from_onnx(raw.type);
    if (!type) return;  // ONNX Runtime counts what it knows itself
    if (*type == DataType::string) return check_strings(raw, count);
    if (raw.held() > 0) return check_held(raw, *type, count);
    check_bytes(raw, packed_bytes(*type, count));
}

}  // namespace calotype::onnx
