#pragma once

#include <cstdint>
#include <span>

namespace mattecore::kernels {

/// Returns zlib's checksum (RFC 1950) of bytes.
uint32_t adler32(std::span<const uint8_t> bytes);

/// Returns the checksum of two runs of bytes one behind the other from those of each and the second one's length.
uint32_t adler32_of_both(uint32_t first, uint32_t second, uint64_t second_bytes);

/// Returns PNG's checksum (CRC-32, ISO/IEC 15948 annex D) of bytes.
uint32_t crc32(std::span<const uint8_t> bytes);

}  // namespace mattecore::kernels
