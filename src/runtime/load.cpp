#include "runtime/load.hpp"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "npu/config.hpp"

namespace calotype::runtime {
namespace {

npu::Config present_npu(const snapshot::NpuIdentity& made_for, const std::string& npu) {
    const auto known = npu::builtin_names();
    const bool is_known = made_for.name == "none" || std::ranges::find(known, made_for.name) != known.end();
    return npu::find_config(!npu.empty() ? npu : is_known ? made_for.name : std::string(npu::kDefaultConfig));
}

}  // namespace

Loaded load_with_config(const std::filesystem::path& path, const std::string& npu, const Limits& limits) {
    npu::Config config = present_npu(snapshot::identity(path), npu);
    snapshot::Contents contents = snapshot::read(path, snapshot::NpuIdentity{config.name, config.fingerprint}, limits);
    return {std::move(contents), std::move(config)};
}

snapshot::Contents load(const std::filesystem::path& path, const std::string& npu, const Limits& limits) {
    return load_with_config(path, npu, limits).contents;
}

int thread_count(int threads) {
    if (threads < 0 || threads > 1024) {
        throw Error({"OPTION_VALUE", "`--threads`",
                     fmt::format("{} is out of range, 1 to 1024 are allowed, 0 is all processors", threads)});
    }
    return threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace calotype::runtime
