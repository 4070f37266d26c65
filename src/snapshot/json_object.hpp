#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "snapshot/damaged.hpp"

namespace calotype::snapshot {

/// A file's text as a JSON object. Throws Error SNAPSHOT_DAMAGED at `where`.
inline nlohmann::json object_of(std::string_view text, std::string_view where) {
    auto [json, fault] = parse_json(text);
    require(fault.empty(), where, fault);
    require(json.is_object(), where, "it is no JSON object");
    return json;
}

inline nlohmann::json report_of(std::string_view report_json) { return object_of(report_json, "`report.json`"); }

/// What `read` makes of the report. Its fields are checked as they are read, not with the snapshot: no run needs them.
template <class Read>
auto from_report(const nlohmann::json& report, Read read) {
    try {
        return read(report);
    } catch (const nlohmann::json::exception&) {
        damaged("`report.json`", "a field has another type than `calotype compile` writes");
    }
}

}  // namespace calotype::snapshot
