#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace calotype {

/// Whether a path's last name may be a symbolic link.
enum class Links { followed, refused };

/// The whole of a regular file. Throws Error FILE_MISSING, FILE_UNREADABLE, or FILE_TOO_LARGE past `limit_bytes`,
/// before any allocation that the file's size asks for.
std::vector<std::byte> read_file(const std::filesystem::path& path, int64_t limit_bytes = int64_t{1} << 40,
                                 Links links = Links::followed);

/// What stands at a path that is written to, or what a link there leads to.
enum class Existing { replaced, refused };

/// Writes a file and syncs it. Throws Error FILE_UNWRITABLE (no permission, full disk) and leaves nothing behind.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes,
                Existing existing = Existing::replaced);
void write_file(const std::filesystem::path& path, std::string_view text, Existing existing = Existing::replaced);

/// Throws Error FILE_UNWRITABLE with the system's reason, an errno.
[[noreturn]] void cannot_write(const std::filesystem::path& path, int error);

}  // namespace calotype
