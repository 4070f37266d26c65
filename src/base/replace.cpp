#include "base/replace.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <mutex>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"

namespace calotype {
namespace {

namespace fs = std::filesystem;

void sync_directory(const fs::path& path) {
    const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return;
    ::fsync(directory);
    ::close(directory);
}

std::string staging_prefix(const fs::path& target) { return fmt::format(".{}.partial-", target.filename().string()); }
/// Of the old directory while the new one takes its place.
std::string aside_prefix(const fs::path& target) { return fmt::format(".{}.replaced-", target.filename().string()); }

std::string probe_prefix(const fs::path& target) { return fmt::format(".{}.probe-", target.filename().string()); }

/// True if the process that wrote the leftover is gone (its id ends the name).
bool abandoned(std::string_view pid_text) {
    int pid = 0;
    const auto [end, error] = std::from_chars(pid_text.data(), pid_text.data() + pid_text.size(), pid);
    if (error != std::errc() || end != pid_text.data() + pid_text.size() || pid <= 0) return false;
    return ::kill(pid, 0) != 0 && errno == ESRCH;
}

/// What dead processes left beside `target` under this prefix.
std::vector<fs::path> leftovers(const fs::path& target, const std::string& prefix) {
    std::vector<fs::path> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(target.parent_path(), ignored)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(prefix) && abandoned(std::string_view(name).substr(prefix.size())))
            found.push_back(entry.path());
    }
    return found;
}

void remove_leftovers(const fs::path& target) {
    std::error_code ignored;
    for (const std::string& prefix : {staging_prefix(target), aside_prefix(target), probe_prefix(target)})
        for (const fs::path& path : leftovers(target, prefix)) fs::remove_all(path, ignored);
}

/// Absolute, without a trailing slash.
fs::path whole_path(const fs::path& path) {
    std::error_code ignored;
    const fs::path whole = fs::absolute(path, ignored).lexically_normal();
    return whole.has_filename() ? whole : whole.parent_path();
}

/// Files and directories that this process is writing beside their places.
struct Staged {
    std::mutex guard;
    std::set<fs::path> paths;
};
Staged& staged() {
    static Staged& all = *new Staged;  // never destroyed: a signal may come while the process ends
    return all;
}
/// What is made of `path` is made and known in one step: else a process that ends between the two leaves it behind.
template <typename Make>
auto enter(const fs::path& path, const Make& make) {
    const std::lock_guard lock(staged().guard);
    auto made = make(path);
    staged().paths.insert(path);
    return made;
}
void leave(const fs::path& path) {
    const std::lock_guard lock(staged().guard);
    std::error_code ignored;
    fs::remove_all(path, ignored);
    staged().paths.erase(path);
}

/// A new file among them until it goes out of scope; what is left there then is removed.
class StagedFile {
  public:
    explicit StagedFile(fs::path path)
        : path_(std::move(path)),
          file_(enter(path_, [](const fs::path& at) { return open_for_writing(at, Existing::refused); })) {}
    ~StagedFile() { leave(path_); }
    StagedFile(const StagedFile&) = delete;
    StagedFile& operator=(const StagedFile&) = delete;

    const Descriptor& file() const { return file_; }

  private:
    fs::path path_;
    Descriptor file_;
};

/// Asked by making one: what root may do on a read-only file system, or in /proc, no permission tells.
void check_takes_entries(const fs::path& folder, const fs::path& target) {
    const fs::path probe = folder / (probe_prefix(target) + std::to_string(::getpid()));
    const std::lock_guard lock(staged().guard);  // a process that ends waits until it is gone
    if (::mkdir(probe.c_str(), 0755) != 0 && errno != EEXIST) cannot_write(target, errno);
    ::rmdir(probe.c_str());
}

}  // namespace

void replace_file(const fs::path& path, std::string_view text) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
    const bool whole = status.type() == fs::file_type::regular || status.type() == fs::file_type::not_found;
    if (!whole || !path.has_filename() || !fs::is_directory(folder, error)) return write_file(path, text);
    remove_leftovers(folder / path.filename());
    const fs::path staging = folder / (staging_prefix(path) + std::to_string(::getpid()));
    ::unlink(staging.c_str());  // of a dead process of the same id, or somebody's link to elsewhere
    try {
        const StagedFile made(staging);
        write_open_file(made.file(), staging, std::as_bytes(std::span(text)));
        const std::lock_guard lock(staged().guard);
        if (::rename(staging.c_str(), path.c_str()) != 0) cannot_write(path, errno);
    } catch (const Error& failed) {
        ErrorText named = failed.text();
        named.subject = fmt::format("`{}`", path.string());
        throw Error(std::move(named));
    }
}

