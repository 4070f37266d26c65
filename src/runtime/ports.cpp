#include "runtime/ports.hpp"

#include "calotype/snapshot.hpp"
#include "snapshot/snapshot.hpp"

namespace calotype {

std::vector<PortInfo> runtime::port_infos(const std::vector<execute::Port>& ports) {
    std::vector<PortInfo> infos;
    for (const execute::Port& port : ports) {
        PortInfo info{port.name, port.type, port.dims, port.boundary, 0, 0};
        if (port.boundary != Boundary::plain) {
            info.scale = port.quantization.scale.front();
            const int32_t above = port.type == DataType::uint8 ? 128 : 0;  // of the tensor's INT8 codes
            info.zero_point = port.quantization.zero_point.front() + above;
        }
        infos.push_back(info);
    }
    return infos;
}

SnapshotPorts ports(const std::filesystem::path& snapshot) {
    const snapshot::Contents contents = snapshot::read(snapshot);
    return {runtime::port_infos(contents.model.inputs), runtime::port_infos(contents.model.outputs),
            contents.preprocessing};
}

}  // namespace calotype
