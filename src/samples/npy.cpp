#include "samples/npy.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/elements.hpp"
#include "base/file.hpp"
#include "base/replace.hpp"
#include "samples/npy_strings.hpp"

namespace calotype::samples {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY", 6};

constexpr std::array<std::pair<std::string_view, DataType>, 14> kTypes = {{
    {"<f4", DataType::float32},
    {"<f8", DataType::float64},
    {"<f2", DataType::float16},
    {"|i1", DataType::int8},
    {"|u1", DataType::uint8},
    {"<i2", DataType::int16},
    {"<u2", DataType::uint16},
    {"<i4", DataType::int32},
    {"<u4", DataType::uint32},
    {"<i8", DataType::int64},
    {"<u8", DataType::uint64},
    {"|b1", DataType::boolean},
    {"|V2", DataType::bfloat16},  // how NumPy stores a type it does not know; checked last
    {"<V2", DataType::bfloat16},  // likewise, by newer ml_dtypes
}};

constexpr std::string_view kUntypedByte = "<V1";

[[noreturn]] void broken(const std::string& subject, const std::string& fact) {
    throw Error({"NPY_BROKEN", subject, fact, "save the array again with numpy.save or numpy.savez"});
}

/// The text after `'key':` in the Python dict of the head, up to where `end` stands.
std::string_view field(std::string_view dict, std::string_view key, std::string_view end, const std::string& subject) {
    const std::string quoted = fmt::format("'{}':", key);
    const size_t at = dict.find(quoted);
    if (at == std::string_view::npos) broken(subject, fmt::format("its header has no `{}`", key));
    if (dict.find(quoted, at + 1) != std::string_view::npos)
        broken(subject, fmt::format("its header says `{}` twice", key));
    std::string_view rest = dict.substr(at + quoted.size());
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    const size_t stop = rest.find(end);
    if (stop == std::string_view::npos) broken(subject, fmt::format("its header ends within `{}`", key));
    return rest.substr(0, stop);
}

Dims parse_dims(std::string_view text, const std::string& subject) {
    Dims dims;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        if (*at == ' ' || *at == ',') {
            ++at;
            continue;
        }
        int64_t dim = 0;
        const auto [next, error] = std::from_chars(at, end, dim);
        if (error != std::errc() || dim < 0) broken(subject, fmt::format("its shape is `({})`", text));
        dims.push_back(dim);
        at = next;
    }
    if (dims.size() > 32) broken(subject, fmt::format("it has {} axes, at most 32 are read", dims.size()));
    return dims;
}

DataType parse_type(std::string_view descr, const std::string& subject) {
    for (const auto& [name, type] : kTypes) {
        if (name == descr) return type;
    }
    throw Error({"NPY_TYPE", subject,
                 fmt::format("its type is `{}`; little-endian numbers, bool and strings (<U) are read", descr),
                 "convert it, for example with .astype(numpy.float32)"});
}

/// Characters of a string's width where the type is one: "<U12".
std::optional<int64_t> string_width(std::string_view descr) {
    if (!descr.starts_with("<U")) return {};
    int64_t width = 0;
    const auto [end, error] = std::from_chars(descr.data() + 2, descr.data() + descr.size(), width);
    const bool whole = error == std::errc() && end == descr.data() + descr.size();
    // Strings without a character would be any number of elements out of no bytes.
    return whole && 0 < width && width <= kMostCharacters ? std::optional(width) : std::nullopt;
}

void set_type(NpyHeader& header, std::string_view descr, const std::string& subject) {
    if (const auto width = string_width(descr)) {
        header.type = DataType::string;
        header.element_bytes = kCharacterBytes * *width;
        return;
    }
    header.untyped_byte = descr == "|V1" || descr == kUntypedByte;
    header.type = header.untyped_byte ? DataType::uint8 : parse_type(descr, subject);
    header.element_bytes = bytes_of(header.type);
}

std::string descr_of(const Tensor& tensor) {
    if (tensor.type() == DataType::string) return fmt::format("<U{}", widest(tensor.strings()));
    if (is_narrow(tensor.type())) return std::string(kUntypedByte);
    std::string descr;
    for (const auto& [name, type] : kTypes) {
        if (type == tensor.type()) descr = name;
    }
    return descr;
}

}  // namespace

