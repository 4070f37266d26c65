#include "snapshot/program_codec.hpp"

#include <array>

#include "snapshot/damaged.hpp"

namespace calotype::snapshot {
namespace {

// "CTPROG" and two digits of the version; then int64 numbers only, but for a step's flag, which is one too.
constexpr std::array kMagic{'C', 'T', 'P', 'R', 'O', 'G', '0', '1'};
constexpr std::string_view kFile = "`program.bin`";

class Output {
  public:
    void number(int64_t value) {
        for (int i = 0; i < 8; ++i)
            bytes.push_back(static_cast<std::byte>(static_cast<uint64_t>(value) >> (8 * i) & 0xff));
    }
    void numbers(const Dims& values) {
        number(static_cast<int64_t>(values.size()));
        for (const int64_t value : values) number(value);
    }
    std::vector<std::byte> bytes;
};

class Input {
  public:
    explicit Input(std::span<const std::byte> bytes) : bytes_(bytes) {}
    int64_t number() {
        require(bytes_.size() >= 8, kFile, "it is cut short");
        uint64_t value = 0;
        for (size_t i = 0; i < 8; ++i) value |= std::to_integer<uint64_t>(bytes_[i]) << (8 * i);
        bytes_ = bytes_.subspan(8);
        return static_cast<int64_t>(value);
    }
    /// A number of entries, each of at least `bytes_each`, that the rest of the file can hold.
    size_t count(size_t bytes_each) {
        const int64_t value = number();
        require(value >= 0 && static_cast<uint64_t>(value) <= bytes_.size() / bytes_each, kFile,
                "it states more entries than it holds");
        return static_cast<size_t>(value);
    }
    Dims numbers() {
        Dims values(count(8));
        for (int64_t& value : values) value = number();
        return values;
    }
    bool empty() const { return bytes_.empty(); }

  private:
    std::span<const std::byte> bytes_;
};

void put(Output& out, const npu::Program& program) {
    out.number(static_cast<int64_t>(program.steps.size()));
    for (const npu::Step& step : program.steps) {
        for (const int64_t value :
             {int64_t{step.layer}, step.macs, step.moved_bytes, step.cycles, int64_t{step.bandwidth_bound}}) {
            out.number(value);
        }
    }
    out.number(static_cast<int64_t>(program.shapes.size()));
    for (const Dims& shape : program.shapes) out.numbers(shape);
    out.number(static_cast<int64_t>(program.placement.size()));
    for (const npu::Span& span : program.placement) {
        out.number(span.offset_bytes);
        out.number(span.size_bytes);
    }
    for (const int64_t value : {program.arena_bytes, program.lower_bound_bytes, program.cycles, program.macs})
        out.number(value);
}

npu::Program get(Input& in) {
    npu::Program program;
    program.steps.resize(in.count(40));
    for (npu::Step& step : program.steps) {
        const int64_t layer = in.number();
        require(layer >= 0 && layer <= INT32_MAX, kFile, "a step's layer is out of range");
        step.layer = static_cast<int32_t>(layer);
        step.macs = in.number();
        step.moved_bytes = in.number();
        step.cycles = in.number();
        const int64_t flag = in.number();
        require(flag == 0 || flag == 1, kFile, "a flag is neither 0 nor 1");
        step.bandwidth_bound = flag == 1;
    }
    program.shapes.resize(in.count(8));
    for (Dims& shape : program.shapes) shape = in.numbers();
    program.placement.resize(in.count(16));
    for (npu::Span& span : program.placement) {
        span.offset_bytes = in.number();
        span.size_bytes = in.number();
    }
    for (int64_t* value : {&program.arena_bytes, &program.lower_bound_bytes, &program.cycles, &program.macs})
        *value = in.number();
    return program;
}

}  // namespace

std::vector<std::byte> to_program_bytes(std::span<const npu::Program> programs) {
    Output out;
    for (const char c : kMagic) out.bytes.push_back(static_cast<std::byte>(c));
    out.number(static_cast<int64_t>(programs.size()));
    for (const npu::Program& program : programs) put(out, program);
    return std::move(out.bytes);
}

std::vector<npu::Program> from_program_bytes(std::span<const std::byte> bytes) {
    require(bytes.size() >= kMagic.size(), kFile, "it is cut short");
    for (size_t i = 0; i < kMagic.size(); ++i) {
        require(bytes[i] == static_cast<std::byte>(kMagic[i]), kFile, "it is no program of this version");
    }
    Input in(bytes.subspan(kMagic.size()));
    std::vector<npu::Program> programs(in.count(56));
    for (npu::Program& program : programs) program = get(in);
    require(in.empty(), kFile, "bytes follow the last program");
    return programs;
}

}  // namespace calotype::snapshot
