#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "samples/npz.hpp"

namespace calotype::samples {

/// Bytes of one array file, read piece by piece: of a file, of a stored or of a deflated zip entry.
class ByteSource {
  public:
    virtual ~ByteSource() = default;
    virtual int64_t size_bytes() const = 0;
    /// Fills `out` from `offset_bytes`. Throws Error FILE_UNREADABLE, NPZ_BROKEN.
    virtual void read(int64_t offset_bytes, std::span<std::byte> out) const = 0;
};

/// A whole regular file. Throws Error FILE_MISSING, FILE_UNREADABLE.
std::unique_ptr<ByteSource> open_file(const std::filesystem::path& path);

/// An entry of the archive `path`; its checksum is checked here, in one pass that keeps nothing. A deflated entry is
/// inflated anew whenever it is read backwards.
std::unique_ptr<ByteSource> open_entry(const std::filesystem::path& path, const ZipEntry& entry);

}  // namespace calotype::samples
