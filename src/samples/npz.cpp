#include "samples/npz.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/replace.hpp"
#include "samples/byte_source.hpp"
#include "samples/npy.hpp"

// The zip format as PKWARE's APPNOTE.TXT 6.3.10 says: local headers with the data, the central directory, its end
// record.
namespace calotype::samples {
namespace {

constexpr uint32_t kLocalMagic = 0x04034b50, kCentralMagic = 0x02014b50, kEndMagic = 0x06054b50;
constexpr uint32_t kEnd64Magic = 0x06064b50, kLocator64Magic = 0x07064b50;
constexpr int64_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20;
constexpr int64_t kDirectoryLimitBytes = 64 << 20;
constexpr uint16_t kZip64Extra = 1;

[[noreturn]] void broken(const std::string& subject, const std::string& fact) {
    throw Error({"NPZ_BROKEN", subject, fact, "save it again with numpy.savez"});
}

/// Little-endian numbers out of bytes, bounds checked.
class Bytes {
  public:
    Bytes(std::vector<std::byte> bytes, std::string subject) : bytes_(std::move(bytes)), subject_(std::move(subject)) {}
    int64_t size() const { return static_cast<int64_t>(bytes_.size()); }
    uint64_t number(int64_t at, int width) const {
        if (at < 0 || at + width > size()) broken(subject_, "its directory is cut off");
        uint64_t value = 0;
        for (int i = 0; i < width; ++i)
            value |= std::to_integer<uint64_t>(bytes_[static_cast<size_t>(at + i)]) << (8 * i);
        return value;
    }
    std::string text(int64_t at, int64_t length) const {
        if (at < 0 || at + length > size()) broken(subject_, "its directory is cut off");
        return {reinterpret_cast<const char*>(bytes_.data()) + at, static_cast<size_t>(length)};
    }

