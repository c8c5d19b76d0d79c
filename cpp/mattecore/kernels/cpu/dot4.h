#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "mattecore/kernels/resample_weights.h"

#if defined(__AVX512VNNI__) && defined(__AVX512VBMI__) && defined(__AVX512BW__)
#include <immintrin.h>
#define MATTECORE_DOT4_AVX512 1
#elif defined(__AVX2__)
#include <immintrin.h>
#define MATTECORE_DOT4_AVX2 1
#endif

// The arithmetic of resampling, lane by lane: a lane adds four 8-bit pixels times four 23-bit weights to a 32-bit sum,
// exactly. Processors multiply 8 or 16 bits much faster than 32, so a weight is cut into signed digits, the digits'
// sums are kept apart, and put together once at the end.
//
//   Quad      kLanes x four pixels      | p0 p1 p2 p3 | p0 p1 p2 p3 | ...
//   Weights   kLanes x four weights, kWordsPerQuad 32-bit words a lane, word w of all lanes side by side
//   Sum       kLanes sums
namespace mattecore::kernels::dot4 {

#if defined(MATTECORE_DOT4_AVX512)

inline constexpr int kLanes = 16;
inline constexpr int kWordsPerQuad = 3;  ///< digits of 8 bits, -128..127: vpdpbusd takes four of them a lane

using Quad = __m512i;
struct Weights {
  __m512i digit[kWordsPerQuad];
};
struct Sum {
  __m512i digit[kWordsPerQuad] = {_mm512_set1_epi32(1 << (kWeightBits - 1)), _mm512_setzero_si512(),
                                  _mm512_setzero_si512()};
};

inline std::array<int32_t, kWordsPerQuad> pack_weights(const std::array<int32_t, 4>& weights) {
  int8_t digits[kWordsPerQuad][4];
  for (int t = 0; t < 4; ++t) {
    int32_t rest = weights[static_cast<size_t>(t)];
    for (auto& digit : digits) {
      digit[t] = static_cast<int8_t>(rest & 0xff);
      rest = (rest - digit[t]) >> 8;
    }
  }
  std::array<int32_t, kWordsPerQuad> words;
  std::memcpy(words.data(), digits, sizeof(digits));
  return words;
}

inline Weights load_weights(const int32_t* words) {
  return {_mm512_loadu_si512(words), _mm512_loadu_si512(words + 16), _mm512_loadu_si512(words + 32)};
}
inline Weights same_weights(const int32_t* words) {
  return {_mm512_set1_epi32(words[0]), _mm512_set1_epi32(words[1]), _mm512_set1_epi32(words[2])};
}

inline void add(Sum& sum, Quad pixels, const Weights& weights) {
  for (int d = 0; d < kWordsPerQuad; ++d) sum.digit[d] = _mm512_dpbusd_epi32(sum.digit[d], pixels, weights.digit[d]);
}

inline __m512i pixels_of(const Sum& sum) {
  const __m512i whole = _mm512_add_epi32(_mm512_add_epi32(sum.digit[0], _mm512_slli_epi32(sum.digit[1], 8)),
                                         _mm512_slli_epi32(sum.digit[2], 16));
  return _mm512_srai_epi32(whole, kWeightBits);
}

/// Where the four pixels of every lane begin. A gather costs 16 loads; offsets that lie within 128 bytes, which is
/// the case up to a shrinking by 7, come from one or two loads and a byte permutation.
struct Offsets {
  int32_t base = 0;
  enum Reach : int32_t { within_64, within_128, far } reach = within_64;
  alignas(64) uint8_t table[64];
};

inline Offsets make_offsets(const std::array<int32_t, kLanes>& at) {
  Offsets offsets;
  offsets.base = at[0];
  int32_t end = 0;
  for (int32_t a : at) end = std::max(end, a - offsets.base + 4);
  offsets.reach = end <= 64 ? Offsets::within_64 : end <= 128 ? Offsets::within_128 : Offsets::far;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const int32_t offset = at[lane] - offsets.base;
    if (offsets.reach == Offsets::far) {
      std::memcpy(offsets.table + 4 * lane, &offset, 4);
    } else {
      for (int t = 0; t < 4; ++t) offsets.table[4 * lane + static_cast<size_t>(t)] = static_cast<uint8_t>(offset + t);
    }
  }
  return offsets;
}

