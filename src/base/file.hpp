#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/descriptor.hpp"

namespace calotype {

/// Whether a path's last name may be a symbolic link.
enum class Links { followed, refused };

/// The whole of a regular file. Throws Error FILE_MISSING, FILE_UNREADABLE, or FILE_TOO_LARGE past `limit_bytes`,
/// before any allocation that the file's size asks for.
std::vector<std::byte> read_file(const std::filesystem::path& path, int64_t limit_bytes = int64_t{1} << 40,
                                 Links links = Links::followed);

/// What stands at a path that is written to, or what a link there leads to.
enum class Existing { replaced, refused };

/// Made where it is not, else emptied or refused. Throws Error FILE_UNWRITABLE.
Descriptor open_for_writing(const std::filesystem::path& path, Existing existing);

/// Fills the file that was opened at `path` and syncs it. Throws Error FILE_UNWRITABLE and leaves nothing behind.
void write_open_file(const Descriptor& file, const std::filesystem::path& path, std::span<const std::byte> bytes);

/// Writes a file and syncs it. Throws Error FILE_UNWRITABLE (no permission, full disk) and leaves nothing behind.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);

/// Throws Error FILE_UNWRITABLE with the system's reason, an errno.
[[noreturn]] void cannot_write(const std::filesystem::path& path, int error);

}  // namespace calotype
