#pragma once

#include <nanobind/nanobind.h>

namespace calotype::python {

/// Calls `report` when somebody ends this process by SIGTERM or SIGHUP, which then ends it as ever: `timeout`, a scheduler, a
/// closed terminal. None: no more. Python does not see the difference: it still says SIG_DFL, a handler of the script's own
/// takes the place of this one, and a child begins without it.
void before_termination(const nanobind::object& report);

}  // namespace calotype::python