inline Quad gather(const uint8_t* row, const Offsets& offsets) {
  const uint8_t* p = row + offsets.base;
  const __m512i table = _mm512_load_si512(offsets.table);
  switch (offsets.reach) {
    case Offsets::within_64:
      return _mm512_permutexvar_epi8(table, _mm512_loadu_si512(p));
    case Offsets::within_128:
      return _mm512_permutex2var_epi8(_mm512_loadu_si512(p), table, _mm512_loadu_si512(p + 64));
    case Offsets::far:
      break;
  }
  return _mm512_i32gather_epi32(table, p, 1);
}

inline void store(uint8_t* out, const Sum& sum) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                   _mm512_cvtusepi32_epi8(_mm512_max_epi32(pixels_of(sum), _mm512_setzero_si512())));
}

/// Turns 4 rows of 4 * kLanes pixels into columns. Unpacking works inside 128 bits, so Quad q holds columns
/// 4q..4q+3 of every 16; store_columns, which packs inside 128 bits too, undoes just that.
inline void columns(const uint8_t* const rows[4], int64_t x, Quad out[4]) {
  const __m512i r0 = _mm512_loadu_si512(rows[0] + x), r1 = _mm512_loadu_si512(rows[1] + x);
  const __m512i r2 = _mm512_loadu_si512(rows[2] + x), r3 = _mm512_loadu_si512(rows[3] + x);
  const __m512i low01 = _mm512_unpacklo_epi8(r0, r1), high01 = _mm512_unpackhi_epi8(r0, r1);
  const __m512i low23 = _mm512_unpacklo_epi8(r2, r3), high23 = _mm512_unpackhi_epi8(r2, r3);
  out[0] = _mm512_unpacklo_epi16(low01, low23);
  out[1] = _mm512_unpackhi_epi16(low01, low23);
  out[2] = _mm512_unpacklo_epi16(high01, high23);
  out[3] = _mm512_unpackhi_epi16(high01, high23);
}
inline void store_columns(uint8_t* out, const Sum sums[4]) {
  const __m512i low = _mm512_packs_epi32(pixels_of(sums[0]), pixels_of(sums[1]));
  const __m512i high = _mm512_packs_epi32(pixels_of(sums[2]), pixels_of(sums[3]));
  _mm512_storeu_si512(out, _mm512_packus_epi16(low, high));
}

#elif defined(MATTECORE_DOT4_AVX2)

inline constexpr int kLanes = 8;
inline constexpr int kWordsPerQuad = 4;  ///< two digits of 12 bits, each for pixels 0 and 2, then 1 and 3: vpmaddwd

using Quad = __m256i;
struct Weights {
  __m256i low_even, low_odd, high_even, high_odd;
};
struct Sum {
  __m256i low = _mm256_set1_epi32(1 << (kWeightBits - 1));
  __m256i high = _mm256_setzero_si256();
};

inline std::array<int32_t, kWordsPerQuad> pack_weights(const std::array<int32_t, 4>& weights) {
  auto low = [&](size_t t) { return ((weights[t] + 2048) & 4095) - 2048; };
  auto high = [&](size_t t) { return (weights[t] - low(t)) >> 12; };
  auto pair = [](int32_t first, int32_t second) {
    return static_cast<int32_t>((static_cast<uint32_t>(second) << 16) | (static_cast<uint32_t>(first) & 0xffffu));
  };
  return {pair(low(0), low(2)), pair(low(1), low(3)), pair(high(0), high(2)), pair(high(1), high(3))};
}

inline Weights load_weights(const int32_t* words) {
  auto load = [&](int i) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words + 8 * i)); };
  return {load(0), load(1), load(2), load(3)};
}
inline Weights same_weights(const int32_t* words) {
  return {_mm256_set1_epi32(words[0]), _mm256_set1_epi32(words[1]), _mm256_set1_epi32(words[2]),
          _mm256_set1_epi32(words[3])};
}

inline void add(Sum& sum, Quad pixels, const Weights& weights) {
  const __m256i even = _mm256_and_si256(pixels, _mm256_set1_epi16(0xff));
  const __m256i odd = _mm256_srli_epi16(pixels, 8);
  sum.low = _mm256_add_epi32(
      sum.low, _mm256_add_epi32(_mm256_madd_epi16(even, weights.low_even), _mm256_madd_epi16(odd, weights.low_odd)));
  sum.high = _mm256_add_epi32(
      sum.high, _mm256_add_epi32(_mm256_madd_epi16(even, weights.high_even), _mm256_madd_epi16(odd, weights.high_odd)));
}

inline __m256i pixels_of(const Sum& sum) {
  return _mm256_srai_epi32(_mm256_add_epi32(sum.low, _mm256_slli_epi32(sum.high, 12)), kWeightBits);
}

