#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/base/round_up.h"
#include "mattecore/kernels/attention.h"
#include "mattecore/network/operators/cpu/tile_product.h"
#include "mattecore/network/operators/cpu/tile_type.h"
#include "mattecore/network/operators/cpu/vectors.h"
#include "mattecore/network/operators/product.h"

// Attention that streams over the keys (Milakov and Gimelshein, Online normalizer calculation for softmax, 2018;
// Dao et al., FlashAttention, 2022): a tile of queries meets a block of keys at a time, so that neither the logits nor
// their exponentials leave a core's own cache. In: the type of the maps. Tile: the type their tiles are multiplied in.
namespace mattecore::network {

using kernels::TokenMaps;
using kernels::Window;
using kernels::Windows;

// The logits of a tile, at most 32 KiB, stay in a core's L1 cache.
inline constexpr int64_t kMostLogits = 8192;
inline constexpr int64_t kMostQueries = 64;
inline constexpr int64_t kMostKeys = 256;
// A window of no more tokens is one thread's work; the queries of a larger one are shared out.
inline constexpr int64_t kTokensOfOneThread = 1024;

inline constexpr float kLog2E = 1.44269504f;
inline constexpr float kNoKey = -1e30f;  // the logit of a place beyond the last key

/// Asks for a token's memory ahead of its use.
template <class In>
void prefetch(const TokenMaps<In>& maps, int64_t b, int64_t y, int64_t x) {
  const char* begin = reinterpret_cast<const char*>(maps.token(b, y, x, 0, 0));
  for (int64_t i = 0; i < 3 * maps.heads * maps.size * static_cast<int64_t>(sizeof(In)); i += 64)
    __builtin_prefetch(begin + i, 0, 2);
}

/// Calls visit(token's number in the window, its row, its column) for tokens begin <= number < end.
template <class Visit>
void for_each_token(const Window& window, int64_t begin, int64_t end, Visit&& visit) {
  int64_t y = window.top + begin / window.columns, x = window.left + begin % window.columns;
  for (int64_t i = begin; i < end; ++i) {
    visit(i, y, x);
    if (++x == window.left + window.columns) x = window.left, ++y;
  }
}

/// How a window's tokens meet: tiles of `queries` with blocks of `keys`.
struct Tiling {
  int64_t queries, keys;

  explicit Tiling(int64_t most_tokens)
      : queries(std::min(kMostQueries, kMostLogits / std::min(kMostKeys, round_up(most_tokens, kColumns)) / 16 * 16)),
        keys(std::min(kMostKeys, round_up(most_tokens, kColumns))) {}

  int64_t tiles(int64_t tokens) const { return pieces(tokens, queries); }
  /// Where tile i begins: tiles are as even as can be.
  int64_t tile_begin(int64_t tokens, int64_t i) const { return tokens * i / tiles(tokens); }
};

/// The keys and values of one head in one window, block by block as right factors: a block of keys is [size,
/// key_stride], one of values [keys, value_stride], both followed by zeros up to whole tiles.
template <class Tile>
struct Keys {
  int64_t count, size, block, key_rows, value_stride;
  Buffer<Tile> keys, values;

  Keys(int64_t most, int64_t head_size)
      : count(most),
        size(head_size),
        block(Tiling(most).keys),
        key_rows(round_up(head_size, kInterleaved<Tile>)),
        value_stride(round_up(head_size, kColumns)),
        keys(round_up(most, block) * key_rows),
        values(round_up(most, block) * value_stride),
        zeros(2 * head_size) {
    std::fill_n(zeros.data(), 2 * head_size, Tile{});
  }

  int64_t blocks() const { return pieces(count, block); }
  int64_t padded(int64_t i) const { return round_up(std::min(block, count - i * block), kColumns); }
  const Tile* keys_of(int64_t i) const { return keys.data() + i * block * key_rows; }
  const Tile* values_of(int64_t i) const { return values.data() + i * block * value_stride; }

  template <class In>
  void pack(const TokenMaps<In>& maps, int64_t b, const Window& window, int64_t head, int64_t i) {
    Tile* key_block = keys.data() + i * block * key_rows;
    Tile* value_block = values.data() + i * block * value_stride;
    const int64_t begin = i * block, end = std::min(count, begin + block);
    for (int64_t first = 0; first < padded(i); first += 16) {
      const In *key[16], *value[16];
      std::fill_n(key, 16, reinterpret_cast<const In*>(zeros.data()));
      std::fill_n(value, 16, key[0]);
      const int64_t last = std::min(end, begin + first + 16);
      for_each_token(window, begin + first, last, [&](int64_t token, int64_t y, int64_t x) {
        key[token - begin - first] = maps.token(b, y, x, 1, head);
        value[token - begin - first] = maps.token(b, y, x, 2, head);
      });
      pack_keys(key, key_block + first * kInterleaved<Tile>);
      pack_values(value, value_block + first * value_stride);
    }
  }

 private:
  Buffer<Tile> zeros;  // long enough to be a key of any type

