#pragma once

#include <string>
#include <string_view>

namespace calotype::python {

/// Messages name the command's options; here they are arguments: `--images` is `images`, `--max-macs` is
/// limits={"macs": ...}, `--shape x=1x3` is shapes=[("x", [1, 3])]. What has no argument stays.
std::string in_python_words(std::string_view message);

}  // namespace calotype::python
