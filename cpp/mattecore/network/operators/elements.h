#pragma once

#include <c10/util/BFloat16.h>

#include <bit>
#include <cstdint>

// Loads and stores of the maps' elements, in a form that compilers turn into vectors; c10's own conversions branch.
namespace mattecore::network {

inline float load(float v) { return v; }
inline float load(c10::BFloat16 v) { return std::bit_cast<float>(static_cast<uint32_t>(v.x) << 16); }

inline void store(float v, float& to) { to = v; }
inline void store(float v, c10::BFloat16& to) {
  const uint32_t bits = std::bit_cast<uint32_t>(v);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  to.x = static_cast<uint16_t>(v == v ? rounded : 0x7fc0u);
}

}  // namespace mattecore::network
