#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace calotype::cli {

/// One line on stderr that is drawn over while work goes on; nothing where stderr is no terminal.
class Progress {
  public:
    Progress();
    ~Progress();  ///< clears the line
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// `done` from 0 to 1 of the stage; `detail` tells its steps, where it has some.
    void show(std::string_view stage, double done, std::string_view detail = {});
    /// A line for good, beside the bar.
    void message(std::string_view text);

  private:
    void clear();
    bool terminal_;
    std::string shown_, stage_;
    std::chrono::steady_clock::time_point begun_;  ///< the stage
};

}  // namespace calotype::cli
