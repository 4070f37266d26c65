#include "snapshot/stored_types.hpp"

#include <fmt/format.h>

#include <optional>

#include "base/narrow_types.hpp"
#include "base/utf8.hpp"
#include "snapshot/archive.hpp"

namespace calotype::snapshot {
namespace {

constexpr std::string_view kString = "string/", kEnds = "ends/";

void store_strings(std::map<std::string, Tensor>& stored, const std::string& key, const Tensor& tensor) {
    std::string all;
    Tensor ends(DataType::int64, tensor.dims());
    for (size_t i = 0; i < tensor.strings().size(); ++i) {
        all += tensor.strings()[i];
        ends.values<int64_t>()[i] = static_cast<int64_t>(all.size());
    }
    const auto bytes = std::as_bytes(std::span(all));
    stored.emplace(std::string(kString) + key,
                   Tensor(DataType::uint8, {std::ssize(bytes)}, {bytes.begin(), bytes.end()}));
    stored.emplace(std::string(kEnds) + key, std::move(ends));
}

/// The narrow type that the key begins with.
std::optional<DataType> narrow_type_of(const std::string& key) {
    for (size_t i = 0; i < kDataTypes.size(); ++i) {
        const auto type = static_cast<DataType>(i);
        if (is_narrow(type) && key.starts_with(fmt::format("{}/", kDataTypes[i]))) return type;
    }
    return std::nullopt;
}

Tensor narrow_of(DataType type, const Tensor& codes, const std::string& where) {
    require(codes.type() == DataType::uint8, where, "its codes are no bytes");
    Tensor tensor(type, codes.dims(), {codes.bytes().begin(), codes.bytes().end()});
    clear_unused_bits(tensor);
    require(std::ranges::equal(tensor.bytes(), codes.bytes()), where,
            fmt::format("it holds what is no code of {}", name_of(type)));
    return tensor;
}

Tensor strings_of(const Tensor& all, const Tensor& ends, const std::string& where) {
    require(all.type() == DataType::uint8 && ends.type() == DataType::int64, where, "its strings are no bytes");
    const std::string_view text(reinterpret_cast<const char*>(all.bytes().data()), all.bytes().size());
    Tensor tensor(DataType::string, ends.dims());
    int64_t first = 0;
    for (size_t i = 0; i < tensor.strings().size(); ++i) {
        const int64_t end = ends.values<int64_t>()[i];
        require(first <= end && end <= std::ssize(text), where, fmt::format("string {} ends at byte {}", i, end));
        const std::string_view one = text.substr(static_cast<size_t>(first), static_cast<size_t>(end - first));
        require(utf8_prefix(one) == one.size(), where, fmt::format("string {} is no valid UTF-8", i));
        tensor.strings()[i] = one;
        first = end;
    }
    require(first == std::ssize(text), where, "it holds bytes of no string");
    return tensor;
}

}  // namespace

std::map<std::string, Tensor> in_stored_types(const std::map<std::string, Tensor>& tensors) {
    std::map<std::string, Tensor> stored;
    for (const auto& [key, tensor] : tensors) {
        if (tensor.type() == DataType::string)
            store_strings(stored, key, tensor);
        else if (is_narrow(tensor.type()))
            stored.emplace(fmt::format("{}/{}", name_of(tensor.type()), key),
                           Tensor(DataType::uint8, tensor.dims(), {tensor.bytes().begin(), tensor.bytes().end()}));
        else
            stored.emplace(key, tensor);
    }
    return stored;
}

std::map<std::string, Tensor> from_stored_types(std::map<std::string, Tensor> stored, const std::string& file) {
    std::map<std::string, Tensor> tensors;
    const auto put = [&](const std::string& key, Tensor tensor) {
        require(tensors.emplace(key, std::move(tensor)).second, file, fmt::format("it holds `{}` twice", key));
    };
    for (auto& [key, tensor] : stored) {
        const std::string where = fmt::format("{}: `{}`", file, key);
        if (key.starts_with(kString)) {
            const std::string plain = key.substr(kString.size());
            const auto ends = stored.find(std::string(kEnds) + plain);
            require(ends != stored.end(), where, "where its strings end is missing");
            put(plain, strings_of(tensor, ends->second, where));
        } else if (key.starts_with(kEnds)) {
            require(stored.contains(std::string(kString) + key.substr(kEnds.size())), where, "its strings are missing");
        } else if (const auto type = narrow_type_of(key)) {
            put(key.substr(name_of(*type).size() + 1), narrow_of(*type, tensor, where));
        } else {
            put(key, std::move(tensor));
        }
    }
    return tensors;
}

}  // namespace calotype::snapshot
