#pragma once

namespace mattecore {

/// Gives what the C library's allocator holds free back to the system, where it has a way to: after large blocks came
/// and went, glibc keeps their like for itself.
void return_free_memory();

}  // namespace mattecore
