#include "samples/samples.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <set>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace calotype::samples {
namespace {

namespace fs = std::filesystem;

std::string extension(const fs::path& path) {
    std::string text = path.extension().string();
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}
bool is_array(const fs::path& path) { return extension(path) == ".npy" || extension(path) == ".npz"; }
bool is_image(const fs::path& path) {
    return extension(path) == ".jpg" || extension(path) == ".jpeg" || extension(path) == ".png";
}

/// Array files one after the other; one is open at a time.
class Folder : public Reader {
  public:
    Folder(std::vector<fs::path> files, std::vector<InputSpec> inputs)
        : files_(std::move(files)), stems_(stems_of(files_)), inputs_(std::move(inputs)) {
        for (const fs::path& file : files_) {
            first_.push_back(count_);
            const auto reader = open_arrays(file, inputs_);
            count_ += reader->count();
            left_out_.merge(reader->left_out());
        }
    }
    int64_t count() const override { return count_; }
    std::map<std::string, Tensor> at(int64_t index) const override {
        const size_t file = file_of(index);
        return reader_of(file)->at(index - first_[file]);
    }
    std::string name_of(int64_t index) const override {
        const size_t file = file_of(index);
        return reader_of(file)->name_of(index - first_[file]);
    }
    std::string stem(int64_t index) const override {
        const size_t file = file_of(index);
        const int64_t end = file + 1 < first_.size() ? first_[file + 1] : count_;
        if (end - first_[file] == 1) return stems_[file];
        return fmt::format("{}_{}", stems_[file], numbered(index - first_[file]));
    }
    std::set<std::string> left_out() const override { return left_out_; }

  private:
    size_t file_of(int64_t index) const {
        const auto after = std::upper_bound(first_.begin(), first_.end(), index);
        return static_cast<size_t>(after - first_.begin() - 1);
    }
    std::shared_ptr<Reader> reader_of(size_t file) const {
        const std::lock_guard lock(mutex_);
        if (!reader_ || open_file_ != file) {
            reader_ = open_arrays(files_[file], inputs_);
            open_file_ = file;
        }
        return reader_;  // shared: another thread may open the next file meanwhile
    }

    std::vector<fs::path> files_;
    std::vector<std::string> stems_;
    std::vector<InputSpec> inputs_;
    std::vector<int64_t> first_;  ///< per file, its first sample
    int64_t count_ = 0;
    std::set<std::string> left_out_;
    mutable std::mutex mutex_;
    mutable std::shared_ptr<Reader> reader_;
    mutable size_t open_file_ = 0;
};

std::map<std::string, std::string> recorded(const ImageOptions& options) {
    std::map<std::string, std::string> out{{"source", "images"}};
    if (!options.mean.empty()) out["mean"] = fmt::format("{}", fmt::join(options.mean, ","));
    if (!options.std.empty()) out["std"] = fmt::format("{}", fmt::join(options.std, ","));
    if (options.resize) out["resize"] = fmt::format("{}x{}", (*options.resize)[0], (*options.resize)[1]);
    if (options.layout) out["layout"] = *options.layout == Layout::nchw ? "nchw" : "nhwc";
    if (options.channels) {
        out["channels"] = *options.channels == Channels::rgb   ? "rgb"
                          : *options.channels == Channels::bgr ? "bgr"
                                                               : "gray";
    }
    return out;
}

Source open_folder(const fs::path& path, const std::vector<InputSpec>& inputs, const ImageOptions& options) {
    std::vector<fs::path> arrays, images;
    const std::string subject = fmt::format("`{}`", path.string());
    std::error_code error;
    for (fs::directory_iterator entry(path, error); !error && entry != fs::end(entry); entry.increment(error)) {
        if (is_array(entry->path())) arrays.push_back(entry->path());
        if (is_image(entry->path())) images.push_back(entry->path());
    }
    if (error) throw Error({"FILE_UNREADABLE", subject, error.message(), "check its permissions"});
    std::sort(arrays.begin(), arrays.end());  // the order of a directory is chance
    std::sort(images.begin(), images.end());
    if (!arrays.empty() && !images.empty()) {
        throw Error({"SAMPLE_MIXED", subject,
                     fmt::format("it holds {} arrays and {} images", arrays.size(), images.size()),
                     "give a folder of one kind"});
    }
    if (!arrays.empty()) return Source(std::make_unique<Folder>(std::move(arrays), inputs), {});
    if (!images.empty()) return Source(open_images(std::move(images), inputs, options), recorded(options));
    throw Error({"SAMPLE_NONE", subject, "it holds no .npy, .npz, .jpg, .jpeg or .png file",
                 "put at least one sample into it; 5 to 20 are advised for a compilation"});
}

}  // namespace

std::string numbered(int64_t index) { return fmt::format("{:06}", index); }

std::vector<std::string> stems_of(const std::vector<fs::path>& files) {
    std::vector<std::string> names;
    for (const fs::path& file : files) names.push_back(file.stem().string());
    if (std::set(names.begin(), names.end()).size() == files.size()) return names;
    std::ranges::transform(files, names.begin(), [](const fs::path& file) { return file.filename().string(); });
    return names;
}

Source::Source(std::unique_ptr<Reader> reader, std::map<std::string, std::string> preprocessing)
    : reader_(std::move(reader)), preprocessing_(std::move(preprocessing)) {}

std::map<std::string, Tensor> Source::at(int64_t index) const {
    CALOTYPE_ASSERT(index >= 0 && index < count(), "a sample's index is below their number");
    return reader_->at(index);
}

std::vector<std::string> Source::notes() const { return left_out_notes(reader_->left_out()); }

std::vector<std::string> left_out_notes(const std::set<std::string>& names) {
    if (names.empty()) return {};
    const std::vector<std::string> shown(names.begin(),
                                         std::next(names.begin(), std::min<ptrdiff_t>(5, std::ssize(names))));
    return {fmt::format("left out, as the model has no such input: `{}`{}", fmt::join(shown, "`, `"),
                        shown.size() < names.size() ? fmt::format(" and {} more", names.size() - shown.size()) : "")};
}

std::string Source::sha256() const { return sha256_of(*this); }

std::string sha256_of(const Samples& samples) {
    Sha256 hash;
    for (int64_t index = 0; index < samples.count(); ++index) {
        for (const auto& [name, tensor] : samples.at(index)) {
            hash.update(
                fmt::format("{}:{} {} {}\n", name.size(), name, name_of(tensor.type()), to_string(tensor.dims())));
            hash.update(tensor.bytes());
            for (const std::string& one : tensor.strings()) hash.update(fmt::format("{}:{}", one.size(), one));
        }
    }
    return hash.hex();
}

Source open(const fs::path& path, const std::vector<InputSpec>& inputs, const ImageOptions& options) {
    const std::string subject = fmt::format("`{}`", path.string());
    std::error_code error;
    if (!fs::exists(path, error))
        throw Error({"FILE_MISSING", subject, "there is no such file or folder",
                     "name an .npz, an .npy, or a folder of those or of images; --images says how many are used"});
    if (fs::is_directory(path, error)) return open_folder(path, inputs, options);
    if (is_array(path)) return Source(open_arrays(path, inputs), {});
    throw Error({"SAMPLE_KIND", subject, "samples are an .npz, an .npy, or a folder of those or of images",
                 is_image(path) ? "give the folder the image is in" : "save the inputs with numpy.savez"});
}

}  // namespace calotype::samples