  /// Turns 16 keys into columns, in squares of 16 words.
  template <class In>
  void pack_keys(const In* const (&key)[16], Tile* to) const {
    constexpr int64_t kChannels = 16 * kInterleaved<Tile>;
    for (int64_t c = 0; c < size; c += kChannels) {
      alignas(64) Tile words[16][kChannels];
      if (size - c < kChannels) std::fill_n(words[0], 16 * kChannels, Tile{});
      for (int64_t k = 0; k < 16; ++k) {
        if (size - c < kChannels) {
          convert(key[k] + c, size - c, words[k]);
        } else {
          convert(key[k] + c, kChannels, words[k]);
        }
      }
      const Transposed square(words);
      const int64_t rows = std::min<int64_t>(16, (key_rows - c) / kInterleaved<Tile>);
      for (int64_t r = 0; r < rows; ++r)
        std::memcpy(to + (c + r * kInterleaved<Tile>)*block, &square.row[r], sizeof(Words));
    }
  }

  template <class In>
  void pack_values(const In* const (&value)[16], Tile* to) const {
    for (int64_t k = 0; k < 16; k += kInterleaved<Tile>) {
      Tile* row = to + k * value_stride;
      if constexpr (std::is_same_v<Tile, float>) {
        convert(value[k], size, row);
      } else {
        interleave(value[k], value[k + 1], size, row);
      }
      std::fill(row + size * kInterleaved<Tile>, row + value_stride * kInterleaved<Tile>, Tile{});
    }
  }
};

/// out[i] = 2^(scale * logits[i] + bias[i] - reference) for n (whole vectors), rounded to Tile; returns their sum.
template <bool kHasReference, class Tile>
float exponentials(const float* logits, const float* bias, float scale, float reference, int64_t n, Tile* out) {
  Floats total{};
  for (int64_t i = 0; i < n; i += kLanes) {
    const Floats offset = kHasReference ? load(bias + i) - reference : load(bias + i);
    const Floats p = exp2<!std::is_same_v<Tile, float>>(load(logits + i) * scale + offset);
    store(out + i, p);
    total += p;
  }
  return sum(total);
}

inline float highest(const float* logits, const float* bias, float scale, int64_t n) {
  Floats most = Floats{} + std::numeric_limits<float>::lowest();
  for (int64_t i = 0; i < n; i += kLanes) {
    const Floats v = load(logits + i) * scale + load(bias + i);
    most = v > most ? v : most;
  }
  float result = most[0];
  for (int64_t i = 1; i < kLanes; ++i) result = std::max(result, static_cast<float>(most[i]));
  return result;
}

/// One thread's tiles, and the attention of a tile of queries.
template <class Tile>
class Attention {
 public:
  Attention(int64_t head_size, int64_t most_tokens)
      : size_(head_size),
        row_(round_up(head_size, kInterleaved<Tile>)),
        value_stride_(round_up(head_size, kColumns)),
        key_block_(Tiling(most_tokens).keys),
        queries_(Tiling(most_tokens).queries * row_),
        logits_(Tiling(most_tokens).queries * key_block_),
        exponentials_(Tiling(most_tokens).queries * key_block_),
        result_(Tiling(most_tokens).queries * value_stride_) {}

  const Tile* queries() const { return queries_.data(); }
  int64_t query_stride() const { return row_; }

  template <class In>
  void gather(const TokenMaps<In>& maps, int64_t b, const Window& window, int64_t head, int64_t begin, int64_t end) {
    for_each_token(window, begin, end, [&](int64_t token, int64_t y, int64_t x) {
      const In* query = maps.token(b, y, x, 0, head);
      Tile* row = queries_.data() + (token - begin) * row_;
      convert(query, size_, row);
      if (row_ > size_) row[size_] = Tile{};
    });
  }

  /// bias(query, first key, keys, padded keys) points to that row of biases times log2(e), kNoKey beyond the keys.
  ///
  /// Exponentials are taken beside a reference that need not be the highest logit, only near enough to it that the
  /// sums stay within kLow..kHigh: floats have the same precision at every magnitude. It begins at 0 and seldom moves,
  /// so hardly a row is searched for its highest logit, or scaled again.
  template <class Bias>
  void attend(int64_t count, const Keys<Tile>& keys, Bias&& bias) {
    const float scale = kLog2E / std::sqrt(static_cast<float>(size_));
    std::fill_n(sums_, count, 0.0f);
    std::fill_n(references_, count, 0.0f);
    for (int64_t i = 0; i < keys.blocks(); ++i) {
      const int64_t n = keys.padded(i), first = i * keys.block, real = std::min(keys.block, keys.count - first);
      multiply_tile<Tile>(count, n, row_, queries_.data(), row_, keys.keys_of(i), keys.block, logits_.data(),
                          key_block_, false);
      for (int64_t q = 0; q < count; ++q) {
        const float* logits = logits_.data() + q * key_block_;
        const float* row_bias = bias(q, first, real, n);
        Tile* out = exponentials_.data() + q * key_block_;
        float added = references_[q] == 0 ? exponentials<false>(logits, row_bias, scale, 0, n, out)
                                          : exponentials<true>(logits, row_bias, scale, references_[q], n, out);
        if (!(added < kHigh && (i > 0 || added > kLow))) {
          const float reference = highest(logits, row_bias, scale, n);
          if (i > 0) {
            const float factor = std::exp2(references_[q] - reference);
            sums_[q] *= factor;
            for (int64_t c = 0; c < size_; ++c) result_[q * value_stride_ + c] *= factor;
          }
          references_[q] = reference;
          added = exponentials<true>(logits, row_bias, scale, reference, n, out);
        }
        sums_[q] += added;
      }
      multiply_tile<Tile>(count, value_stride_, n, exponentials_.data(), key_block_, keys.values_of(i), value_stride_,
                          result_.data(), value_stride_, i > 0);
    }
  }

