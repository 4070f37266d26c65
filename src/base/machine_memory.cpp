#include "base/machine_memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace calotype {
namespace {

namespace fs = std::filesystem;

/// The limits' files: of the group seen as root (a container sees its own so), and of this process's. Where a group has
/// none they hold the word "max", or a number larger than any machine.
std::vector<fs::path> limit_files() {
    const fs::path root = "/sys/fs/cgroup";
    std::vector<fs::path> files = {root / "memory.max", root / "memory/memory.limit_in_bytes"};
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {  // hierarchy:controllers:/path
        const size_t path = line.rfind(":/");
        if (path == std::string::npos) continue;
        if (line.starts_with("0::")) files.push_back(root / line.substr(path + 2) / "memory.max");
        if (line.find(":memory:") != std::string::npos)
            files.push_back(root / "memory" / line.substr(path + 2) / "memory.limit_in_bytes");
    }
    return files;
}

}  // namespace

int64_t machine_memory_bytes() {
    int64_t bytes = static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
    for (const fs::path& file : limit_files()) {
        int64_t limit = 0;
        if (std::ifstream(file) >> limit && limit > 0) bytes = std::min(bytes, limit);
    }
    return bytes;
}

}  // namespace calotype
