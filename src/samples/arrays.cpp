// Samples out of .npy and .npz files: how an array of many samples is cut into one at a time.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/counted.hpp"
#include "base/elements.hpp"
#include "base/error.hpp"
#include "base/input_rules.hpp"
#include "base/narrow_types.hpp"
#include "base/nearest.hpp"
#include "samples/byte_source.hpp"
#include "samples/npy.hpp"
#include "samples/samples.hpp"

namespace calotype::samples {
namespace {

/// How an array serves an input: `count` pieces of `dims`, one behind the other.
struct Cut {
    int64_t count = 0;
    Dims dims;
};

bool fits(std::span<const int64_t> found, std::span<const int64_t> wanted) {
    return std::equal(found.begin(), found.end(), wanted.begin(), wanted.end(),
                      [](int64_t have, int64_t want) { return want < 0 ? have > 0 : have == want; });
}

std::string spelled(const Dims& dims) {
    std::string out;
    for (const int64_t dim : dims) out += (out.empty() ? "" : ", ") + (dim < 0 ? "any" : std::to_string(dim));
    return fmt::format("[{}]", out);
}

Cut cut(const Dims& found, const InputSpec& input, const std::string& subject) {
    const std::span<const int64_t> have(found), want(input.dims);
    const auto may_be = [](int64_t size, int64_t wanted) { return wanted < 0 || size == wanted; };
    if (input.kind != Kind::tensor || (input.whole && std::ranges::equal(have, want, may_be))) return {1, found};
    const int64_t batch = want.empty() || want[0] < 0 ? 1 : want[0];
    if (!want.empty() && have.size() == want.size() && fits(have.subspan(1), want.subspan(1)) && have[0] > 0 &&
        batch > 0 && have[0] % batch == 0) {
        Dims dims = found;
        dims[0] = batch;
        return {found[0] / batch, dims};
    }
    if (have.size() == want.size() + 1 && have[0] > 0 && fits(have.subspan(1), want)) {
        return {found[0], Dims(found.begin() + 1, found.end())};
    }
    if (!want.empty() && batch == 1 && have.size() + 1 == want.size() && fits(have, want.subspan(1))) {
        Dims dims = found;
        dims.insert(dims.begin(), 1);
        return {1, dims};
    }
    const bool no_samples = input.may_be_empty && !want.empty() && want[0] < 0 && have.size() == want.size() &&
                            have[0] == 0 && fits(have.subspan(1), want.subspan(1));
    if (no_samples) return {1, found};
    const bool empty = std::ranges::find(want, 0) != want.end();  // nothing to cut
    if (std::ranges::equal(have, want) && (want.empty() || empty)) return {1, found};
    if (!have.empty() && have[0] == 0)
        throw Error({"SAMPLE_NONE", subject, fmt::format("it holds no sample: its shape is {}", spelled(found)),
                     "give at least one sample; 5 to 20 are advised for a compilation"});
    const std::string layout = layout_hint(found, input.dims);
    throw Error(
        {"SAMPLE_SHAPE", subject,
         fmt::format("its shape is {}, the input `{}` takes {}", spelled(found), input.name, spelled(input.dims)),
         !layout.empty() ? layout
                         : fmt::format("give [S, ...] with the input's other axes for S samples{}",
                                       batch > 1 ? fmt::format(", S a multiple of the batch {}", batch) : "")});
}

/// One array that feeds one input, or an element of one.
struct Array {
    std::string name;  ///< the input's, or the element's
    InputSpec input;
    NpyHeader header;
    Cut pieces;
    std::unique_ptr<ByteSource> bytes;
    std::string subject;
    std::optional<Tensor> reordered{};  ///< of a Fortran-ordered array, which cannot be read piece by piece
};

/// Elements of the file from `first` on that fill `dims`, as the input has them.
Tensor elements_of(const Array& array, const Dims& dims, int64_t first) {
    const NpyHeader& header = array.header;
    std::vector<std::byte> stored(static_cast<size_t>(element_count(dims) * header.element_bytes));
    array.bytes->read(header.data_offset + first * header.element_bytes, stored);
    if (!is_narrow(array.input.type)) return npy_elements(header, dims, std::move(stored), array.subject);
    Tensor codes(array.input.type, dims, std::move(stored));
    if (header.untyped_byte)
        clear_unused_bits(codes);
    else
        check_codes(codes, array.input.type, array.subject);
    return codes;
}

Array open_array(const std::string& name, std::unique_ptr<ByteSource> bytes, const InputSpec& input,
                 const std::string& subject) {
    std::vector<std::byte> head(static_cast<size_t>(std::min(kNpyHeaderLimit, bytes->size_bytes())));
    bytes->read(0, head);
    Array array{name, input, parse_npy_header(head, subject), {}, std::move(bytes), subject};
    const NpyHeader& header = array.header;
    check_input_type(header.untyped_byte ? input.type : header.type, input.type, input.boundary, subject, input.name);
    if (header.untyped_byte && !is_narrow(input.type))
        throw Error(
            {"NPY_TYPE", subject,
             fmt::format("its elements are bytes of no type, the input `{}` takes {}", input.name, name_of(input.type)),
             "convert it, for example with .astype(numpy.float32)"});
    array.pieces = cut(header.dims, input, subject);
    if (is_sequence(input.kind) && name == empty_name(input.name) && element_count(header.dims) > 0)
        throw Error(
            {"SAMPLE_SHAPE", subject,
             fmt::format("its shape is {}, and it stands for a sequence without elements", spelled(header.dims)),
             "give the elements under names of their own: `x[0]` is the first of `x`"});
    const int64_t size = data_bytes(header);
    if (array.bytes->size_bytes() - header.data_offset != size) {
        throw Error({"NPY_BROKEN", subject,
                     fmt::format("it holds {} bytes of data, its shape {} asks for {}",
                                 array.bytes->size_bytes() - header.data_offset, to_string(header.dims), size),
                     "save the array again"});
    }
    if (header.fortran_order && header.dims.size() > 1) {
        array.reordered = from_fortran_order(elements_of(array, header.dims, 0));
    }
    return array;
}

Tensor piece_of(const Array& array, int64_t index) {
    const int64_t first = index * element_count(array.pieces.dims);
    if (array.reordered) return copy_of(part_of(*array.reordered, array.pieces.dims, first));
    return elements_of(array, array.pieces.dims, first);
}

class Arrays : public Reader {
  public:
    Arrays(std::vector<Array> arrays, std::string file, std::set<std::string> left_out)
        : arrays_(std::move(arrays)), file_(std::move(file)), left_out_(std::move(left_out)) {}
    int64_t count() const override { return arrays_.empty() ? 0 : arrays_.front().pieces.count; }
    std::map<std::string, Tensor> at(int64_t index) const override {
        std::map<std::string, Tensor> sample;
        for (const Array& array : arrays_) sample[array.name] = piece_of(array, index);
        return sample;
    }
    std::string name_of(int64_t index) const override {
        return count() == 1 ? file_ : fmt::format("sample {} of {}", index, file_);
    }
    std::set<std::string> left_out() const override { return left_out_; }