  /// Writes the result of the last tile to out [B,H,W,C], packed; padding has no place there.
  template <class In>
  void scatter(const TokenMaps<In>& maps, int64_t b, const Window& window, int64_t head, int64_t begin, int64_t end,
               In* out) const {
    for_each_token(window, begin, end, [&](int64_t token, int64_t y, int64_t x) {
      if (y >= maps.height || x >= maps.width) return;
      const float factor = 1 / sums_[token - begin];
      const float* from = result_.data() + (token - begin) * value_stride_;
      In* to = out + (((b * maps.height + y) * maps.width + x) * maps.heads + head) * size_;
      scaled(from, factor, size_, to);
    });
  }

 private:
  // Half has exponentials up to 2^16; the others have the exponents of floats, of which sums and products get a share.
  static constexpr float kHigh = std::is_same_v<Tile, Half> ? 0x1p15f : 0x1p60f;
  static constexpr float kLow = std::is_same_v<Tile, Half> ? 1.0f : 0x1p-60f;

  int64_t size_, row_, value_stride_, key_block_;
  Buffer<Tile> queries_;
  Buffer<float> logits_;
  Buffer<Tile> exponentials_;
  Buffer<float> result_;
  float sums_[kMostQueries], references_[kMostQueries];
};

/// Attends within the windows of every picture, head by head. make_bias() gives a thread its biases, whose
/// begin(attention, window, head, first query, queries) is called before each tile of queries.
template <class Tile, class In, class MakeBias>
void attend_windows(const TokenMaps<In>& maps, const Windows& windows, const MakeBias& make_bias, In* out) {
  const int64_t most = windows.most_tokens(), window_count = windows.count();
  const Tiling tiling(most);

  auto attend_queries = [&](Attention<Tile>& attention, auto& bias, const Keys<Tile>& keys, int64_t b,
                            const Window& window, int64_t head, int64_t tile) {
    const int64_t begin = tiling.tile_begin(keys.count, tile), end = tiling.tile_begin(keys.count, tile + 1);
    attention.gather(maps, b, window, head, begin, end);
    bias.begin(attention, window, head, begin, end - begin);
    attention.attend(end - begin, keys, bias);
    attention.scatter(maps, b, window, head, begin, end, out);
  };

  if (most <= kTokensOfOneThread) {
    parallel_for(maps.batch * window_count * maps.heads, 1, [&](int64_t begin, int64_t end) {
      Attention<Tile> attention(maps.size, most);
      Keys<Tile> keys(most, maps.size);
      auto bias = make_bias();
      for (int64_t i = begin; i < end; ++i) {
        const int64_t head = i % maps.heads, b = i / maps.heads / window_count;
        const Window window = windows[i / maps.heads % window_count];
        keys.count = window.tokens();
        // A head is a strip of its tokens, too far apart for the processor to foresee; so each asks for its share of
        // the next window, whose memory then arrives in whole rows.
        if (const int64_t next = i / maps.heads + 1; next < maps.batch * window_count) {
          const Window ahead = windows[next % window_count];
          for_each_token(ahead, ahead.tokens() * head / maps.heads, ahead.tokens() * (head + 1) / maps.heads,
                         [&](int64_t, int64_t y, int64_t x) { prefetch(maps, next / window_count, y, x); });
        }
        for (int64_t k = 0; k < keys.blocks(); ++k) keys.pack(maps, b, window, head, k);
        for (int64_t q = 0; q < tiling.tiles(keys.count); ++q)
          attend_queries(attention, bias, keys, b, window, head, q);
      }
      release_units();
    });
    return;
  }
  Keys<Tile> keys(most, maps.size);
  for (int64_t i = 0; i < maps.batch * window_count * maps.heads; ++i) {
    const int64_t head = i % maps.heads, b = i / maps.heads / window_count;
    const Window window = windows[i / maps.heads % window_count];
    keys.count = window.tokens();
    parallel_for(keys.blocks(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) keys.pack(maps, b, window, head, k);
    });
    parallel_for(tiling.tiles(keys.count), 1, [&](int64_t begin, int64_t end) {
      Attention<Tile> attention(maps.size, most);
      auto bias = make_bias();
      for (int64_t q = begin; q < end; ++q) attend_queries(attention, bias, keys, b, window, head, q);
      release_units();
    });
  }
}

}  // namespace mattecore::network
