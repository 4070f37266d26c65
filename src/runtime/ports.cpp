#include "runtime/ports.hpp"

#include <fmt/format.h>

#include "calotype/snapshot.hpp"
#include "snapshot/snapshot.hpp"

namespace calotype {

std::vector<PortInfo> runtime::port_infos(const std::vector<execute::Port>& ports) {
    std::vector<PortInfo> infos;
    for (const execute::Port& port : ports) {
        PortInfo info{port.name, port.type, port.dims, port.boundary, 0, 0, port.kind};
        if (port.boundary != Boundary::plain) {
            info.scale = port.quantization.scale.front();
            const int32_t above = port.type == DataType::uint8 ? 128 : 0;  // of the tensor's INT8 codes
            info.zero_point = port.quantization.zero_point.front() + above;
        }
        infos.push_back(info);
    }
    return infos;
}

void runtime::require_known_inputs(const execute::Model& model) {
    for (const execute::Port& port : model.inputs)
        if (port.kind == Kind::sequence)
            throw Error({"SNAPSHOT_NO_GOLDEN", fmt::format("input `{}`", port.name),
                         "it is a sequence, and the snapshot holds no golden inputs that tell its elements",
                         "compile the model without `--no-golden`"});
}

SnapshotPorts ports(const std::filesystem::path& snapshot) {
    const snapshot::Contents contents = snapshot::read(snapshot);
    return {runtime::port_infos(contents.model.inputs), runtime::port_infos(contents.model.outputs),
            contents.preprocessing};
}

}  // namespace calotype
