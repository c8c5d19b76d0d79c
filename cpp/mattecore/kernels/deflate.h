#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mattecore::kernels {

/// What follows a run of deflated bytes: the stream's end, or more of it.
enum class Deflated { last, more_to_come };

/// Appends `bytes` to `out` as blocks of the deflate format (RFC 1951) that refer to nothing before `bytes` and end
/// where a byte ends, so that parts deflated by several threads make one stream when put one behind the other.
/// level: 0 stores, 1 looks for repetitions at one place and jumps over what has none, 9 looks at the most places;
/// out of range throws std::invalid_argument. At most 2^31 - 1 bytes. Takes under 512 KiB beside `out`, which gets at
/// most 10 bytes longer than the input for every 65535 bytes of it, begun, and 5 for what follows.
void deflate(std::span<const uint8_t> bytes, int level, Deflated what_follows, std::vector<uint8_t>& out);

}  // namespace mattecore::kernels
