#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace calotype {

/// The whole of a regular file. Throws Error FILE_MISSING, FILE_UNREADABLE, or FILE_TOO_LARGE past `limit_bytes`,
/// before any allocation that the file's size asks for.
std::vector<std::byte> read_file(const std::filesystem::path& path, int64_t limit_bytes = int64_t{1} << 40);

/// Writes a new file and syncs it. Throws Error FILE_UNWRITABLE (no permission, full disk) and leaves nothing behind.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);

/// Throws Error FILE_UNWRITABLE with the system's reason, an errno.
[[noreturn]] void cannot_write(const std::filesystem::path& path, int error);

}  // namespace calotype
