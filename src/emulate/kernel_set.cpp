#include "emulate/kernel_set.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/cpu.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"

namespace calotype::emulate {
namespace {

bool always() { return true; }

struct Entry {
    KernelSet set;
    std::string_view name;
    bool (*available)();
};
// Best first; the reference runs anywhere, so that choosing cannot fail.
constexpr Entry kSets[] = {
    {KernelSet::avx512, "avx512", cpu::has_avx512_vnni},
    {KernelSet::avx2, "avx2", cpu::has_avx2},
    {KernelSet::reference, "reference", always},
};

}  // namespace

bool available(KernelSet set) {
    for (const Entry& entry : kSets)
        if (entry.set == set) return entry.available();
    return true;
}

std::string_view name_of(KernelSet set) {
    for (const Entry& entry : kSets)
        if (entry.set == set) return entry.name;
    return "auto";
}

KernelSet kernel_set(std::string_view name) {
    if (name == "auto") return KernelSet::automatic;
    for (const Entry& entry : kSets)
        if (entry.name == name) return entry.set;
    std::vector<std::string> names{"auto"};
    for (const Entry& entry : kSets) names.emplace_back(entry.name);
    throw Error(
        {"OPTION_VALUE", "`--kernels`", fmt::format("there are no kernels `{}`", name),
         fmt::format("the nearest are `{}`, all are `{}`", nearest(name, names, 1).front(), fmt::join(names, "`, `"))});
}

KernelSet resolve(KernelSet set) {
    for (const Entry& entry : kSets)
        if (entry.available() && (set == entry.set || set == KernelSet::automatic)) return entry.set;
    throw Error({"KERNELS_UNAVAILABLE", fmt::format("`{}`", name_of(set)),
                 fmt::format("this processor ({}) cannot run these kernels", cpu::isa_name()),
                 "use --kernels auto, which takes the best there is"});
}

}  // namespace calotype::emulate
