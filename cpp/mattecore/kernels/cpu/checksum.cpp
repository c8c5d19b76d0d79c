#include "mattecore/kernels/checksum.h"

#include <algorithm>
#include <array>

namespace mattecore::kernels {
namespace {

constexpr uint32_t kAdler = 65521;

/// Row 0 of the table is the polynomial's remainder of each byte, row n that of the byte with n zero bytes behind it,
/// so that eight bytes are eight looks into the table and no chain of shifts.
constexpr auto kRemainders = [] {
  std::array<std::array<uint32_t, 256>, 8> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1) ^ (remainder & 1 ? 0xedb88320u : 0u);
    table[0][byte] = remainder;
  }
  for (size_t zeros = 1; zeros < 8; ++zeros)
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = table[zeros - 1][byte];
      table[zeros][byte] = (before >> 8) ^ table[0][before & 255];
    }
  return table;
}();

}  // namespace

uint32_t adler32(std::span<const uint8_t> bytes) {
  // Longest run whose weighted sum surely fits into 32 bits: 255 * (1 + ... + 4096) < 2^32.
  constexpr size_t kRun = 4096;
  uint64_t sum = 1, sums = 0;
  while (!bytes.empty()) {
    const auto run = bytes.first(std::min(kRun, bytes.size()));
    const auto count = static_cast<uint32_t>(run.size());
    uint32_t plain = 0, weighted = 0;
    for (uint32_t i = 0; i < count; ++i) {
      plain += run[i];
      weighted += (count - i) * run[i];
    }
    sums = (sums + count * sum + weighted) % kAdler;
    sum = (sum + plain) % kAdler;
    bytes = bytes.subspan(run.size());
  }
  return static_cast<uint32_t>(sums << 16 | sum);
}

uint32_t adler32_of_both(uint32_t first, uint32_t second, uint64_t second_bytes) {
  const uint64_t first_sum = first & 0xffff, length = second_bytes % kAdler;
  // The second began its sum with 1, which stands for the first's sum.
  const uint64_t sum = first_sum + (second & 0xffff) + kAdler - 1;
  const uint64_t sums = (first >> 16) + (second >> 16) + length * (first_sum + kAdler - 1);
  return static_cast<uint32_t>(sums % kAdler << 16 | sum % kAdler);
}

uint32_t crc32(std::span<const uint8_t> bytes) {
  const auto& table = kRemainders;
  uint32_t crc = ~uint32_t{0};
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    const uint8_t* b = bytes.data();
    crc = table[7][b[0] ^ (crc & 255)] ^ table[6][b[1] ^ (crc >> 8 & 255)] ^ table[5][b[2] ^ (crc >> 16 & 255)] ^
          table[4][b[3] ^ (crc >> 24)] ^ table[3][b[4]] ^ table[2][b[5]] ^ table[1][b[6]] ^ table[0][b[7]];
  }
  for (const uint8_t byte : bytes) crc = crc >> 8 ^ table[0][(crc ^ byte) & 255];
  return ~crc;
}

}  // namespace mattecore::kernels