void check_directory_can_be_made(const fs::path& path) {
    if (path.empty()) throw Error({"FILE_UNWRITABLE", "the output", "its path is empty", "name a directory"});
    std::error_code error;
    fs::path parent = whole_path(path).parent_path();
    while (!fs::exists(fs::symlink_status(parent, error)) && parent.has_relative_path()) parent = parent.parent_path();
    if (!fs::is_directory(parent, error)) cannot_write(parent, ENOTDIR);
    check_takes_entries(parent, path);
}

void check_file_can_be_made(const fs::path& path) {
    std::error_code error;
    const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
    if (!fs::exists(folder, error)) cannot_write(path, ENOENT);
    if (!fs::is_directory(folder, error)) cannot_write(path, ENOTDIR);
    if (fs::is_directory(path, error)) cannot_write(path, EISDIR);
    const fs::file_status status = fs::symlink_status(path, error);
    const bool written_into = fs::exists(status) && !fs::is_regular_file(status);  // a device, a pipe, a link
    if (!written_into) return check_takes_entries(folder, path);
    if (::access(path.c_str(), W_OK) != 0 && errno != ENOENT) cannot_write(path, errno);
}

void recover_directory(const fs::path& target) {
    const fs::path whole = whole_path(target);
    std::error_code error;
    if (fs::exists(fs::symlink_status(whole, error))) return;
    for (const fs::path& old : leftovers(whole, aside_prefix(whole)))
        if (::rename(old.c_str(), whole.c_str()) == 0) return;
}

void check_replaceable(const fs::path& path, const std::function<bool(const fs::directory_entry&)>& ours,
                       std::string_view kind, const std::string& hint) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (!fs::exists(status)) return;
    const auto taken = [&](std::string fact) {
        throw Error({"OUTPUT_TAKEN", fmt::format("`{}`", path.string()), std::move(fact), hint});
    };
    if (!fs::is_directory(status)) taken("it is there and is no directory");
    for (const fs::directory_entry& entry : fs::directory_iterator(path, error))
        if (!ours(entry))
            taken(
                fmt::format("it holds `{}`, which is no {} and would be lost", entry.path().filename().string(), kind));
    if (error) cannot_write(path, error.value());
}

StagedDirectory::StagedDirectory(fs::path target) {
    std::error_code error;
    target_ = whole_path(target);
    fs::create_directories(target_.parent_path(), error);
    if (error) cannot_write(target_.parent_path(), error.value());
    if (fs::exists(target_, error) && !fs::is_directory(target_, error)) cannot_write(target_, ENOTDIR);
    recover_directory(target_);
    remove_leftovers(target_);
    staging_ = target_.parent_path() / (staging_prefix(target_) + std::to_string(::getpid()));
    fs::remove_all(staging_, error);
    const int failure =
        enter(staging_, [](const fs::path& path) { return ::mkdir(path.c_str(), 0755) == 0 ? 0 : errno; });
    if (failure == 0) return;
    leave(staging_);
    cannot_write(staging_, failure);
}

StagedDirectory::~StagedDirectory() { leave(staging_); }  // after commit this is the old directory, or nothing

void remove_staged() {
    constexpr int kRounds = 1000;  // another thread may write a file more into a directory that is being removed
    staged().guard.lock();         // for good: what is removed in part must take no place any more
    std::error_code failed;
    for (const fs::path& path : staged().paths)
        for (int round = 0; round < kRounds && fs::exists(fs::symlink_status(path, failed)); ++round)
            fs::remove_all(path, failed);
}

int StagedDirectory::exchange(const fs::path& one, const fs::path& other) {
    return ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
}

void StagedDirectory::commit(Exchange exchange) {
    CALOTYPE_ASSERT(!committed_, "a staged directory is committed once");
    sync_directory(staging_);
    const std::lock_guard lock(staged().guard);
    if (exchange(staging_, target_) != 0) {
        const int error = errno;
        // A rename takes the place of nothing and of an empty directory in one step anywhere.
        const bool renamed = ::rename(staging_.c_str(), target_.c_str()) == 0;
        const bool unable = error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
        if (!renamed && !unable) cannot_write(target_, error == ENOENT ? errno : error);
        if (!renamed) replace_in_two_steps();
    }
    committed_ = true;
    sync_directory(target_.parent_path());
}

/// For file systems that cannot exchange (some network and FUSE ones).
void StagedDirectory::replace_in_two_steps() {
    const fs::path aside = target_.parent_path() / (aside_prefix(target_) + std::to_string(::getpid()));
    std::error_code ignored;
    fs::remove_all(aside, ignored);
    if (::rename(target_.c_str(), aside.c_str()) != 0) cannot_write(target_, errno);
    if (::rename(staging_.c_str(), target_.c_str()) != 0) {
        const int error = errno;
        ::rename(aside.c_str(), target_.c_str());
        cannot_write(target_, error);
    }
    fs::remove_all(aside, ignored);
}

}  // namespace calotype