  private:
    std::vector<std::byte> bytes_;
    std::string subject_;
};

Bytes read_bytes(const ByteSource& file, int64_t offset, int64_t length, const std::string& subject) {
    if (offset < 0 || length < 0 || length > file.size_bytes() || offset > file.size_bytes() - length) {
        broken(subject, "it points outside itself");
    }
    std::vector<std::byte> bytes(static_cast<size_t>(length));
    file.read(offset, bytes);
    return Bytes(std::move(bytes), subject);
}

struct Directory {
    int64_t entries = 0, size_bytes = 0, offset = 0;
};

Directory find_directory(const ByteSource& file, const std::string& subject) {
    constexpr int64_t kCommentLimit = 65535;
    const int64_t tail_bytes = std::min(file.size_bytes(), kEndBytes + kCommentLimit);
    const int64_t tail_offset = file.size_bytes() - tail_bytes;
    const Bytes tail = read_bytes(file, tail_offset, tail_bytes, subject);
    int64_t at = tail_bytes - kEndBytes;
    while (at >= 0 && tail.number(at, 4) != kEndMagic) --at;
    if (at < 0) broken(subject, "it is no zip archive, or cut off");
    Directory found{static_cast<int64_t>(tail.number(at + 10, 2)), static_cast<int64_t>(tail.number(at + 12, 4)),
                    static_cast<int64_t>(tail.number(at + 16, 4))};
    const int64_t locator = at - kLocator64Bytes;
    if (locator >= 0 && tail.number(locator, 4) == kLocator64Magic) {
        const auto end64_at = static_cast<int64_t>(tail.number(locator + 8, 8));
        const Bytes end64 = read_bytes(file, end64_at, kEnd64Bytes, subject);
        if (end64.number(0, 4) != kEnd64Magic) broken(subject, "its zip64 directory is missing");
        found = {static_cast<int64_t>(end64.number(32, 8)), static_cast<int64_t>(end64.number(40, 8)),
                 static_cast<int64_t>(end64.number(48, 8))};
    }
    if (found.size_bytes > kDirectoryLimitBytes) broken(subject, "its directory is larger than 64 MiB");
    return found;
}

/// Sizes and offset that do not fit 32 bits stand in the zip64 extra field, in this order, only those.
void apply_zip64(const Bytes& directory, int64_t at, int64_t extra_bytes, ZipEntry& entry, int64_t& local_offset) {
    constexpr int64_t kMarker = 0xffffffff;
    for (int64_t field = at; field + 4 <= at + extra_bytes;) {
        const auto length = static_cast<int64_t>(directory.number(field + 2, 2));
        if (directory.number(field, 2) == kZip64Extra) {
            int64_t value_at = field + 4;
            for (int64_t* value : {&entry.size_bytes, &entry.stored_bytes, &local_offset}) {
                if (*value != kMarker || value_at + 8 > field + 4 + length) continue;
                *value = static_cast<int64_t>(directory.number(value_at, 8));
                value_at += 8;
            }
        }
        field += 4 + length;
    }
}

void check(ZipEntry& entry, uint64_t flags, uint64_t method, int64_t local_offset, const ByteSource& file,
           const std::string& archive) {
    const std::string subject = fmt::format("`{}` in {}", entry.name, archive);
    constexpr uint64_t kStored = 0, kDeflated = 8, kEncrypted = 1;
    if ((flags & kEncrypted) != 0 || (method != kStored && method != kDeflated)) {
        throw Error({"NPZ_METHOD", subject,
                     (flags & kEncrypted) != 0
                         ? "it is encrypted"
                         : fmt::format("its compression method is {}; stored and deflate are read", method),
                     "save it with numpy.savez or numpy.savez_compressed"});
    }
    entry.deflated = method == kDeflated;
    const Bytes local = read_bytes(file, local_offset, kLocalBytes, archive);
    if (local.number(0, 4) != kLocalMagic) broken(subject, "its local header is missing");
    entry.data_offset = local_offset + kLocalBytes + static_cast<int64_t>(local.number(26, 2) + local.number(28, 2));
    if (entry.stored_bytes < 0 || entry.size_bytes < 0 || entry.stored_bytes > file.size_bytes() ||
        entry.data_offset > file.size_bytes() - entry.stored_bytes) {
        broken(subject, "its data lie outside the file");
    }
    constexpr int64_t kBestRatio = 1032;  // of deflate: a larger claim is a lie
    const int64_t limit = entry.deflated ? (entry.stored_bytes + 1) * kBestRatio : entry.stored_bytes;
    if (entry.size_bytes > limit || (!entry.deflated && entry.size_bytes != entry.stored_bytes)) {
        broken(subject, fmt::format("it claims {} bytes from {}", entry.size_bytes, entry.stored_bytes));
    }
}

void put(std::string& out, uint64_t value, int width) {
    for (int i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i) & 255);
}

/// The fields that local and central header share; 1980-01-01, the format's first day, as the date.
void put_common(std::string& out, uint32_t crc, size_t bytes, size_t name_bytes) {
    constexpr uint64_t kVersion = 20, kFirstDay = 0x21;
    put(out, kVersion, 2);
    put(out, 0, 2);  // flags
    put(out, 0, 2);  // stored
    put(out, 0, 2);  // time
    put(out, kFirstDay, 2);
    put(out, crc, 4);
    put(out, bytes, 4);
    put(out, bytes, 4);
    put(out, name_bytes, 2);
    put(out, 0, 2);  // extra field
}

}  // namespace

