#include "ort/bounds.hpp"

#include <fmt/format.h>
#include <onnxruntime_c_api.h>

#include <iterator>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "ort/status.hpp"
#include "ort/watchdog.hpp"

namespace calotype::ort {
namespace {

std::mutex& environment_guard() {
    static std::mutex guard;
    return guard;
}

}  // namespace

BoundedMemory::BoundedMemory(const Library& library, const DirectMemory* direct)
    : library_(library), lock_(environment_guard()), arena_info_(nullptr, library.api().ReleaseMemoryInfo) {
    const OrtApi& api = library.api();
    if (direct != nullptr) {
        check(api, api.RegisterAllocator(library.env(), direct->allocator()), "ORT_MODEL");
        info_ = direct->info();
        return;
    }
    OrtMemoryInfo* info = nullptr;
    check(api, api.CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &info), "ORT_MODEL");
    arena_info_.reset(info);
    // It grows by what is asked for (1), not by powers of two.
    const char* const keys[] = {"max_mem", "arena_extend_strategy"};
    const size_t values[] = {static_cast<size_t>(allowed_memory_bytes(library.limits())), 1};
    OrtArenaCfg* arena = nullptr;
    check(api, api.CreateArenaCfgV2(keys, values, std::size(keys), &arena), "ORT_MODEL");
    OrtStatus* status = api.CreateAndRegisterAllocator(library.env(), info, arena);
    api.ReleaseArenaCfg(arena);
    check(api, status, "ORT_MODEL");
    info_ = info;
}

BoundedMemory::~BoundedMemory() {
    const OrtApi& api = library_.api();
    if (OrtStatus* status = api.UnregisterAllocator(library_.env(), info_)) api.ReleaseStatus(status);
}

WatchedRun::WatchedRun(const Library& library) : library_(library), options_(nullptr, library.api().ReleaseRunOptions) {
    const OrtApi& api = library.api();
    OrtRunOptions* options = nullptr;
    check(api, api.CreateRunOptions(&options), "ORT_RUN");
    options_.reset(options);
    ticket_ = library.watchdog().watch(options, library.limits().run_seconds);
}

WatchedRun::~WatchedRun() { library_.watchdog().release(ticket_); }

void WatchedRun::finish() {
    if (library_.watchdog().release(ticket_)) return;
    throw Error({"LIMIT_TIME", "ONNX Runtime",
                 fmt::format("a run took longer than {} s and was ended", library_.limits().run_seconds),
                 how_to_raise(&Limits::run_seconds)});
}

}  // namespace calotype::ort
