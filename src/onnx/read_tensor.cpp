#include "onnx/read_tensor.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>

#include "base/error.hpp"
#include "base/file.hpp"
#include "onnx/fields.hpp"
#include "onnx/types.hpp"

namespace calotype::onnx {
namespace {

constexpr int64_t kMostElements = int64_t{1} << 31;

/// What a TensorProto holds, as it stands there.
struct Raw {
    std::string name;
    Dims dims;
    int32_t type = 0;
    bool external = false;
    int fields = 0;  // of data
    std::string_view bytes;
    std::vector<float> floats;
    std::vector<double> doubles;
    std::vector<int32_t> int32s;
    std::vector<int64_t> int64s;
    std::vector<uint64_t> uint64s;
    int64_t strings = 0;
    std::map<std::string, std::string> location;
};

[[noreturn]] void broken(const Raw& raw, std::string fact) {
    throw Error({"ONNX_TENSOR", fmt::format("tensor `{}`", raw.name), std::move(fact), "export the model again"});
}

/// A repeated number, packed or not.
template <class T, class Packed, class Single>
void append(std::vector<T>& to, protozero::pbf_reader& message, Packed packed, Single single) {
    if (message.wire_type() == protozero::pbf_wire_type::length_delimited) {
        for (const auto value : (message.*packed)()) to.push_back(static_cast<T>(value));
    } else {
        to.push_back(static_cast<T>((message.*single)()));
    }
}

void add_entry(std::map<std::string, std::string>& entries, protozero::pbf_reader message) {
    std::string key, value;
    while (message.next()) {
        if (message.tag() == field::entry::key)
            key = message.get_string();
        else if (message.tag() == field::entry::value)
            value = message.get_string();
        else
            message.skip();
    }
    entries[key] = value;
}

Raw parse(protozero::pbf_reader message) {
    using R = protozero::pbf_reader;
    Raw raw;
    while (message.next()) {
        switch (message.tag()) {
            case field::tensor::name:
                raw.name = message.get_string();
                break;
            case field::tensor::dims:
                append(raw.dims, message, &R::get_packed_int64, &R::get_int64);
                break;
            case field::tensor::data_type:
                raw.type = message.get_int32();
                break;
            case field::tensor::raw_data: {
                const auto view = message.get_view();
                raw.bytes = {view.data(), view.size()};
                ++raw.fields;
                break;
            }
            case field::tensor::float_data:
                append(raw.floats, message, &R::get_packed_float, &R::get_float);
                break;
            case field::tensor::double_data:
                append(raw.doubles, message, &R::get_packed_double, &R::get_double);
                break;
            case field::tensor::int32_data:
                append(raw.int32s, message, &R::get_packed_int32, &R::get_int32);
                break;
            case field::tensor::int64_data:
                append(raw.int64s, message, &R::get_packed_int64, &R::get_int64);
                break;
            case field::tensor::uint64_data:
                append(raw.uint64s, message, &R::get_packed_uint64, &R::get_uint64);
                break;
            case field::tensor::string_data:
                message.skip(), ++raw.strings;
                break;
            case field::tensor::external_data:
                add_entry(raw.location, message.get_message());
                break;
            case field::tensor::data_location:
                raw.external = message.get_enum() == 1;
                break;
            case field::tensor::segment:
                broken(raw, "it is a segment of a tensor, which is not supported");
            default:
                message.skip();
        }
    }
    raw.fields +=
        !raw.floats.empty() + !raw.doubles.empty() + !raw.int32s.empty() + !raw.int64s.empty() + !raw.uint64s.empty();
    return raw;
}

int64_t number(const Raw& raw, const char* key) {
    const auto found = raw.location.find(key);
    if (found == raw.location.end()) return -1;
    int64_t value = -1;
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) {
        broken(raw, fmt::format("its external data has `{}` = `{}`, a whole number from 0 is needed", key, text));
    }
    return value;
}

std::vector<std::byte> external_bytes(const Raw& raw, const std::filesystem::path& folder, int64_t needed_bytes) {
    namespace fs = std::filesystem;
    const auto found = raw.location.find("location");
    if (found == raw.location.end()) broken(raw, "its external data has no location");
    const std::string& location = found->second;
    const fs::path relative = fs::path(location).lexically_normal();
    std::error_code error;
    const fs::path root = fs::canonical(folder, error);
    const fs::path file = fs::canonical(root / relative, error);
    const auto inside = [&] {
        return std::mismatch(root.begin(), root.end(), file.begin(), file.end()).first == root.end();
    };
    if (location.find('\0') != std::string::npos || relative.is_absolute() || relative.begin() == relative.end() ||
        *relative.begin() == ".." || (!error && (!inside() || fs::hard_link_count(file, error) > 1))) {
        broken(raw, fmt::format("its external data `{}` lies outside the model's folder", location));
    }
    if (error) broken(raw, fmt::format("its external data `{}` is not there", location));
    const int64_t offset = std::max<int64_t>(number(raw, "offset"), 0);
    const int64_t given = number(raw, "length");
    const int64_t length = given < 0 ? needed_bytes : given;
    const auto size = static_cast<int64_t>(fs::file_size(file, error));
    if (error || !fs::is_regular_file(file, error))
        broken(raw, fmt::format("its external data `{}` is no file", location));
    if (length != needed_bytes)
        broken(raw, fmt::format("its external data has {} bytes, its shape needs {}", length, needed_bytes));
    if (offset > size || length > size - offset) {
        broken(raw,
               fmt::format("its external data ends at byte {} of `{}`, which has {}", offset + length, location, size));
    }
    // Only this tensor's part: one file holds them all, and may be far larger than what is needed.
    std::vector<std::byte> bytes(static_cast<size_t>(length));
    std::ifstream stream(file, std::ios::binary);
    stream.seekg(offset);
    stream.read(reinterpret_cast<char*>(bytes.data()), length);
    if (!stream) broken(raw, fmt::format("its external data `{}` cannot be read", location));
    return bytes;
}

template <class To, class From>
void fill(const Raw& raw, Tensor& tensor, const std::vector<From>& from) {
    if (static_cast<int64_t>(from.size()) != tensor.elements()) {
        broken(raw, fmt::format("it has {} values, its shape {} needs {}", from.size(), to_string(raw.dims),
                                tensor.elements()));
    }
    std::byte* to = tensor.bytes().data();
    for (size_t i = 0; i < from.size(); ++i) {
        const auto value = static_cast<To>(from[i]);
        std::memcpy(to + i * sizeof(To), &value, sizeof(To));
    }
}

void fill_typed(const Raw& raw, Tensor& tensor) {
    switch (tensor.type()) {
        case DataType::float32:
            return fill<float>(raw, tensor, raw.floats);
        case DataType::float64:
            return fill<double>(raw, tensor, raw.doubles);
        case DataType::int64:
            return fill<int64_t>(raw, tensor, raw.int64s);
        case DataType::uint64:
            return fill<uint64_t>(raw, tensor, raw.uint64s);
        case DataType::uint32:
            return fill<uint32_t>(raw, tensor, raw.uint64s);
        case DataType::int32:
            return fill<int32_t>(raw, tensor, raw.int32s);
        case DataType::int16:
            return fill<int16_t>(raw, tensor, raw.int32s);
        case DataType::int8:
            return fill<int8_t>(raw, tensor, raw.int32s);
        case DataType::uint16:
        case DataType::float16:
        case DataType::bfloat16:
            return fill<uint16_t>(raw, tensor, raw.int32s);
        case DataType::uint8:
        case DataType::boolean:
            return fill<uint8_t>(raw, tensor, raw.int32s);
        case DataType::string:
            return;
    }
}

void refuse_nan(const Raw& raw, const Tensor& tensor) {
    const DataType type = tensor.type();
    if (type != DataType::float32 && type != DataType::float64 && type != DataType::float16 &&
        type != DataType::bfloat16)
        return;
    const std::vector<float> values = to_floats(tensor);
    for (size_t i = 0; i < values.size(); ++i) {
        // Infinities stay: exporters write open bounds and masks with them.
        if (std::isnan(values[i])) {
            throw Error({"WEIGHT_NOT_FINITE", fmt::format("tensor `{}`", raw.name),
                         fmt::format("element {} is {}", i, values[i]), "look for the training step that diverged"});
        }
    }
}

}  // namespace

