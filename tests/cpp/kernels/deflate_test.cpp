#include "mattecore/kernels/deflate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

namespace mattecore::kernels {
namespace {

using Bytes = std::vector<uint8_t>;

/// Reads deflate's format bit by bit, as RFC 1951 words it, and refuses what a strict reader may: codes that are not
/// complete, distances before the beginning or over 32 KiB, bytes that are left over.
class Inflater {
 public:
  explicit Inflater(const Bytes& in) : in_(in) {}

  Bytes all() {
    for (bool last = false; !last;) {
      last = bits(1) == 1;
      switch (bits(2)) {
        case 0:
          stored();
          break;
        case 2:
          with_own_codes();
          break;
        default:
          throw std::runtime_error("a block of a kind that deflate() does not write");
      }
    }
    if ((at_ + 7) / 8 != in_.size()) throw std::runtime_error("bytes are left over");
    return out_;
  }

 private:
  struct Code {
    std::array<int, 16> of_length{};
    std::vector<int> symbols;  ///< by length, then by number

    explicit Code(const std::vector<int>& lengths) {
      for (const int length : lengths) ++of_length[static_cast<size_t>(length)];
      of_length[0] = 0;
      for (int wanted = 1; wanted < 16; ++wanted)
        for (size_t s = 0; s < lengths.size(); ++s)
          if (lengths[s] == wanted) symbols.push_back(static_cast<int>(s));
      int left = 1;
      for (int length = 1; length < 16; ++length) left = 2 * left - of_length[static_cast<size_t>(length)];
      if (left != 0) throw std::runtime_error("a code that is not complete");
    }
  };

  uint32_t bits(int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; ++i, ++at_) value |= (uint32_t{in_.at(at_ / 8)} >> at_ % 8 & 1) << i;
    return value;
  }

  int symbol(const Code& code) {
    int value = 0, first = 0, index = 0;
    for (size_t length = 1; length < 16; ++length) {
      value |= static_cast<int>(bits(1));
      const int count = code.of_length[length];
      if (value - count < first) return code.symbols[static_cast<size_t>(index + value - first)];
      index += count;
      first = (first + count) * 2;
      value *= 2;
    }
    throw std::runtime_error("a code longer than 15 bits");
  }

  void stored() {
    at_ = (at_ + 7) / 8 * 8;
    const uint32_t count = bits(16);
    if (bits(16) != (~count & 0xffff)) throw std::runtime_error("a stored block of two lengths");
    for (uint32_t i = 0; i < count; ++i) out_.push_back(static_cast<uint8_t>(bits(8)));
  }