/// Where the four pixels of every lane begin.
struct Offsets {
  alignas(32) std::array<int32_t, kLanes> at;
};
inline Offsets make_offsets(const std::array<int32_t, kLanes>& at) { return {at}; }
inline Quad gather(const uint8_t* row, const Offsets& offsets) {
  return _mm256_i32gather_epi32(reinterpret_cast<const int*>(row),
                                _mm256_load_si256(reinterpret_cast<const __m256i*>(offsets.at.data())), 1);
}

inline void store(uint8_t* out, const Sum& sum) {
  const __m256i words = _mm256_packs_epi32(pixels_of(sum), _mm256_setzero_si256());
  const __m256i bytes = _mm256_packus_epi16(words, words);
  const int32_t halves[2] = {_mm256_extract_epi32(bytes, 0), _mm256_extract_epi32(bytes, 4)};
  std::memcpy(out, halves, sizeof(halves));
}

/// As with 512 bits: the order that unpacking brings, packing takes away.
inline void columns(const uint8_t* const rows[4], int64_t x, Quad out[4]) {
  auto load = [&](int i) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows[i] + x)); };
  const __m256i r0 = load(0), r1 = load(1), r2 = load(2), r3 = load(3);
  const __m256i low01 = _mm256_unpacklo_epi8(r0, r1), high01 = _mm256_unpackhi_epi8(r0, r1);
  const __m256i low23 = _mm256_unpacklo_epi8(r2, r3), high23 = _mm256_unpackhi_epi8(r2, r3);
  out[0] = _mm256_unpacklo_epi16(low01, low23);
  out[1] = _mm256_unpackhi_epi16(low01, low23);
  out[2] = _mm256_unpacklo_epi16(high01, high23);
  out[3] = _mm256_unpackhi_epi16(high01, high23);
}
inline void store_columns(uint8_t* out, const Sum sums[4]) {
  const __m256i low = _mm256_packs_epi32(pixels_of(sums[0]), pixels_of(sums[1]));
  const __m256i high = _mm256_packs_epi32(pixels_of(sums[2]), pixels_of(sums[3]));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_packus_epi16(low, high));
}

#else

inline constexpr int kLanes = 8;
inline constexpr int kWordsPerQuad = 4;  ///< the weights themselves

struct Quad {
  uint8_t pixel[4][kLanes];
};
struct Weights {
  int32_t weight[4][kLanes];
};
struct Sum {
  int32_t lane[kLanes];
  Sum() {
    for (int32_t& v : lane) v = 1 << (kWeightBits - 1);
  }
};

inline std::array<int32_t, kWordsPerQuad> pack_weights(const std::array<int32_t, 4>& weights) { return weights; }

inline Weights load_weights(const int32_t* words) {
  Weights weights;
  std::memcpy(weights.weight, words, sizeof(weights.weight));
  return weights;
}
inline Weights same_weights(const int32_t* words) {
  Weights weights;
  for (int t = 0; t < 4; ++t)
    for (int32_t& w : weights.weight[t]) w = words[t];
  return weights;
}

inline void add(Sum& sum, const Quad& pixels, const Weights& weights) {
  for (int t = 0; t < 4; ++t)
    for (int lane = 0; lane < kLanes; ++lane) sum.lane[lane] += pixels.pixel[t][lane] * weights.weight[t][lane];
}

/// Where the four pixels of every lane begin.
struct Offsets {
  std::array<int32_t, kLanes> at;
};
inline Offsets make_offsets(const std::array<int32_t, kLanes>& at) { return {at}; }
inline Quad gather(const uint8_t* row, const Offsets& offsets) {
  Quad quad;
  for (int lane = 0; lane < kLanes; ++lane)
    for (int t = 0; t < 4; ++t) quad.pixel[t][lane] = row[offsets.at[static_cast<size_t>(lane)] + t];
  return quad;
}

inline void store(uint8_t* out, const Sum& sum) {
  for (int lane = 0; lane < kLanes; ++lane) {
    const int32_t v = sum.lane[lane] >> kWeightBits;
    out[lane] = static_cast<uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v);
  }
}

inline void columns(const uint8_t* const rows[4], int64_t x, Quad out[4]) {
  for (int q = 0; q < 4; ++q)
    for (int t = 0; t < 4; ++t) std::memcpy(out[q].pixel[t], rows[t] + x + q * kLanes, kLanes);
}
inline void store_columns(uint8_t* out, const Sum sums[4]) {
  for (int q = 0; q < 4; ++q) store(out + q * kLanes, sums[q]);
}

#endif

}  // namespace mattecore::kernels::dot4
