#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/tensor.hpp"

namespace calotype::samples {

/// One file of a zip archive.
struct ZipEntry {
    std::string name;
    bool deflated = false;
    uint32_t crc = 0;
    int64_t stored_bytes = 0, size_bytes = 0;
    int64_t data_offset = 0;  ///< in the archive
};

/// The entries of a zip archive with nothing encrypted, stored or deflated, all of them inside the file; zip64 too.
/// Throws Error FILE_*, NPZ_BROKEN, NPZ_METHOD.
std::vector<ZipEntry> read_zip_directory(const std::filesystem::path& path);

/// All arrays of an .npz by name.
std::map<std::string, Tensor> read_npz(const std::filesystem::path& path);

/// Writes arrays as numpy.savez does, without a date: equal arrays give equal bytes.
void write_npz(const std::filesystem::path& path, const std::map<std::string, Tensor>& arrays);

}  // namespace calotype::samples
