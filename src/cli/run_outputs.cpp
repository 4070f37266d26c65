#include "cli/run_outputs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/elements.hpp"
#include "base/error.hpp"
#include "base/replace.hpp"
#include "samples/npy.hpp"
#include "samples/npz.hpp"

namespace calotype::cli {
namespace {

namespace fs = std::filesystem;

// Samples run together: enough to keep every worker busy, few enough that memory does not grow with their number.
constexpr int64_t kTogether = 64;

bool is_array(const fs::path& path) { return path.extension() == ".npz" || path.extension() == ".npy"; }

void write(const fs::path& path, const std::map<std::string, Tensor>& outputs, bool whole) {
    if (path.extension() == ".npz") return samples::write_npz(path, outputs);
    if (outputs.size() != 1 || whole) {
        throw Error({"OUTPUT_FORMAT", fmt::format("`{}`", path.string()),
                     whole ? "an .npy holds one array, the model has sequences or optionals"
                           : fmt::format("an .npy holds one array, the model has {} outputs", outputs.size()),
                     "name a file that ends in .npz"});
    }
    samples::write_npy(path, outputs.begin()->second);
}

/// Arrays joined along axis 0.
class File : public Outputs {
  public:
    explicit File(fs::path path) : path_(std::move(path)) {}
    int64_t most_together() const override { return kTogether; }
    void add(const std::string&, std::map<std::string, Tensor> outputs, bool whole) override {
        if (whole && ++whole_ > 1)
            throw Error(
                {"OUTPUT_SHAPE", fmt::format("`{}`", path_.string()),
                 "there are several samples, and the results of a model with sequences or optionals are not joined",
                 "name a folder after --output: one .npz a sample is written there"});
        for (auto& [name, tensor] : outputs) {
            Array& array = arrays_[name];
            const bool has_batch = !tensor.dims().empty();
            if (array.parts.empty())
                array.dims = tensor.dims();
            else if (!same_but_first(array.dims, tensor.dims()))
                differs(name, tensor.dims(), array.dims);
            else if (has_batch)
                array.dims[0] += tensor.dims()[0];
            array.parts.push_back(std::move(tensor));
        }
    }
    std::vector<Written> commit() override {
        std::map<std::string, Tensor> tensors;
        std::vector<Written> written;
        for (auto& [name, array] : arrays_) {
            if (array.dims.empty() && array.parts.size() > 1) array.dims = {std::ssize(array.parts)};
            written.push_back({name, array.dims});
            tensors.emplace(name, joined(array));
        }
        write(path_, tensors, whole_ > 0);
        return written;
    }

  private:
    static bool same_but_first(const Dims& a, const Dims& b) {
        return a.size() == b.size() && (a.empty() || std::equal(a.begin() + 1, a.end(), b.begin() + 1));
    }
    [[noreturn]] static void differs(const std::string& name, const Dims& found, const Dims& before) {
        throw Error({"OUTPUT_SHAPE", fmt::format("output `{}`", name),
                     fmt::format("its shape {} does not go behind {} of the samples before", to_string(found),
                                 to_string(before)),
                     "name a folder after --output: one .npy a sample is written there"});
    }

    struct Array {
        Dims dims;
        std::vector<Tensor> parts;
    };
    static Tensor joined(Array& array) {
        Tensor whole(array.parts[0].type(), array.dims);
        int64_t first = 0;
        for (Tensor& part : array.parts) {
            put(part, whole, first);
            first += part.elements();
            part = Tensor();  // so that no more than one part lies in memory twice
        }
        return whole;
    }
    fs::path path_;
    std::map<std::string, Array> arrays_;
    int64_t whole_ = 0;  ///< samples whose results are not joined
};

/// NAME.npy a sample, NAME.npz where the model has several outputs or one that is no tensor; written as they come.
class Folder : public Outputs {
  public:
    explicit Folder(const fs::path& path) : staged_(path) {}
    int64_t most_together() const override { return 1; }
    void add(const std::string& name, std::map<std::string, Tensor> outputs, bool whole) override {
        write(staged_.path() / (name + (outputs.size() == 1 && !whole ? ".npy" : ".npz")), outputs, whole);
        for (const auto& [output, tensor] : outputs) {
            const auto [known, fresh] = dims_.try_emplace(output, tensor.dims());
            if (!fresh && known->second != tensor.dims()) known->second.clear();
        }
    }
    std::vector<Written> commit() override {
        staged_.commit();
        std::vector<Written> written;
        for (const auto& [name, dims] : dims_) written.push_back({name, dims});
        return written;
    }

  private:
    StagedDirectory staged_;
    std::map<std::string, Dims> dims_;
};

/// What a folder of outputs may hold: those of an earlier run.
bool is_array_file(const fs::directory_entry& entry) {
    return is_array(entry.path()) && entry.is_regular_file() && !entry.is_symlink();
}

}  // namespace

std::unique_ptr<Outputs> open_outputs(const fs::path& path) {
    if (is_array(path)) {
        check_file_can_be_made(path);
        return std::make_unique<File>(path);
    }
    if (path.has_extension() && !fs::is_directory(path))
        throw Error({"OPTION_VALUE", "`--output`", fmt::format("`{}` ends in neither .npz nor .npy", path.string()),
                     "name such a file, or a folder (without an extension) for one file a sample"});
    check_directory_can_be_made(path);
    check_replaceable(path, is_array_file, "array",
                      "give a folder of its own for the outputs, or a file that ends in .npz or .npy");
    return std::make_unique<Folder>(path);
}

}  // namespace calotype::cli
