#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mattecore::kernels {

/// A prefix code as deflate writes them (RFC 1951, 3.2.2): the lengths say all; `codes` begin with their lowest bit.
template <size_t kSymbols>
struct PrefixCode {
  std::array<uint8_t, kSymbols> lengths{};
  std::array<uint16_t, kSymbols> codes{};
};

/// Fills in the lengths, at most `longest`, of Huffman's code for symbols that occur so often; where fewer than two
/// occur, as if the first ones did, since a code of one symbol would leave bits without a meaning.
void huffman_lengths(std::span<const uint32_t> counts, int longest, std::span<uint8_t> lengths);

/// Fills in the codes that go with lengths.
void assign_codes(std::span<const uint8_t> lengths, std::span<uint16_t> codes);

template <size_t kSymbols>
PrefixCode<kSymbols> huffman_code(const std::array<uint32_t, kSymbols>& counts, int longest) {
  PrefixCode<kSymbols> code;
  huffman_lengths(counts, longest, code.lengths);
  assign_codes(code.lengths, code.codes);
  return code;
}

/// Adds up the bits that symbols which occur so often take.
template <size_t kSymbols>
uint64_t coded_bits(const std::array<uint32_t, kSymbols>& counts, const PrefixCode<kSymbols>& code) {
  uint64_t bits = 0;
  for (size_t s = 0; s < kSymbols; ++s) bits += uint64_t{counts[s]} * code.lengths[s];
  return bits;
}

}  // namespace mattecore::kernels
