#pragma once

namespace calotype::cli {

/// From here on a process that is interrupted (Ctrl-C), asked to end or hung up on ends by that signal as ever, but
/// leaves nothing half-written. To be called before other threads are made.
void leave_nothing_when_interrupted();

}  // namespace calotype::cli
