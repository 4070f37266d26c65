// The kernels against tests/oracle, a second implementation of the definition in NumPy: its random layers and its
// answers are stored as files, and every kernel set of this machine must give the same bytes.

#include <gtest/gtest.h>

#include <fstream>

#include "base/file.hpp"
#include "emulate/prepared_layer.hpp"
#include "snapshot/network_codec.hpp"
#include "snapshot/safetensors.hpp"

namespace calotype::emulate {
namespace {

struct OracleCase {
    std::string name;
    npu::Network network;
    std::vector<Tensor> inputs;
    Tensor output;
};

std::vector<OracleCase> read_cases() {
    const std::filesystem::path folder = std::filesystem::path(CALOTYPE_SOURCE_DIR) / "tests/oracle/cases";
    std::ifstream text(folder / "cases.json");
    const auto json = nlohmann::json::parse(text);
    auto blobs = snapshot::from_safetensors(read_file(folder / "cases.safetensors"), "cases.safetensors");
    std::vector<OracleCase> cases;
    for (size_t i = 0; i < json.size(); ++i) {
        const std::string prefix = std::to_string(i);
        OracleCase found{json[i]["name"], snapshot::network_from_json(json[i]["network"], prefix, blobs), {}, {}};
        for (size_t j = 0; j < found.network.inputs.size(); ++j)
            found.inputs.push_back(blobs.at(prefix + "/input/" + std::to_string(j)));
        found.output = blobs.at(prefix + "/output");
        cases.push_back(std::move(found));
    }
    return cases;
}

std::vector<int8_t> run(const OracleCase& oracle, KernelSet set) {
    std::vector<Dims> shapes;
    for (const auto& tensor : oracle.network.tensors) shapes.push_back(tensor.shape);
    const auto layer = prepare(oracle.network, 0, shapes, set);
    std::vector<const int8_t*> inputs;
    for (const Tensor& input : oracle.inputs) inputs.push_back(input.values<int8_t>().data());
    std::vector<int8_t> output(oracle.output.values<int8_t>().size());
    std::vector<std::byte> scratch(layer->scratch_bytes() + 64);
    void* start = scratch.data();
    size_t room = scratch.size();
    std::align(64, layer->scratch_bytes(), start, room);
    layer->run(inputs, output.data(), {static_cast<std::byte*>(start), layer->scratch_bytes()}, nullptr);
    return output;
}

class Oracle : public testing::TestWithParam<KernelSet> {};

TEST_P(Oracle, GivesTheSameBytes) {
    if (!available(GetParam())) GTEST_SKIP() << "skipped: no such kernels on this machine";
    const auto cases = read_cases();
    ASSERT_GT(cases.size(), 90U);
    for (const OracleCase& oracle : cases) {
        const auto got = run(oracle, GetParam());
        const auto expected = oracle.output.values<int8_t>();
        size_t differing = 0, first = 0;
        for (size_t i = got.size(); i-- > 0;)
            if (got[i] != expected[i]) ++differing, first = i;
        EXPECT_EQ(differing, 0U) << oracle.name << ": of " << got.size() << " codes; the first, at " << first << ", is "
                                 << int(got[first]) << ", the oracle says " << int(expected[first]);
    }
}

INSTANTIATE_TEST_SUITE_P(Kernels, Oracle, testing::Values(KernelSet::reference, KernelSet::avx2, KernelSet::avx512),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace calotype::emulate
