#pragma once

// Files and directories that take the place of what stands there whole, or not at all.

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace calotype {

/// As write_file, but what stood there stays whole until the new file is. Where `path` is no regular file (a device, a
/// pipe, a link) the bytes go into it.
void replace_file(const std::filesystem::path& path, std::string_view text);

/// Before the work whose result is to go to `path`: whether a directory (its parents are made) or a file could be made or
/// replaced there. Throws Error FILE_UNWRITABLE.
void check_directory_can_be_made(const std::filesystem::path& path);
void check_file_can_be_made(const std::filesystem::path& path);

/// Where `target` is missing because a process was killed while it replaced it in two steps: the old one comes back.
void recover_directory(const std::filesystem::path& target);

/// A directory that is to be replaced whole may hold what is `ours` and nothing else: the rest would be lost. Throws Error
/// OUTPUT_TAKEN where it does ("it holds `a.txt`, which is no `kind`"), or where `path` is there and is no directory.
void check_replaceable(const std::filesystem::path& path,
                       const std::function<bool(const std::filesystem::directory_entry&)>& ours, std::string_view kind,
                       const std::string& hint);

/// A directory that is made beside `target` under a name of its own and takes target's place whole, in one step.
/// Destroyed before `commit`, it leaves target as it was and removes itself.
class StagedDirectory {
  public:
    /// Throws Error FILE_UNWRITABLE. Removes what an earlier, killed run left beside target.
    explicit StagedDirectory(std::filesystem::path target);
    ~StagedDirectory();
    StagedDirectory(const StagedDirectory&) = delete;
    StagedDirectory& operator=(const StagedDirectory&) = delete;

    const std::filesystem::path& path() const { return staging_; }

    /// Swaps two directories in one step; 0, or -1 and errno.
    using Exchange = int (*)(const std::filesystem::path& one, const std::filesystem::path& other);
    static int exchange(const std::filesystem::path& one, const std::filesystem::path& other);

    /// Exchanges the staged directory with target, then drops the old one. Where the file system cannot exchange, the
    /// old one first steps aside; killed just then, `recover_directory` brings it back.
    void commit(Exchange exchange = StagedDirectory::exchange);

  private:
    void replace_in_two_steps();

    std::filesystem::path target_;
    std::filesystem::path staging_;
    bool committed_ = false;
};

/// What is being written beside its place, for a process that ends at once, whose destructors do not run: from here on
/// nothing takes its place any more, and who tries waits.
void remove_staged();

}  // namespace calotype