NpyHeader parse_npy_header(std::span<const std::byte> head, const std::string& subject) {
    const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
    if (text.size() < 10 || !text.starts_with(kMagic)) broken(subject, "it does not begin as an .npy file does");
    const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(text[i])); };
    const bool wide = byte(6) >= 2;  // formats 2 and 3 have a length of 4 bytes
    const size_t start = wide ? 12 : 10;
    if (byte(6) < 1 || byte(6) > 3 || text.size() < start) broken(subject, "its format is not 1, 2 or 3");
    size_t length = byte(8) | byte(9) << 8;
    if (wide) length |= byte(10) << 16 | byte(11) << 24;
    if (length > text.size() - start) {
        broken(subject, fmt::format("its header of {} bytes is cut off or too long", length));
    }
    const std::string_view dict = text.substr(start, length);
    NpyHeader header;
    if (field(dict, "descr", ",", subject).starts_with('[')) parse_type("a record", subject);
    std::string_view descr = field(dict, "descr", ",", subject);
    if (descr.size() >= 2) descr = descr.substr(1, descr.size() - 2);  // the quotes
    set_type(header, descr, subject);
    header.fortran_order = field(dict, "fortran_order", ",", subject).starts_with("True");
    std::string_view shape = field(dict, "shape", ")", subject);
    if (!shape.starts_with('(')) broken(subject, "its shape is no tuple");
    header.dims = parse_dims(shape.substr(1), subject);
    int64_t size_bytes = header.element_bytes;
    for (const int64_t dim : header.dims) {
        if (__builtin_mul_overflow(size_bytes, dim, &size_bytes))
            broken(subject, fmt::format("its shape {} leaves 64 bits", to_string(header.dims)));
    }
    header.data_offset = static_cast<int64_t>(start + length);
    return header;
}

std::string npy_bytes(const Tensor& tensor) {
    std::string dims = fmt::format("{}", fmt::join(tensor.dims(), ", "));
    if (tensor.dims().size() == 1) dims += ",";  // Python's tuple of one
    std::string dict =
        fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr_of(tensor), dims);
    constexpr size_t kBefore = 10, kAlignment = 64;  // NumPy aligns the data for memory mapping
    dict.append(kAlignment - 1 - (kBefore + dict.size()) % kAlignment, ' ');
    dict += '\n';
    std::string out(kMagic);
    out += {'\x01', '\x00', static_cast<char>(dict.size() & 255), static_cast<char>(dict.size() >> 8)};
    out += dict;
    out.append(reinterpret_cast<const char*>(tensor.bytes().data()), tensor.bytes().size());
    if (tensor.type() == DataType::string) append_strings(out, tensor.strings());
    return out;
}

Tensor from_fortran_order(const Tensor& tensor) {
    const Dims& dims = tensor.dims();
    Dims index(dims.size(), 0);
    return picked(tensor, dims, [&](int64_t) {
        int64_t from = 0;
        for (size_t axis = dims.size(); axis-- > 0;) from = from * dims[axis] + index[axis];
        for (size_t axis = dims.size(); axis-- > 0 && ++index[axis] == dims[axis];) index[axis] = 0;
        return from;
    });
}

int64_t data_bytes(const NpyHeader& header) { return element_count(header.dims) * header.element_bytes; }

Tensor npy_elements(const NpyHeader& header, Dims dims, std::vector<std::byte> stored, const std::string& subject) {
    if (header.type != DataType::string) return Tensor(header.type, std::move(dims), std::move(stored));
    Tensor tensor(DataType::string, std::move(dims));
    const auto size = static_cast<size_t>(header.element_bytes);
    for (size_t i = 0; i < tensor.strings().size(); ++i) {
        auto text = utf8_of(std::span(stored).subspan(i * size, size));
        if (!text) broken(subject, fmt::format("its string {} holds what is no Unicode character", i));
        tensor.strings()[i] = *std::move(text);
    }
    return tensor;
}

Tensor read_npy(const std::filesystem::path& path) {
    const std::string subject = fmt::format("`{}`", path.string());
    const std::vector<std::byte> bytes = read_file(path);
    const NpyHeader header = parse_npy_header(bytes, subject);
    const int64_t size = data_bytes(header);
    const int64_t found = static_cast<int64_t>(bytes.size()) - header.data_offset;
    if (found != size) broken(subject, fmt::format("it holds {} bytes of data, its shape asks for {}", found, size));
    Tensor tensor = npy_elements(header, header.dims, {bytes.begin() + header.data_offset, bytes.end()}, subject);
    return header.fortran_order ? from_fortran_order(tensor) : tensor;
}

void write_npy(const std::filesystem::path& path, const Tensor& tensor) { replace_file(path, npy_bytes(tensor)); }

}  // namespace calotype::samples
