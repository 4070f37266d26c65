#include "report/totals.hpp"

namespace calotype::report {

Totals totals(const partition::Plan& plan, const std::vector<npu::Program>& programs, const npu::Config& config) {
    Totals sums;
    std::vector<int64_t> samples;  // that the values of an NPU part hold
    for (const partition::Subgraph& part : plan.subgraphs) {
        const bool npu = part.device == partition::Device::npu;
        ++(npu ? sums.npu_subgraphs : sums.cpu_subgraphs);
        if (!npu) sums.host_us += part.predicted_us;
        if (npu) samples.push_back(part.network.inputs.empty() ? 1 : part.network.inputs.front().dims.front());
    }
    sums.npu_macs = plan.npu_macs;
    sums.cpu_macs = plan.cpu_macs;
    const int64_t all = plan.npu_macs + plan.cpu_macs;
    sums.npu_share =
        all > 0 ? static_cast<double>(plan.npu_macs) / static_cast<double>(all) : (sums.cpu_subgraphs == 0 ? 1 : 0);
    int64_t program_macs = 0;
    for (size_t k = 0; k < programs.size(); ++k) {  // one an NPU part, in order
        const npu::Program& program = programs[k];
        sums.cycles += program.cycles * samples[k];
        program_macs += program.macs * samples[k];
        if (program.arena_bytes > sums.arena_bytes) {
            sums.arena_bytes = program.arena_bytes;
            sums.lower_bound_bytes = program.lower_bound_bytes;
        }
    }
    sums.npu_us = config.microseconds(sums.cycles);
    sums.latency_us = plan.predicted_us;
    for (const partition::Decision& decision : plan.decisions) sums.host_only_us += decision.host_us;
    sums.boundaries_us = plan.predicted_us - sums.npu_us - sums.host_us;
    const double most =
        static_cast<double>(sums.cycles) * static_cast<double>(config.tiles() * config.int8_macs_per_cycle);
    sums.utilisation = most > 0 ? static_cast<double>(program_macs) / most : 0;
    return sums;
}

}  // namespace calotype::report
