#include "base/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace calotype {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = std::exchange(row[0], i);
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::vector<std::string> nearest(std::string_view name, std::vector<std::string> candidates, size_t count) {
    name = name.substr(0, 256);  // a name of a megabyte is near to nothing
    std::stable_sort(candidates.begin(), candidates.end(), [&](const std::string& a, const std::string& b) {
        return edit_distance(a, name) < edit_distance(b, name);
    });
    candidates.resize(std::min(candidates.size(), count));
    return candidates;
}

}  // namespace calotype
