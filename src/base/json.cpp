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
        return open_keys_.back().size() <= kMostJsonKeys ||
               refuse(fmt::format("an object of it has more than {} keys", kMostJsonKeys));
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

/// Of a text between quotes, or of what lies between them. A reader copies each before it asks anything.
size_t longest_piece(std::string_view text) {
    size_t longest = 0, begin = 0;
    bool in_quotes = false;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '"' || (!in_quotes && (text[i] == ',' || text[i] == '\n'))) {
            in_quotes = in_quotes != (text[i] == '"');
            longest = std::max(longest, i - begin);
            begin = i;
        }
    }
    return std::max(longest, text.size() - std::min(begin, text.size()));
}

}  // namespace

ParsedJson parse_json(std::string_view text) {
    if (text.size() > kMostJsonBytes)
        return {{}, fmt::format("it has {} bytes, at most {} are read", text.size(), kMostJsonBytes)};
    if (longest_piece(text) > kLongestJsonText)
        return {{}, fmt::format("a text or number of it has more than {} bytes", kLongestJsonText)};
    Check check;
    if (!nlohmann::json::sax_parse(text, &check)) return {{}, check.fault()};
    return {nlohmann::json::parse(text), {}};
}

}  // namespace calotype
