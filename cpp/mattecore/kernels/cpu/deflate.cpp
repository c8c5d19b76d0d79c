#include "mattecore/kernels/deflate.h"

#include <algorithm>
#include <array>
#include <bit>

#include "mattecore/base/error.h"
#include "mattecore/kernels/cpu/bit_writer.h"
#include "mattecore/kernels/cpu/prefix_code.h"
#include "mattecore/kernels/cpu/repetitions.h"

namespace mattecore::kernels {
namespace {

/// One code for so much input: fewer bytes would follow a picture's changes better, and cost a code each.
constexpr size_t kBlock = 65535;
constexpr size_t kLongestStored = 65535;

constexpr size_t kEndOfBlock = 256;
constexpr size_t kLiterals = 286;
constexpr size_t kDistances = 30;
using LiteralCode = PrefixCode<kLiterals>;
using DistanceCode = PrefixCode<kDistances>;

/// A length or a distance as deflate writes it: a symbol and its place among the values of that symbol.
struct Coded {
  uint32_t symbol;
  uint32_t extra;
  int extra_bits;
};

/// Symbols stand for 2^bits steps of a doubling range each; `value` counts from 0.
inline Coded coded(uint32_t value, int steps_bits) {
  if (value < 2u << steps_bits) return {value, 0, 0};
  const int extra_bits = static_cast<int>(std::bit_width(value)) - 1 - steps_bits;
  return {(static_cast<uint32_t>(extra_bits) << steps_bits) + (value >> extra_bits), value & ((1u << extra_bits) - 1),
          extra_bits};
}

inline Coded coded_length(uint32_t length) {
  if (length == 258) return {285, 0, 0};
  Coded code = coded(length - 3, 2);
  code.symbol += 257;
  return code;
}

inline Coded coded_distance(uint32_t distance) { return coded(distance - 1, 1); }

/// How often each symbol of a block occurs, and the bits that come on top of them.
struct Counts {
  std::array<uint32_t, kLiterals> literals{};
  std::array<uint32_t, kDistances> distances{};
  uint64_t extra_bits = 0;
};

Counts count_symbols(std::span<const uint8_t> bytes, std::span<const Repetition> repetitions) {
  Counts counts;
  // Four tables: neighbouring bytes are often equal, and adding to one number twice waits for the first addition.
  std::array<std::array<uint32_t, 256>, 4> tables{};
  const uint8_t* at = bytes.data();
  for (const auto& [literals, length, distance] : repetitions) {
    for (uint32_t i = 0; i < literals; ++i) ++tables[i % 4][at[i]];
    at += literals + length;
    if (length == 0) continue;
    const Coded l = coded_length(length), d = coded_distance(distance);
    ++counts.literals[l.symbol], ++counts.distances[d.symbol];
    counts.extra_bits += static_cast<uint64_t>(l.extra_bits + d.extra_bits);
  }
  for (const auto& table : tables)
    for (size_t byte = 0; byte < 256; ++byte) counts.literals[byte] += table[byte];
  counts.literals[kEndOfBlock] = 1;
  return counts;
}

/// The lengths of a block's two codes as it writes them: themselves coded, with symbols for repetitions (3.2.7).
class CodeLengths {
 public:
  CodeLengths(const LiteralCode& literals, const DistanceCode& distances) {
    literals_ = used(literals.lengths, 257);
    distances_ = used(distances.lengths, 1);
    std::vector<uint8_t> lengths(literals.lengths.begin(), literals.lengths.begin() + literals_);
    lengths.insert(lengths.end(), distances.lengths.begin(), distances.lengths.begin() + distances_);
    for (auto run = lengths.begin(); run != lengths.end();) {
      const auto run_end = std::find_if(run, lengths.end(), [&](uint8_t length) { return length != *run; });
      add_run(*run, static_cast<uint32_t>(run_end - run));
      run = run_end;
    }
    std::array<uint32_t, kSymbols> counts{};
    for (const Coded& symbol : symbols_) ++counts[symbol.symbol];
    code_ = huffman_code(counts, 7);
    for (size_t i = 0; i < kSymbols; ++i)
      if (code_.lengths[kOrder[i]] > 0) written_ = std::max(written_, i + 1);
  }

  uint64_t bits() const {
    uint64_t bits = 14 + 3 * written_;
    for (const Coded& symbol : symbols_)
      bits += code_.lengths[symbol.symbol] + static_cast<uint64_t>(symbol.extra_bits);
    return bits;
  }

  void write(BitWriter& out) const {
    out.put(static_cast<uint64_t>(literals_ - 257), 5);
    out.put(static_cast<uint64_t>(distances_ - 1), 5);
    out.put(written_ - 4, 4);
    out.flush();
    for (size_t i = 0; i < written_; ++i) out.put(code_.lengths[kOrder[i]], 3), out.flush();
    for (const auto& [symbol, extra, extra_bits] : symbols_) {
      out.put(code_.codes[symbol], code_.lengths[symbol]);
      out.put(extra, extra_bits);
      out.flush();
    }
  }