NamedTensor read_tensor(protozero::pbf_reader message, const std::filesystem::path& folder) {
    const Raw raw = parse(message);
    const auto type = from_onnx(raw.type);
    if (!type) broken(raw, fmt::format("its element type {} is not supported", raw.type));
    int64_t count = 1;
    for (const int64_t dim : raw.dims) {
        if (dim < 0 || __builtin_mul_overflow(count, dim, &count) || count > kMostElements) {
            broken(raw, fmt::format("its shape {} is negative or has more than 2^31 elements", to_string(raw.dims)));
        }
    }
    const int64_t bytes = count * bytes_of(*type);
    if (raw.fields > 1) broken(raw, "its content stands in two fields");
    if (*type == DataType::string) {
        if (raw.strings != count) broken(raw, "its strings do not fill its shape");
        broken(raw, "a constant of strings is not supported");
    }
    if (raw.external) {
        Tensor tensor(*type, raw.dims, external_bytes(raw, folder, bytes));
        refuse_nan(raw, tensor);
        return {raw.name, std::move(tensor)};
    }
    if (raw.fields == 0 && count > 0)
        broken(raw, fmt::format("it has no content, its shape {} needs {} bytes", to_string(raw.dims), bytes));
    const bool in_bytes =
        !raw.bytes.empty() || raw.fields == 0 ||
        (raw.floats.empty() && raw.doubles.empty() && raw.int32s.empty() && raw.int64s.empty() && raw.uint64s.empty());
    if (in_bytes && static_cast<int64_t>(raw.bytes.size()) != bytes) {
        broken(raw,
               fmt::format("it has {} bytes, its shape {} needs {}", raw.bytes.size(), to_string(raw.dims), bytes));
    }
    if (!in_bytes) {
        const size_t held =
            raw.floats.size() + raw.doubles.size() + raw.int32s.size() + raw.int64s.size() + raw.uint64s.size();
        if (static_cast<int64_t>(held) != count)
            broken(raw, fmt::format("it has {} values, its shape {} needs {}", held, to_string(raw.dims), count));
    }
    Tensor tensor(*type, raw.dims);
    if (in_bytes)
        std::memcpy(tensor.bytes().data(), raw.bytes.data(), raw.bytes.size());
    else
        fill_typed(raw, tensor);
    refuse_nan(raw, tensor);
    return {raw.name, std::move(tensor)};
}

}  // namespace calotype::onnx
