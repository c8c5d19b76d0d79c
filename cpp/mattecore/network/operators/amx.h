#pragma once

// The processor's matrix unit (Intel AMX): eight registers of 16 rows of 64 bytes. Only what was compiled for such a
// processor may include this.
#if defined(__AMX_BF16__)

#include <immintrin.h>

#include <cstdint>
#include <span>

namespace mattecore::network::amx {

inline constexpr int64_t kDepth = 32;  // values of a row that one instruction takes

/// Sets the registers to whole tiles while it lives.
class Tiles {
 public:
  Tiles() {
    struct alignas(64) Config {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    };
    static constexpr Config config;
    _tile_loadconfig(&config);
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

/// sums [count,block] = the sum over taps of rows [count,depth] at data + tap times weights
/// [weight_taps,depth/2,block,2]; taps beyond weight_taps begin again at the first.
///
/// 32 x 32 sums at a time stay in four registers over all taps, so that each load of two tiles of rows and two of
/// weights feeds four products:
///
///                  w0      w1            count and block are multiples of 16, depth of 32; an odd strip of 16 rows or
///        rows 0   sum00   sum01          columns at the end leaves half of the registers idle.
///        rows 16  sum10   sum11
template <class T>
void sum(const T* data, int64_t stride, std::span<const int64_t> taps, int64_t count, const T* weights,
         int64_t weight_taps, int64_t depth, int64_t block, float* sums) {
  const auto row_bytes = static_cast<size_t>(stride) * sizeof(T);
  const auto weight_bytes = static_cast<size_t>(block) * 2 * sizeof(T), sum_bytes = static_cast<size_t>(block) * 4;
  for (int64_t n = 0; n < block; n += 32) {
    const bool wide = n + 16 < block;
    for (int64_t m = 0; m < count; m += 32) {
      const bool tall = m + 16 < count;
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
      for (size_t tap = 0; tap < taps.size(); ++tap) {
        const T* a = data + taps[tap] + m * stride;
        const T* b = weights + static_cast<int64_t>(tap) % weight_taps * depth * block + n * 2;
        for (int64_t k = 0; k < depth; k += kDepth, a += kDepth, b += kDepth * block) {
          _tile_loadd(4, a, row_bytes);
          _tile_loadd(6, b, weight_bytes);
          _tile_dpbf16ps(0, 4, 6);
          if (tall) {
            _tile_loadd(5, a + 16 * stride, row_bytes);
            _tile_dpbf16ps(2, 5, 6);
          }
          if (wide) {
            _tile_loadd(7, b + 32, weight_bytes);
            _tile_dpbf16ps(1, 4, 7);
            if (tall) _tile_dpbf16ps(3, 5, 7);
          }
        }
      }
      float* to = sums + m * block + n;
      _tile_stored(0, to, sum_bytes);
      if (wide) _tile_stored(1, to + 16, sum_bytes);
      if (tall) _tile_stored(2, to + 16 * block, sum_bytes);
      if (tall && wide) _tile_stored(3, to + 16 * block + 16, sum_bytes);
    }
  }
}

}  // namespace mattecore::network::amx

#endif
