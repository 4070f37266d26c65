#include "npu/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "base/nearest.hpp"
#include "npu/builtin_configs.hpp"
#include "npu/fixed_point.hpp"

namespace calotype::npu {

const std::vector<std::string_view> kLimitKeys = {"pad_pixels", "piecewise_intervals", "pool_kernel_pixels",
                                                  "space_to_depth_block"};
const std::vector<std::string_view> kSupportKeys = {"average_pool_excluding_padding",
                                                    "conv_transpose",
                                                    "crop_and_resize",
                                                    "deformable_conv",
                                                    "depth_to_space",
                                                    "l2_norm",
                                                    "layer_norm",
                                                    "matmul",
                                                    "mul_channels",
                                                    "pixel_unshuffle",
                                                    "pool_3d",
                                                    "reciprocal_square_root",
                                                    "softmax",
                                                    "square",
                                                    "thin_max_pool",
                                                    "transpose"};

namespace {

using Json = nlohmann::json;

/// A number with its bounds: products of them stay within 64 bits, and no rate that others are divided by rounds to 0.
struct Number {
    std::string_view key;
    int64_t Config::* member;
    int64_t least, most;
};
constexpr int64_t kMostTiles = 1 << 15;  // of one axis
constexpr int64_t kMostBytes = int64_t{1} << 40;
constexpr int64_t kMostRate = int64_t{1} << 50;
constexpr Number kNumbers[] = {{"columns", &Config::columns, 1, kMostTiles},
                               {"rows", &Config::rows, 1, kMostTiles},
                               {"tile_memory_bytes", &Config::tile_memory_bytes, 1, kMostBytes},
                               {"int8_macs_per_cycle", &Config::int8_macs_per_cycle, 4, 1 << 20},
                               {"bf16_macs_per_cycle", &Config::bf16_macs_per_cycle, 4, 1 << 20},
                               {"memory_tiles", &Config::memory_tiles, 1, kMostTiles},
                               {"memory_tile_bytes", &Config::memory_tile_bytes, 1, kMostBytes},
                               {"memory_tile_bytes_per_cycle", &Config::memory_tile_bytes_per_cycle, 1, kMostBytes},
                               {"clock_hz", &Config::clock_hz, 1024, kMostRate},
                               {"ddr_bytes_per_second", &Config::ddr_bytes_per_second, 1, kMostRate},
                               {"layer_overhead_cycles", &Config::layer_overhead_cycles, 1, kMostBytes},
                               {"host_macs_per_second", &Config::host_macs_per_second, 1, kMostRate},
                               {"host_bytes_per_second", &Config::host_bytes_per_second, 1, kMostRate},
                               {"boundary_us", &Config::boundary_us, 1, kMostBytes}};
constexpr int64_t kMostOfALimit = int64_t{1} << 40;
constexpr int64_t kTableIntervals = 16;  // of the tables that npu/piecewise makes

/// Reads one object and remembers which keys were asked for, so that no other stays unnoticed.
class Reader {
  public:
    Reader(const Json& object, std::string subject) : object_(object), subject_(std::move(subject)) {
        if (!object.is_object()) fail("an object is needed");
    }
    const Json& at(std::string_view key) {
        known_.emplace_back(key);
        const auto found = object_.find(key);
        if (found == object_.end()) fail(fmt::format("the key `{}` is missing", key));
        return *found;
    }
    std::string text(std::string_view key) {
        const Json& value = at(key);
        if (!value.is_string() || value.get<std::string>().empty()) fail(fmt::format("`{}` must be a text", key));
        return value.get<std::string>();
    }
    int64_t number(std::string_view key, int64_t least, int64_t most) {
        const Json& value = at(key);
        if (!value.is_number_unsigned() || value.get<uint64_t>() < static_cast<uint64_t>(least) ||
            value.get<uint64_t>() > static_cast<uint64_t>(most))
            fail(fmt::format("`{}` is {}, it must be a whole number in [{}, {}]", key, value.dump(), least, most));
        return value.get<int64_t>();
    }
    bool boolean(std::string_view key) {
        const Json& value = at(key);
        if (!value.is_boolean()) fail(fmt::format("`{}` is {}, it must be true or false", key, value.dump()));
        return value.get<bool>();
    }
    void finish() const {
        for (const auto& [key, value] : object_.items())
            if (std::find(known_.begin(), known_.end(), key) == known_.end())
                fail(fmt::format("unknown key `{}`, known are {}", key, fmt::join(known_, ", ")));
    }
    [[noreturn]] void fail(std::string fact) const {
        throw Error({"NPU_CONFIG", subject_, std::move(fact),
                     "compare it with data/npu/" + std::string(kDefaultConfig) + ".json"});
    }

