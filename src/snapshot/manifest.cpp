#include "snapshot/manifest.hpp"

#include <fmt/format.h>

#include "base/hash.hpp"
#include "npu/fixed_point.hpp"
#include "snapshot/archive.hpp"
#include "snapshot/json_object.hpp"

namespace calotype::execute {
namespace {

constexpr std::array kBoundaries{"quantized", "uint8", "int8", "plain"};
constexpr std::array kKinds{"tensor", "sequence", "optional tensor", "optional sequence"};

}  // namespace

template <class A>
void describe(A& a, Port& x) {
    a.field("name", x.name);
    a.choice("type", x.type, snapshot::kDataTypes);
    a.choice_unless("kind", x.kind, kKinds, Kind::tensor);
    a.field("dims", x.dims);
    a.field("made_for", x.made_for);
    a.field("also_for", x.also_for);
    a.choice("boundary", x.boundary, kBoundaries);
    a.field("scale", x.quantization.scale);
    a.field("zero_point", x.quantization.zero_point);
    // What an input is multiplied with. Derived, for readers in other languages; checked so that it cannot differ.
    std::vector<float> coefficient;
    for (const float scale : x.quantization.scale) coefficient.push_back(npu::coefficient_of(scale));
    const std::vector<float> derived = coefficient;
    a.field("coefficient", coefficient);
    snapshot::require(coefficient == derived, a.path(), "the coefficient is not the scale's inverse");
    std::string layout = "row-major, axes as in the model";
    a.field("layout", layout);
}

}  // namespace calotype::execute

namespace calotype::snapshot {

template <class A>
void describe(A& a, NpuIdentity& x) {
    a.field("name", x.name);
    a.field("fingerprint", x.fingerprint);
}
template <class A>
void describe(A& a, SubgraphEntry& x) {
    a.field("name", x.name);
    a.field("inputs", x.inputs);
    a.field("outputs", x.outputs);
}
template <class A>
void describe(A& a, FileEntry& x) {
    a.field("bytes", x.bytes);
    a.field("sha256", x.sha256);
}
template <class A>
void describe(A& a, Manifest& x) {
    a.field("format_version", x.format_version);
    a.field("tool_version", x.tool_version);
    a.field("npu", x.npu);
    a.field("model_sha256", x.model_sha256);
    a.field("samples_sha256", x.samples_sha256);
    a.field("options_sha256", x.options_sha256);
    a.field("preprocessing", x.preprocessing);
    a.field("batch", x.batch);
    a.field("one_size", x.one_size);
    a.field("size_step", x.size_step);
    a.field("off_step", x.off_step);
    a.field("inputs", x.inputs);
    a.field("outputs", x.outputs);
    a.field("subgraphs", x.subgraphs);
    a.field("files", x.files);
}

namespace {

constexpr const char* kWhere = "`manifest.json`";

void check_version(const Json& json) {
    const auto version = json.find("format_version");
    require(version != json.end() && version->is_number_integer(), kWhere, "it states no format version");
    if (*version != kFormatVersion) {
        throw Error({"SNAPSHOT_VERSION", kWhere,
                     fmt::format("format version {}, this tool reads version {}", version->dump(), kFormatVersion),
                     "compile the model anew with this version"});
    }
}

}  // namespace

std::string with_checksum(const Json& fields) {
    std::string text = fields.dump(1);  // its keys are sorted, the checksum stands behind them
    text.resize(text.size() - std::string_view(fields.empty() ? "}" : "\n}").size());
    return fmt::format("{}{}\n \"sha256\": \"{}\"\n}}\n", text, fields.empty() ? "" : ",", sha256(fields.dump()));
}

std::string to_text(const Manifest& manifest) {
    Json json;
    Blobs none;
    Writer writer(json, "", none);
    Manifest copy = manifest;
    describe(writer, copy);
    CALOTYPE_ASSERT(none.empty(), "a manifest holds no long vector of numbers");
    return with_checksum(json);
}

Manifest manifest_from_text(const std::string& text) {
    Json json = object_of(text, kWhere);
    require(json.erase("sha256") == 1, kWhere, "its checksum is missing");
    // Comparing the text whole also refuses a changed blank, which no JSON reader would see.
    require(with_checksum(json) == text, kWhere, "its checksum does not match its content");
    check_version(json);
    Manifest manifest;
    Blobs none;
    Reader reader(json, kWhere, none);
    describe(reader, manifest);
    reader.finish();
    return manifest;
}

}  // namespace calotype::snapshot
