#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/json.hpp"

extern "C" size_t LLVMFuzzerMutate(uint8_t* bytes, size_t size, size_t max_size);

namespace calotype::fuzz {

using Json = nlohmann::json;

/// The value, and all that it holds.
inline void list_values(Json& json, std::vector<Json*>& all) {
    all.push_back(&json);
    if (json.is_structured())
        for (Json& inner : json) list_values(inner, all);
}

/// One value of it becomes an odd one, another's copy, or goes.
inline void change_one_value(Json& json, std::minstd_rand& random) {
    static const std::array<Json, 16> kOdd{
        nullptr,          true,      0,         -1,         1,     128, 65536,         int64_t{1} << 31,
        int64_t{1} << 40, INT64_MAX, INT64_MIN, UINT64_MAX, 1e300, "",  Json::array(), Json::object()};
    std::vector<Json*> all;
    list_values(json, all);
    Json& chosen = *all[random() % all.size()];
    const Json other = *all[random() % all.size()];
    switch (random() % 4) {
        case 0: chosen = kOdd[random() % kOdd.size()]; break;
        case 1: chosen = other; break;
        case 2:
            if (chosen.is_number_integer()) chosen = static_cast<int64_t>(chosen.get<uint64_t>() + random() % 5 - 2);
            if (chosen.is_array()) chosen.push_back(chosen.empty() ? other : Json(chosen[random() % chosen.size()]));
            break;
        default:
            if (chosen.is_structured() && !chosen.empty())
                chosen.erase(std::next(chosen.begin(), static_cast<std::ptrdiff_t>(random() % chosen.size())));
    }
}

/// Every other time a mutation of the JSON text that begins at `from` (up to a zero byte) which stays JSON, so that it
/// gets behind the parser; else libFuzzer's own.
inline size_t mutate_json(uint8_t* bytes, size_t size, size_t max_size, size_t from, unsigned seed) {
    std::minstd_rand random(seed);
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    if (size <= from || random() % 2 == 0) return LLVMFuzzerMutate(bytes, size, max_size);
    const size_t end = std::min(text.find('\0', from), size);
    auto [json, fault] = parse_json(text.substr(from, end - from));
    if (!fault.empty()) return LLVMFuzzerMutate(bytes, size, max_size);
    change_one_value(json, random);
    const std::string changed = json.dump() + std::string(text.substr(end));
    if (from + changed.size() > max_size) return LLVMFuzzerMutate(bytes, size, max_size);
    std::memcpy(bytes + from, changed.data(), changed.size());
    return from + changed.size();
}

}  // namespace calotype::fuzz