std::vector<ZipEntry> read_zip_directory(const std::filesystem::path& path) {
    const std::string subject = fmt::format("`{}`", path.string());
    const auto file = open_file(path);
    const Directory found = find_directory(*file, subject);
    const Bytes directory = read_bytes(*file, found.offset, found.size_bytes, subject);
    std::vector<ZipEntry> entries;
    for (int64_t at = 0; at < directory.size();) {
        if (directory.number(at, 4) != kCentralMagic) broken(subject, "its directory is damaged");
        ZipEntry entry;
        entry.crc = static_cast<uint32_t>(directory.number(at + 16, 4));
        entry.stored_bytes = static_cast<int64_t>(directory.number(at + 20, 4));
        entry.size_bytes = static_cast<int64_t>(directory.number(at + 24, 4));
        const auto name_bytes = static_cast<int64_t>(directory.number(at + 28, 2));
        const auto extra_bytes = static_cast<int64_t>(directory.number(at + 30, 2));
        const auto comment_bytes = static_cast<int64_t>(directory.number(at + 32, 2));
        auto local_offset = static_cast<int64_t>(directory.number(at + 42, 4));
        entry.name = directory.text(at + kCentralBytes, name_bytes);
        apply_zip64(directory, at + kCentralBytes + name_bytes, extra_bytes, entry, local_offset);
        check(entry, directory.number(at + 8, 2), directory.number(at + 10, 2), local_offset, *file, subject);
        entries.push_back(std::move(entry));
        at += kCentralBytes + name_bytes + extra_bytes + comment_bytes;
    }
    if (static_cast<int64_t>(entries.size()) != found.entries) broken(subject, "its directory is damaged");
    return entries;
}

std::map<std::string, Tensor> read_npz(const std::filesystem::path& path) {
    std::map<std::string, Tensor> arrays;
    for (const ZipEntry& entry : read_zip_directory(path)) {
        const std::string subject = fmt::format("`{}` in `{}`", entry.name, path.string());
        std::vector<std::byte> bytes(static_cast<size_t>(entry.size_bytes));
        open_entry(path, entry)->read(0, bytes);
        const NpyHeader header = parse_npy_header(bytes, subject);
        if (entry.size_bytes - header.data_offset != data_bytes(header)) {
            broken(subject, fmt::format("its data do not fill the shape {}", to_string(header.dims)));
        }
        Tensor tensor = npy_elements(header, header.dims, {bytes.begin() + header.data_offset, bytes.end()}, subject);
        const std::string name =
            entry.name.ends_with(".npy") ? entry.name.substr(0, entry.name.size() - 4) : entry.name;
        arrays[name] = header.fortran_order ? from_fortran_order(tensor) : std::move(tensor);
    }
    return arrays;
}

void write_npz(const std::filesystem::path& path, const std::map<std::string, Tensor>& arrays) {
    std::string out, directory;
    for (const auto& [name, tensor] : arrays) {
        const std::string file = name + ".npy";
        const std::string bytes = npy_bytes(tensor);
        const size_t local_offset = out.size();
        if (local_offset + bytes.size() > std::numeric_limits<uint32_t>::max() - 65536) {
            throw Error({"NPZ_TOO_LARGE", fmt::format("`{}`", path.string()), "it would hold more than 4 GiB",
                         "process the inputs in several parts"});
        }
        const auto crc =
            static_cast<uint32_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
        put(out, kLocalMagic, 4);
        put_common(out, crc, bytes.size(), file.size());
        out += file;
        out += bytes;
        put(directory, kCentralMagic, 4);
        put(directory, 20, 2);  // made by version 2.0
        put_common(directory, crc, bytes.size(), file.size());
        put(directory, 0, 2);  // comment
        put(directory, 0, 2);  // disk
        put(directory, 0, 2);  // internal attributes
        put(directory, 0, 4);  // external attributes
        put(directory, local_offset, 4);
        directory += file;
    }
    const size_t directory_offset = out.size();
    out += directory;
    put(out, kEndMagic, 4);
    put(out, 0, 4);  // disks
    put(out, arrays.size(), 2);
    put(out, arrays.size(), 2);
    put(out, directory.size(), 4);
    put(out, directory_offset, 4);
    put(out, 0, 2);  // comment
    replace_file(path, out);
}

}  // namespace calotype::samples
