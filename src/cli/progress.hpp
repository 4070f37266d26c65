#pragma once

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

    void show(std::string_view stage, double done);
    /// A line for good, beside the bar.
    void message(std::string_view text);

  private:
    void clear();
    bool terminal_;
    std::string shown_;
};

}  // namespace calotype::cli