    std::string stem(int64_t index) const override { return numbered(index); }

  private:
    std::vector<Array> arrays_;
    std::string file_;
    std::set<std::string> left_out_;
};

std::string names_of(const std::vector<InputSpec>& inputs) {
    std::string out;
    for (const InputSpec& input : inputs)
        out +=
            fmt::format("{}`{}`", out.empty() ? "" : ", ",
                        is_sequence(input.kind) ? element_name(input.name, 0) + "`, ... or `" + empty_name(input.name)
                                                : input.name);
    return out;
}

/// Elements behind a gap, or beside the sign of a sequence without any.
void refuse_loose_elements(const std::set<std::string>& names, const std::vector<InputSpec>& inputs,
                           const std::string& archive) {
    std::set<std::string> used;
    for (const InputSpec& input : inputs)
        for (std::string& name : held_names(names, input.name, input.kind)) used.insert(std::move(name));
    for (const std::string& name : names)
        if (!used.contains(name))
            throw Error({"SAMPLE_NAME", archive, fmt::format("it holds `{}` without the elements before it", name),
                         "name a sequence's elements `x[0]`, `x[1]` and so on; one without any is an array `x[]`"});
}

/// What is no input is left out: people keep labels beside the samples.
std::vector<Array> open_npz_arrays(const std::filesystem::path& path, const std::vector<InputSpec>& inputs,
                                   std::set<std::string>& left_out) {
    std::vector<Array> arrays;
    std::set<std::string> names;
    const std::string archive = fmt::format("`{}`", path.string());
    for (const ZipEntry& entry : read_zip_directory(path)) {
        const std::string name =
            entry.name.ends_with(".npy") ? entry.name.substr(0, entry.name.size() - 4) : entry.name;
        const InputSpec* const input = input_of(name, inputs);
        if (input == nullptr) {
            left_out.insert(name);
            continue;
        }
        if (!names.insert(name).second)
            throw Error({"SAMPLE_NAME", archive, fmt::format("it holds the array `{}` twice", name)});
        arrays.push_back(open_array(name, open_entry(path, entry), *input, fmt::format("`{}` in {}", name, archive)));
    }
    for (const InputSpec& input : inputs)
        if (!is_optional(input.kind) && held_names(names, input.name, input.kind).empty())
            missing_input(input.name, left_out, inputs, archive);
    refuse_loose_elements(names, inputs, archive);
    return arrays;
}

}  // namespace

std::vector<InputSpec> specs_of(const std::vector<PortInfo>& inputs, bool may_be_empty) {
    const bool whole = std::ranges::any_of(inputs, [](const PortInfo& input) { return input.kind != Kind::tensor; });
    std::vector<InputSpec> specs;
    for (const PortInfo& input : inputs)
        specs.push_back({input.name, input.type, input.dims, input.boundary, input.kind, whole, may_be_empty});
    return specs;
}

const InputSpec* input_of(const std::string& array, const std::vector<InputSpec>& inputs) {
    const auto is_fed = [&](const InputSpec& input) {
        return input.name == (is_sequence(input.kind) ? sequence_name(array) : array);
    };
    const auto found = std::ranges::find_if(inputs, is_fed);
    return found == inputs.end() ? nullptr : &*found;
}

void missing_input(const std::string& input, const std::set<std::string>& left_out,
                   const std::vector<InputSpec>& inputs, const std::string& subject) {
    std::string fact = fmt::format("it has no array for the input `{}`", input);
    std::vector<std::string> names;  // of what may be a mountain
    for (const std::string& name : left_out)
        if (name.size() < 100 && names.size() < 1000) names.push_back(name);
    const auto near = nearest(input, std::move(names));
    if (!near.empty()) fact += fmt::format(", but `{}`", fmt::join(near, "`, `"));
    throw Error({"SAMPLE_NAME", subject, fact, fmt::format("give one array an input: {}", names_of(inputs))});
}

Dims dims_of_one(const Dims& found, DataType type, const InputSpec& input, const std::string& subject) {
    const std::string array = fmt::format("`{}` of {}", input.name, subject);
    check_input_type(type, input.type, input.boundary, array, input.name);
    const Cut pieces = cut(found, input, array);
    if (pieces.count == 1) return pieces.dims;
    throw Error({"SAMPLE_COUNT", array, fmt::format("it holds {} samples", pieces.count), "give one dict a sample"});
}

std::unique_ptr<Reader> open_arrays(const std::filesystem::path& path, const std::vector<InputSpec>& inputs) {
    std::vector<Array> arrays;
    std::set<std::string> left_out;
    const std::string subject = fmt::format("`{}`", path.string());
    if (path.extension() == ".npz") {
        arrays = open_npz_arrays(path, inputs, left_out);
    } else {
        if (inputs.size() != 1 || inputs[0].kind != Kind::tensor) {
            throw Error({"SAMPLE_NAME", subject,
                         inputs.size() == 1 ? "an .npy feeds a tensor, the model's input is none"
                                            : fmt::format("an .npy feeds one input, the model has {}", inputs.size()),
                         fmt::format("save an .npz with {}", names_of(inputs))});
        }
        arrays.push_back(open_array(inputs.front().name, open_file(path), inputs.front(), subject));
    }
    for (const Array& array : arrays) {
        if (array.pieces.count == arrays.front().pieces.count) continue;
        throw Error({"SAMPLE_COUNT", subject,
                     fmt::format("it has {} for `{}` but {} for `{}`", counted(array.pieces.count, "sample"),
                                 array.name, arrays.front().pieces.count, arrays.front().name),
                     "give every input as many"});
    }
    return std::make_unique<Arrays>(std::move(arrays), subject, std::move(left_out));
}

}  // namespace calotype::samples
