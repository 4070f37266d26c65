#pragma once

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>

namespace calotype::onnx {

/// Names made unique: thousands of one name must not search thousands of times.
class UnusedNames {
  public:
    void use(const std::string& name) { names_.insert(name); }
    /// `name`, or `name` with the smallest suffix not tried before; it is used then.
    std::string unused(const std::string& name) {
        if (names_.insert(name).second) return name;
        int64_t& suffix = suffixes_[name];
        std::string candidate;
        do candidate = fmt::format("{}_{}", name, ++suffix);
        while (!names_.insert(candidate).second);
        return candidate;
    }

  private:
    std::set<std::string> names_;
    std::map<std::string, int64_t> suffixes_;  // of names that were asked for again
};

}  // namespace calotype::onnx
