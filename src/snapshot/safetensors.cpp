#include "snapshot/safetensors.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "snapshot/damaged.hpp"
#include "snapshot/files.hpp"
#include "snapshot/json_object.hpp"

namespace calotype::snapshot {
namespace {

using Json = nlohmann::json;

struct TypeName {
    DataType type;
    const char* name;
};
constexpr std::array<TypeName, 13> kTypes{{{DataType::float32, "F32"},
                                           {DataType::float64, "F64"},
                                           {DataType::float16, "F16"},
                                           {DataType::bfloat16, "BF16"},
                                           {DataType::int8, "I8"},
                                           {DataType::uint8, "U8"},
                                           {DataType::int16, "I16"},
                                           {DataType::uint16, "U16"},
                                           {DataType::int32, "I32"},
                                           {DataType::uint32, "U32"},
                                           {DataType::int64, "I64"},
                                           {DataType::uint64, "U64"},
                                           {DataType::boolean, "BOOL"}}};

const char* dtype_of(DataType type) {
    for (const TypeName& known : kTypes) {
        if (known.type == type) return known.name;
    }
    CALOTYPE_ASSERT(false, "a stored tensor is numeric");
}

DataType type_of(const Json& dtype, const std::string& file) {
    for (const TypeName& known : kTypes) {
        if (dtype == known.name) return known.type;
    }
    damaged(file, fmt::format("dtype {} is unknown", dtype.dump()));
}

/// The header as JSON; `data` becomes what follows it.
Json header_of(std::span<const std::byte> bytes, const std::string& file, std::span<const std::byte>& data) {
    require(bytes.size() >= 8, file, "it has less than the 8 bytes of its header's length");
    uint64_t length = 0;
    for (size_t i = 0; i < 8; ++i) length |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
    require(length <= bytes.size() - 8, file, "its header is longer than the file");
    require(length <= kMostHeaderBytes, file,
            fmt::format("its header has {} bytes, at most {} are read", length, kMostHeaderBytes));
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, static_cast<size_t>(length));
    data = bytes.subspan(8 + static_cast<size_t>(length));
    return object_of(text, file + ": its header");
}

uint64_t unsigned_of(const Json& json, const std::string& file) {
    require(json.is_number_unsigned(), file, "a size or offset is no whole number");
    return json.get<uint64_t>();
}

Tensor read_tensor(const Json& entry, std::span<const std::byte> data, const std::string& where, uint64_t& used) {
    require(entry.is_object() && entry.size() == 3 && entry.contains("dtype") && entry.contains("shape") &&
                entry.contains("data_offsets"),
            where, "dtype, shape and data_offsets are expected");
    const DataType type = type_of(entry["dtype"], where);
    require(entry["shape"].is_array() && entry["shape"].size() <= 16, where, "its shape is no array of up to 16 dims");
    Dims dims;
    for (const Json& dim : entry["shape"]) {
        const uint64_t size = unsigned_of(dim, where);
        require(size <= uint64_t{1} << 40, where, "a dim is larger than 2^40");
        dims.push_back(static_cast<int64_t>(size));
    }
    const Json& offsets = entry["data_offsets"];
    require(offsets.is_array() && offsets.size() == 2, where, "two data_offsets are expected");
    const uint64_t first = unsigned_of(offsets[0], where), last = unsigned_of(offsets[1], where);
    require(first <= last && last <= data.size(), where, "its data lie outside the file");
    // Compared before any allocation, so a false shape cannot ask for memory.
    require(element_count(dims) <= static_cast<int64_t>(data.size()) &&
                static_cast<uint64_t>(element_count(dims) * bytes_of(type)) == last - first,
            where, "its shape and its bytes disagree");
    used += last - first;
    const auto content = data.subspan(static_cast<size_t>(first), static_cast<size_t>(last - first));
    return Tensor(type, std::move(dims), std::vector<std::byte>(content.begin(), content.end()));
}

}  // namespace

std::vector<std::byte> to_safetensors(const std::map<std::string, Tensor>& tensors) {
    Json header = Json::object();
    uint64_t offset = 0;
    for (const auto& [name, tensor] : tensors) {
        const uint64_t end = offset + tensor.bytes().size();
        header[name] = {{"dtype", dtype_of(tensor.type())}, {"shape", tensor.dims()}, {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    require_readable("the header of the snapshot's tensors", text.size(), kMostHeaderBytes);
    std::vector<std::byte> bytes(8 + text.size());
    for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(text.size() >> (8 * i) & 0xff);
    std::memcpy(bytes.data() + 8, text.data(), text.size());
    bytes.reserve(bytes.size() + static_cast<size_t>(offset));
    for (const auto& entry : tensors)
        bytes.insert(bytes.end(), entry.second.bytes().begin(), entry.second.bytes().end());
    return bytes;
}

std::map<std::string, Tensor> from_safetensors(std::span<const std::byte> bytes, const std::string& file) {
    std::span<const std::byte> data;
    const Json header = header_of(bytes, file, data);
    std::map<std::string, Tensor> tensors;
    uint64_t used = 0;
    for (const auto& [name, entry] : header.items()) {
        tensors.emplace(name, read_tensor(entry, data, fmt::format("{}: `{}`", file, name), used));
        require(used <= data.size(), file, "its tensors overlap");
    }
    require(used == data.size(), file, "it holds bytes that belong to no tensor");
    return tensors;
}

}  // namespace calotype::snapshot
