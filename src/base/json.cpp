#include "base/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace calotype {
namespace {

/// Looks at a text before anything is made of it. Each event returns whether to go on.
class Check {
  public:
    const std::string& fault() const { return fault_; }

    bool null() { return count(); }
    bool boolean(bool) { return count(); }
    bool number_integer(int64_t) { return count(); }
    bool number_unsigned(uint64_t) { return count(); }
    bool number_float(double, const std::string&) { return count(); }
    bool string(std::string&) { return count(); }
    bool binary(nlohmann::json::binary_t&) { return count(); }
    bool start_object(size_t) { return open(); }
    bool start_array(size_t) { return open(); }
    bool key(std::string& name) {
        open_keys_.back().push_back(name);
        return true;
    }
    bool end_array() {
        open_keys_.pop_back();
        return true;
    }
    bool end_object() {
        auto& keys = open_keys_.back();
        std::ranges::sort(keys);
        if (const auto twice = std::ranges::adjacent_find(keys); twice != keys.end())
            return refuse(fmt::format("the key `{}` stands twice in one object", *twice));
        open_keys_.pop_back();
        return true;
    }
    bool parse_error(size_t, const std::string&, const nlohmann::json::exception&) { return refuse("it is no JSON"); }

  private:
    bool refuse(std::string fault) {
        fault_ = std::move(fault);
        return false;
    }
    bool count() {
        return ++values_ <= kMostJsonValues || refuse(fmt::format("it holds more than {} values", kMostJsonValues));
    }
    bool open() {
        open_keys_.emplace_back();
        return count() && (std::ssize(open_keys_) <= kDeepestJson ||
                           refuse(fmt::format("its objects and arrays lie more than {} deep", kDeepestJson)));
    }

    size_t values_ = 0;
    std::vector<std::vector<std::string>> open_keys_;  // one list an object; empty of an array
    std::string fault_;
};

}  // namespace

ParsedJson parse_json(std::string_view text) {
    Check check;
    if (!nlohmann::json::sax_parse(text, &check)) return {{}, check.fault()};
    return {nlohmann::json::parse(text), {}};
}

}  // namespace calotype