 private:
  static constexpr size_t kSymbols = 19;
  static constexpr std::array<uint8_t, kSymbols> kOrder = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                           11, 4,  12, 3, 13, 2, 14, 1, 15};

  static std::ptrdiff_t used(std::span<const uint8_t> lengths, std::ptrdiff_t at_least) {
    std::ptrdiff_t count = static_cast<std::ptrdiff_t>(lengths.size());
    while (count > at_least && lengths[static_cast<size_t>(count - 1)] == 0) --count;
    return count;
  }

  void add_run(uint8_t length, uint32_t count) {
    if (length == 0) {
      while (count >= 11) count -= add_repeated(18, 11, 7, std::min(count, 138u));
      if (count >= 3) count -= add_repeated(17, 3, 3, count);
    } else {
      symbols_.push_back({length, 0, 0});
      --count;
      while (count >= 3) count -= add_repeated(16, 3, 2, std::min(count, 6u));
    }
    for (; count > 0; --count) symbols_.push_back({length, 0, 0});
  }

  uint32_t add_repeated(uint32_t symbol, uint32_t fewest, int extra_bits, uint32_t count) {
    symbols_.push_back({symbol, count - fewest, extra_bits});
    return count;
  }

  std::ptrdiff_t literals_, distances_;
  std::vector<Coded> symbols_;
  PrefixCode<kSymbols> code_;
  size_t written_ = 4;
};

void write_stored(std::span<const uint8_t> bytes, bool is_last, BitWriter& out) {
  out.reserve(8 * (bytes.size() + 8 * (bytes.size() / kLongestStored + 1)));
  do {
    const auto part = bytes.first(std::min(bytes.size(), kLongestStored));
    bytes = bytes.subspan(part.size());
    out.put(is_last && bytes.empty(), 3);
    out.align();
    out.put(part.size() | (~part.size() & 0xffff) << 16, 32);
    out.flush();
    out.put_bytes(part);
  } while (!bytes.empty());
}

void write_symbols(std::span<const uint8_t> bytes, std::span<const Repetition> repetitions, const LiteralCode& literal,
                   const DistanceCode& distance, BitWriter& out) {
  const auto put_literal = [&](size_t symbol) { out.put(literal.codes[symbol], literal.lengths[symbol]); };
  const uint8_t* at = bytes.data();
  for (const Repetition& repetition : repetitions) {
    const uint8_t* const literals_end = at + repetition.literals;
    for (; literals_end - at >= 3; at += 3) {
      put_literal(at[0]), put_literal(at[1]), put_literal(at[2]);
      out.flush();
    }
    while (at < literals_end) put_literal(*at++);
    out.flush();
    if (repetition.length == 0) continue;
    const Coded l = coded_length(repetition.length), d = coded_distance(repetition.distance);
    put_literal(l.symbol);
    out.put(l.extra, l.extra_bits);
    out.put(distance.codes[d.symbol], distance.lengths[d.symbol]);
    out.put(d.extra, d.extra_bits);
    out.flush();
    at += repetition.length;
  }
  put_literal(kEndOfBlock);
  out.flush();
}

/// Writes a block by codes made for it, or as it is where that is shorter.
void write_block(std::span<const uint8_t> bytes, std::span<const Repetition> repetitions, bool is_last,
                 BitWriter& out) {
  const Counts counts = count_symbols(bytes, repetitions);
  const LiteralCode literals = huffman_code(counts.literals, 15);
  const DistanceCode distances = huffman_code(counts.distances, 15);
  const CodeLengths lengths(literals, distances);
  const uint64_t bits = 3 + lengths.bits() + coded_bits(counts.literals, literals) +
                        coded_bits(counts.distances, distances) + counts.extra_bits;
  if (bits >= 8 * bytes.size()) return write_stored(bytes, is_last, out);
  out.reserve(bits);
  out.put(is_last ? 0b101 : 0b100, 3);
  lengths.write(out);
  write_symbols(bytes, repetitions, literals, distances, out);
}

}  // namespace

void deflate(std::span<const uint8_t> bytes, int level, Deflated what_follows, std::vector<uint8_t>& out) {
  if (level < 0 || level > 9) throw_invalid("the compression level is ", level, "; wanted 0 to 9");
  const bool ends = what_follows == Deflated::last;
  BitWriter writer(out);
  if (level == 0 || bytes.empty()) {
    write_stored(bytes, ends, writer);
  } else {
    Repetitions repetitions(bytes, level);
    for (std::vector<Repetition> found; !bytes.empty();) {
      const auto block = bytes.first(repetitions.next(kBlock, found));
      bytes = bytes.subspan(block.size());
      write_block(block, found, ends && bytes.empty(), writer);
    }
    if (!ends) write_stored({}, false, writer);  // an empty block, which begins where a byte does
  }
  writer.finish();
}

}  // namespace mattecore::kernels