  void with_own_codes() {
    const size_t literals = 257 + bits(5), distances = 1 + bits(5), written = 4 + bits(4);
    constexpr size_t kOrder[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    std::vector<int> of_lengths(19);
    for (size_t i = 0; i < written; ++i) of_lengths[kOrder[i]] = static_cast<int>(bits(3));
    const Code code(of_lengths);
    std::vector<int> lengths;
    while (lengths.size() < literals + distances) {
      const int s = symbol(code);
      if (s < 16) {
        lengths.push_back(s);
      } else {
        const int value = s == 16 ? lengths.at(lengths.size() - 1) : 0;
        const size_t count = s == 16 ? 3 + bits(2) : s == 17 ? 3 + bits(3) : 11 + bits(7);
        lengths.insert(lengths.end(), count, value);
      }
    }
    if (lengths.size() != literals + distances) throw std::runtime_error("lengths beyond the last one");
    const auto split = lengths.begin() + static_cast<std::ptrdiff_t>(literals);
    compressed(Code({lengths.begin(), split}), Code({split, lengths.end()}));
  }

  void compressed(const Code& literals, const Code& distances) {
    constexpr int kLengths[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    constexpr int kLengthBits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                   2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    constexpr int kDistances[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                  33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                  1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    constexpr int kDistanceBits[] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                     6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
    for (int s; (s = symbol(literals)) != 256;) {
      if (s < 256) {
        out_.push_back(static_cast<uint8_t>(s));
        continue;
      }
      const size_t l = static_cast<size_t>(s - 257);
      const size_t length = static_cast<size_t>(kLengths[l]) + bits(kLengthBits[l]);
      const auto d = static_cast<size_t>(symbol(distances));
      const size_t distance = static_cast<size_t>(kDistances[d]) + bits(kDistanceBits[d]);
      if (distance > out_.size() || distance > 32768) throw std::runtime_error("a distance before the beginning");
      for (size_t i = 0; i < length; ++i) out_.push_back(out_[out_.size() - distance]);
    }
  }

  const Bytes& in_;
  size_t at_ = 0;
  Bytes out_;
};

Bytes deflated(const Bytes& bytes, int level) {
  Bytes out;
  deflate(bytes, level, Deflated::last, out);
  return out;
}

Bytes made(size_t count, auto make) {
  Bytes bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(make(i));
  return bytes;
}

struct Kind {
  const char* name;
  int (*make)(std::mt19937& random, size_t i);
};

const Kind kKinds[] = {
    {"zeros", [](std::mt19937&, size_t) { return 0; }},
    {"noise", [](std::mt19937& random, size_t) { return static_cast<int>(random() >> 24); }},
    {"noise of few values", [](std::mt19937& random, size_t) { return static_cast<int>(random() % 3); }},
    {"small differences", [](std::mt19937& random, size_t) { return std::countr_zero(random() | 0x80u) - 3; }},
    {"pixels", [](std::mt19937& random,
                  size_t i) { return i / 400 % 3 == 0 ? static_cast<int>(random() >> 28) : static_cast<int>(i % 4); }},
    {"all but random periods",
     [](std::mt19937& random, size_t i) { return random() % 50 == 0 ? 9 : static_cast<int>(i % 37); }},
};

class DeflateTest : public ::testing::TestWithParam<int> {};

TEST_P(DeflateTest, GivesBackWhatWentInAtEveryLength) {
  std::mt19937 random(1);
  for (const Kind& kind : kKinds)
    for (size_t count = 0; count < 600; count += 1 + count / 40) {
      const Bytes bytes = made(count, [&](size_t i) { return kind.make(random, i); });
      ASSERT_EQ(Inflater(deflated(bytes, GetParam())).all(), bytes) << kind.name << ", " << count << " bytes";
    }
}

TEST_P(DeflateTest, GivesBackWhatWentInOverManyBlocks) {
  std::mt19937 random(2);
  for (const Kind& kind : kKinds)
    for (size_t count : {65'535, 65'536, 65'537, 300'000}) {
      const Bytes bytes = made(count, [&](size_t i) { return kind.make(random, i); });
      const Bytes out = deflated(bytes, GetParam());
      ASSERT_EQ(Inflater(out).all(), bytes) << kind.name << ", " << count << " bytes";
      EXPECT_LE(out.size(), bytes.size() + 10 * (bytes.size() / 65'535 + 1)) << kind.name;
    }
}

TEST_P(DeflateTest, PartsOneBehindTheOtherAreOneStream) {
  std::mt19937 random(3);
  const Bytes bytes = made(5'000, [&](size_t i) { return kKinds[4].make(random, i); });
  Bytes out;
  size_t begin = 0;
  for (size_t end : {1, 1'000, 1'000, 4'999, 5'000}) {  // the third part has no bytes
    deflate(std::span(bytes).subspan(begin, end - begin), GetParam(),
            end == bytes.size() ? Deflated::last : Deflated::more_to_come, out);
    begin = end;
  }
  EXPECT_EQ(Inflater(out).all(), bytes);
}

INSTANTIATE_TEST_SUITE_P(Levels, DeflateTest, ::testing::Range(0, 10));

TEST(Deflate, MakesWhatRepeatsSmall) {
  const Bytes zeros(1'000'000);
  std::mt19937 random(4);
  const Bytes period = made(3'000, [&](size_t) { return random() >> 24; });
  const Bytes periodic = made(300'000, [&](size_t i) { return period[i % period.size()]; });
  const Bytes few = made(300'000, [&](size_t) { return random() % 4; });
  for (int level = 1; level <= 9; ++level) {
    EXPECT_LT(deflated(zeros, level).size(), 3'000u) << level;     // 258 bytes a match, two bits each
    EXPECT_LT(deflated(periodic, level).size(), 8'000u) << level;  // the period, then matches
    EXPECT_LT(deflated(few, level).size(), 90'000u) << level;  // two bits a byte are 75,000, less what chance repeats
  }
}

TEST(Deflate, KeepsCodesWithin15BitsWhereHuffmansWouldBeLonger) {
  // Fibonacci's numbers make the deepest tree: 21 symbols would take codes of up to 20 bits.
  Bytes bytes;
  for (uint32_t value = 0, count = 1, next = 1; value < 21; ++value) {
    bytes.insert(bytes.end(), count, static_cast<uint8_t>(value));
    next += count, count = next - count;
  }
  std::mt19937 random(5);
  std::ranges::shuffle(bytes, random);
  bytes.resize(60'000);
  EXPECT_EQ(Inflater(deflated(bytes, 1)).all(), bytes);
}

TEST(Deflate, RefusesLevelsItHasNot) {
  Bytes out;
  for (int level : {-1, 10}) EXPECT_THROW(deflate({}, level, Deflated::last, out), std::invalid_argument);
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace mattecore::kernels
