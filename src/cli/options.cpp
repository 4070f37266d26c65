#include "cli/options.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/limits.hpp"

namespace calotype::cli {
namespace {

[[noreturn]] void bad_value(const std::string& option, const std::string& text, const std::string& wanted) {
    throw Error({"OPTION_VALUE", fmt::format("`{}`", option), fmt::format("`{}` is not {}", text, wanted)});
}

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts{""};
    for (const char c : text) {
        if (c == at)
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

template <class T>
bool parse(const std::string& text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

std::vector<double> numbers(const std::string& option, const std::string& text) {
    std::vector<double> values;
    if (text.empty()) return values;
    for (const std::string& part : split(text, ',')) {
        if (!parse(part, values.emplace_back()))
            bad_value(option, text, "numbers with commas between them, as in 0.485,0.456,0.406");
    }
    return values;
}

std::array<int64_t, 2> size(const std::string& text) {
    std::array<int64_t, 2> pixels{};
    const auto parts = split(text, 'x');
    const bool fine = parts.size() == 2 && parse(parts[0], pixels[0]) && parse(parts[1], pixels[1]);
    if (!fine || std::min(pixels[0], pixels[1]) < 1 || std::max(pixels[0], pixels[1]) > 16384) {
        bad_value("--resize", text, "HEIGHTxWIDTH in pixels, 1 to 16384 each");
    }
    return pixels;
}

/// The value given, else the one recorded in the snapshot, else empty.
std::string given_or(const std::string& given, const std::map<std::string, std::string>& recorded,
                     const std::string& key) {
    const auto found = recorded.find(key);
    return !given.empty() || found == recorded.end() ? given : found->second;
}

samples::ImageOptions image_options(const SampleOptions& options, const std::map<std::string, std::string>& recorded) {
    samples::ImageOptions image;
    image.mean = numbers("--mean", given_or(options.mean, recorded, "mean"));
    image.std = numbers("--std", given_or(options.std, recorded, "std"));
    const std::string resize = given_or(options.resize, recorded, "resize");
    if (!resize.empty() && resize != "none") image.resize = size(resize);
    const std::string layout = given_or(options.layout, recorded, "layout");
    if (layout == "nchw")
        image.layout = samples::Layout::nchw;
    else if (layout == "nhwc")
        image.layout = samples::Layout::nhwc;
    else if (!layout.empty())
        bad_value("--layout", layout, "nchw or nhwc");
    const std::string channels = given_or(options.channels, recorded, "channels");
    if (channels == "rgb")
        image.channels = samples::Channels::rgb;
    else if (channels == "bgr")
        image.channels = samples::Channels::bgr;
    else if (channels == "gray")
        image.channels = samples::Channels::gray;
    else if (!channels.empty())
        bad_value("--channels", channels, "rgb, bgr or gray");
    return image;
}

}  // namespace

void add_sample_options(CLI::App& command, SampleOptions& options) {
    const std::string group =
        "Images (a folder of them; what is left out is as it was at compile, which the snapshot holds)";
    command
        .add_option("--mean", options.mean,
                    "Subtracted from each pixel in [0, 255]: one number, or one a channel: 123.7,116.3,103.5")
        ->group(group);
    command.add_option("--std", options.std, "Divides after that: one number, or one a channel")->group(group);
    command
        .add_option("--resize", options.resize,
                    "HEIGHTxWIDTH, bilinear over all pixels that a new one covers, as Pillow's; the model's own where "
                    "it is left out")
        ->group(group);
    command.add_option("--layout", options.layout, "nchw or nhwc; read off the model's input where it is left out")
        ->group(group);
    command.add_option("--channels", options.channels, "rgb, bgr or gray")->group(group);
}

samples::Source open_samples(const std::filesystem::path& path, const std::vector<PortInfo>& inputs,
                             const SampleOptions& options, const std::map<std::string, std::string>& recorded,
                             bool may_be_empty) {
    const std::vector<samples::InputSpec> specs = samples::specs_of(inputs, may_be_empty);
    std::error_code none;  // a path that cannot be looked at is refused where it is opened
    if (std::filesystem::is_regular_file(path, none)) {
        const std::pair<const char*, const std::string&> given[] = {{"--mean", options.mean},
                                                                    {"--std", options.std},
                                                                    {"--resize", options.resize},
                                                                    {"--layout", options.layout},
                                                                    {"--channels", options.channels}};
        for (const auto& [name, value] : given)
            if (!value.empty())
                throw Error({"OPTION_UNUSED", fmt::format("`{}`", name),
                             fmt::format("it is for a folder of images, `{}` is a file of arrays", path.string()),
                             "leave it out: arrays are taken as they are"});
    }
    return samples::open(path, specs, image_options(options, recorded));
}

void print_notes(const samples::Source& source) {
    for (const std::string& note : source.notes()) fmt::print(stderr, "{}\n", note);
}

void add_limit_options(CLI::App& command, LimitOptions& options, LimitsOf of) {
    for (const LimitRecord& record : limit_records()) {
        if (of == LimitsOf::runs && !record.of_runs) continue;
        const std::string name(record.name);
        const int64_t absent = Limits{}.*record.member;
        const std::string otherwise = absent > 0 ? std::to_string(absent) : "half the machine's memory";
        command
            .add_option_function<int64_t>(
                "--max-" + name, [&options, name](const int64_t& value) { options[name] = value; },
                fmt::format("{} [{}]", record.what, otherwise))
            ->transform(CLI::AsSizeValue(false))
            ->group("Limits (of what a file may ask for; 512M and 8G are understood)");
    }
}

std::optional<std::filesystem::path> optional_path(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::filesystem::path>(text);
}

std::pair<std::string, Dims> parse_shape(const std::string& text) {
    const size_t equal = text.rfind('=');
    const std::string wanted = "INPUT=DIMS, as in image=1x3x224x224";
    if (equal == std::string::npos || equal == 0) bad_value("--shape", text, wanted);
    Dims dims;
    for (const std::string& part : split(text.substr(equal + 1), 'x')) {
        if (!parse(part, dims.emplace_back()) || dims.back() < 1) bad_value("--shape", text, wanted);
    }
    return {text.substr(0, equal), dims};
}

}  // namespace calotype::cli