  private:
    const Json& object_;
    std::string subject_;
    std::vector<std::string> known_;
};

/// It stands in messages, reports and snapshots: letters, digits and what names files.
bool is_name(std::string_view text) {
    constexpr size_t kMost = 100;
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    };
    return !text.empty() && text.size() <= kMost && std::all_of(text.begin(), text.end(), fits);
}

/// No NPU at all; the host's figures are those of the default configuration, for the predictions.
Config no_npu() {
    Config config = find_config(kDefaultConfig);
    config.name = "none";
    config.about = "no NPU: the whole graph runs in FP32 on the host";
    config.columns = config.rows = config.memory_tiles = 0;
    config.fingerprint = sha256("none");
    return config;
}

}  // namespace

int64_t Config::limit(std::string_view key) const {
    const auto found = limits.find(std::string(key));
    CALOTYPE_ASSERT(found != limits.end(), "a configuration holds every limit");
    return found->second;
}

bool Config::supports(std::string_view key) const {
    const auto found = support.find(std::string(key));
    CALOTYPE_ASSERT(found != support.end(), "a configuration answers for every operation");
    return found->second;
}

Config parse_config(std::string_view json, std::string_view subject) {
    const std::string where = fmt::format("NPU configuration `{}`", subject);
    const auto [root, fault] = parse_json(json);
    if (!fault.empty()) throw Error({"NPU_CONFIG", where, fault});
    Config config;
    Reader reader(root, where);
    config.name = reader.text("name");
    if (!is_name(config.name)) reader.fail("its `name` is not of 1 to 100 letters, digits, `_`, `-` and `.`");
    config.about = reader.text("about");
    for (const Number& number : kNumbers) config.*number.member = reader.number(number.key, number.least, number.most);
    Reader limits(reader.at("limits"), where + ", limits");
    for (const std::string_view key : kLimitKeys) {
        const int64_t least = key == "piecewise_intervals" ? kTableIntervals : 1;
        const int64_t most = key == "pool_kernel_pixels" ? kMostPoolTaps : kMostOfALimit;
        config.limits[std::string(key)] = limits.number(key, least, most);
    }
    limits.finish();
    Reader support(reader.at("support"), where + ", support");
    for (const std::string_view key : kSupportKeys) config.support[std::string(key)] = support.boolean(key);
    support.finish();
    reader.finish();
    config.fingerprint = sha256(root.dump());  // nlohmann::json sorts keys: order and spaces of the file do not count
    return config;
}

std::string to_json(const Config& config) {
    nlohmann::ordered_json root{{"name", config.name}, {"about", config.about}};
    for (const Number& number : kNumbers) root[std::string(number.key)] = config.*number.member;
    root["limits"] = config.limits;
    root["support"] = config.support;
    return root.dump(2);
}

std::vector<std::string> builtin_names() {
    std::vector<std::string> names;
    for (const BuiltinConfig& builtin : builtin_configs()) names.emplace_back(builtin.name);
    std::sort(names.begin(), names.end());
    std::stable_partition(names.begin(), names.end(), [](const std::string& name) { return name == kDefaultConfig; });
    return names;
}

Config find_config(std::string_view name_or_file) {
    for (const BuiltinConfig& builtin : builtin_configs())
        if (builtin.name == name_or_file) return parse_config(builtin.json, builtin.name);
    if (name_or_file == "none") return no_npu();
    std::error_code ignored;
    if (std::filesystem::is_regular_file(name_or_file, ignored)) {
        const auto bytes = read_file(name_or_file, 1 << 20);
        return parse_config({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name_or_file);
    }
    std::vector<std::string> names = builtin_names();
    names.emplace_back("none");
    throw Error({"OPTION_VALUE", fmt::format("NPU configuration `{}`", name_or_file),
                 "there is no configuration and no file of this name",
                 fmt::format("the nearest names are `{}`; `calotype npu` lists all",
                             fmt::join(nearest(name_or_file, names), "`, `"))});
}

}  // namespace calotype::npu
