#include "mattecore/kernels/checksum.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

namespace mattecore::kernels {
namespace {

std::span<const uint8_t> bytes_of(std::string_view letters) {
  return {reinterpret_cast<const uint8_t*>(letters.data()), letters.size()};
}

std::vector<uint8_t> random_run(std::mt19937& random, size_t count) {
  std::vector<uint8_t> run(count);
  for (uint8_t& byte : run) byte = static_cast<uint8_t>(random() >> 24);
  return run;
}

/// As RFC 1950 words it: a step a byte.
uint32_t slow_adler32(std::span<const uint8_t> bytes) {
  uint32_t a = 1, b = 0;
  for (const uint8_t byte : bytes) a = (a + byte) % 65521, b = (b + a) % 65521;
  return b << 16 | a;
}

/// As PNG's annex D words it: a step a bit.
uint32_t slow_crc32(std::span<const uint8_t> bytes) {
  uint32_t crc = 0xffffffff;
  for (const uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? 0xedb88320 ^ crc >> 1 : crc >> 1;
  }
  return crc ^ 0xffffffff;
}

TEST(Checksums, AreTheKnownOnes) {
  EXPECT_EQ(adler32(bytes_of("")), 1u);
  EXPECT_EQ(adler32(bytes_of("Wikipedia")), 0x11e60398u);
  EXPECT_EQ(crc32(bytes_of("")), 0u);
  EXPECT_EQ(crc32(bytes_of("123456789")), 0xcbf43926u);
  EXPECT_EQ(crc32(bytes_of("IEND")), 0xae426082u);
}

TEST(Checksums, EqualTheSlowOnesAtEveryLength) {
  std::mt19937 random(1);
  for (size_t count = 0; count < 100; ++count) {
    const auto run = random_run(random, count);
    EXPECT_EQ(adler32(run), slow_adler32(run)) << count;
    EXPECT_EQ(crc32(run), slow_crc32(run)) << count;
  }
  // The largest sums there can be.
  const std::vector<uint8_t> white(1'000'003, 255);
  EXPECT_EQ(adler32(white), slow_adler32(white));
}

TEST(Checksums, OfTwoRunsMakeThatOfBoth) {
  std::mt19937 random(2);
  const auto all = random_run(random, 200'000);
  for (size_t first : {0, 1, 17, 65'521, 100'000, 199'999, 200'000}) {
    const auto before = std::span(all).first(first), behind = std::span(all).subspan(first);
    EXPECT_EQ(adler32_of_both(adler32(before), adler32(behind), behind.size()), slow_adler32(all)) << first;
  }
}

}  // namespace
}  // namespace mattecore::kernels
