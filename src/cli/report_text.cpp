#include "cli/report_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/counted.hpp"
#include "calotype/snapshot.hpp"
#include "npu/config.hpp"
#include "snapshot/json_object.hpp"

namespace calotype::cli {
namespace {

/// ", 0.120 ms" where the configuration is one this tool knows, else nothing.
std::string latency(const Json& npu, int64_t cycles) {
    const std::string name = npu.at("name");
    const auto known = npu::builtin_names();
    if (std::ranges::find(known, name) == known.end()) return "";
    return fmt::format(", {:.3f} ms", 1e-3 * npu::find_config(name).microseconds(cycles));
}

void print_ports(const char* word, const Json& ports) {
    for (const Json& port : ports) {
        fmt::print("{} `{}` {} {}, {}", word, port.at("name").get<std::string>(), port.at("type").get<std::string>(),
                   port.at("dims").dump(), port.at("boundary").get<std::string>());
        if (port.contains("scale"))
            fmt::print(", scale {:g}, zero point {}", port.at("scale").get<double>(), port.at("zero_point").dump());
        if (port.at("made_for").size() > 1) fmt::print(", programs for {}", port.at("made_for").dump());
        fmt::print("\n");
    }
}

/// Of one sample by the configuration's figures; `bench` measures the emulator instead.
void print_latency(const Json& report) {
    if (!report.contains("totals")) return;
    const Json& totals = report.at("totals");
    const auto ms = [&](const char* key) {
        const auto found = totals.find(key);
        return found != totals.end() && found->is_number() ? 1e-3 * found->get<double>() : 0;
    };
    fmt::print("predicted on the device: {:.3f} ms a sample: NPU {:.3f}, its host {:.3f}, boundaries {:.3f}\n",
               ms("latency_us"), ms("npu_us"), ms("host_us"), ms("boundaries_us"));
    if (totals.value("npu_subgraphs", 0) > 0 && ms("host_only_us") < ms("latency_us"))
        fmt::print("without the NPU: {:.3f} ms, all on its host: the NPU does not pay for this network\n",
                   ms("host_only_us"));
}

}  // namespace

void print_summary(const std::filesystem::path& snapshot) {
    const Json json = Json::parse(inspect(snapshot));
    fmt::print("snapshot {} for {}\n", snapshot.string(), json.at("npu").at("name").get<std::string>());
    print_ports("input", json.at("inputs"));
    print_ports("output", json.at("outputs"));
    if (json.contains("one_size"))
        fmt::print("serves one height and width: {}\n", json.at("one_size").get<std::string>());
    if (json.contains("size_step"))
        fmt::print("serves heights and widths in steps of {}; between them: {}\n",
                   json.at("size_step").at("step").get<int64_t>(), json.at("size_step").at("cause").get<std::string>());
    for (const Json& subgraph : json.at("subgraphs")) {
        const std::string name = subgraph.at("name");
        if (!subgraph.contains("layers")) {
            fmt::print("{}: ONNX Runtime, {} bytes of ONNX\n", name, subgraph.at("onnx_bytes").get<int64_t>());
            continue;
        }
        const int64_t cycles = subgraph.at("cycles");
        fmt::print(
            "{}: {}, {:.2f} million MACs, weights {} bytes, activations {} bytes (lower bound {}), predicted on "
            "the "
            "NPU {} cycles{}\n",
            name, counted(std::ssize(subgraph.at("layers")), "layer"), 1e-6 * subgraph.at("macs").get<double>(),
            subgraph.at("weights_bytes").get<int64_t>(), subgraph.at("activation_bytes").get<int64_t>(),
            subgraph.at("activation_lower_bound_bytes").get<int64_t>(), cycles, latency(json.at("npu"), cycles));
    }
    snapshot::from_report(json.at("report"), print_latency);
}

namespace {

void print_errors(const Json& report, size_t most) {
    if (!report.contains("layers") || !report.at("layers").is_array()) return;
    std::vector<std::pair<double, std::string>> rows;
    for (const Json& layer : report.at("layers")) {
        if (layer.contains("snr_db") && layer.at("snr_db").is_number() && layer.contains("name")) {
            rows.emplace_back(layer.at("snr_db").get<double>(), layer.at("name").get<std::string>());
        }
    }
    std::ranges::sort(rows);
    if (!rows.empty() || report.contains("outputs"))
        fmt::print("signal-to-noise ratio against FP32, worst layers first:\n");
    for (size_t i = 0; i < std::min(most, rows.size()); ++i)
        fmt::print("  {:7.2f} dB  {}\n", rows[i].first, rows[i].second);
    if (rows.size() > most)
        fmt::print("  ... and {} above that\n", counted(static_cast<int64_t>(rows.size() - most), "layer"));
    for (const char* list : {"cpu_values", "outputs"}) {
        for (const Json& value : report.value(list, Json::array())) {
            const std::string place = value.value("subgraph", "output");
            const std::string error = value.contains("snr_db")
                                          ? fmt::format("{:7.2f} dB", value.at("snr_db").get<double>())
                                          : fmt::format("{} elements differ", value.value("differing_elements", 0));
            fmt::print("  {}  {} `{}`{}\n", error, place, value.at("name").get<std::string>(),
                       value.contains("samples_of_another_shape") ? ", of another shape in some samples" : "");
        }
    }
}

}  // namespace

void print_layer_errors(const Json& report, size_t most) {
    snapshot::from_report(report, [&](const Json& layers) { print_errors(layers, most); });
}

}  // namespace calotype::cli
