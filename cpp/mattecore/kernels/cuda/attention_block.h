#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "mattecore/base/host_device.h"
#include "mattecore/base/round_up.h"
#include "mattecore/kernels/attention.h"
#include "mattecore/kernels/cuda/numbers.h"
#include "mattecore/kernels/cuda/tile_product.h"

// The work of a block of threads in an attention that streams over the keys (Milakov and Gimelshein, Online normalizer
// calculation for softmax, 2018; Dao et al., FlashAttention, 2022): a tile of queries of one head meets the keys of its
// window a tile at a time, so that the logits never leave the block's own memory. Sums are float32.
//
// It is written as steps between barriers: run(step) calls step(thread) for every thread of the block, at once or in
// any order, and returns when all are done. A step reads only what it writes itself or what earlier steps wrote, so the
// tests run the same text on a processor.
namespace mattecore::kernels::cuda {

inline constexpr int kQueries = 32, kKeys = 64;
inline constexpr int kParts = kThreads / kQueries;  // threads that share a query's logits: every kParts-th is theirs
inline constexpr float kLog2E = 1.44269504f;
inline constexpr float kNoKey = -std::numeric_limits<float>::infinity();  // the logit of a place without a key
inline constexpr float kLowest = std::numeric_limits<float>::lowest();    // below which no key's logit is

/// A tile of keys: a rectangle of the window, so that few places along either axis occur in it. Its rows are a power of
/// two apart, 16 x 4, 8 x 8 or narrower and at most 16 tall, so that a key's place needs no division.
struct KeyTile {
  static constexpr int kMostRows = 16, kMostColumns = 16;
  static constexpr int kMostPlaces = 20;  // rows and columns: 16 + 4

  int top, left, rows, columns, shift;

  /// The tile at this place of a window, as large as may be.
  MATTECORE_HOST_DEVICE static KeyTile at(const Window& window, int top, int left) {
    const int below = static_cast<int>(window.rows) - top, beside = static_cast<int>(window.columns) - left;
    const int columns = beside < kMostColumns ? beside : kMostColumns;
    int shift = 0;
    while (1 << shift < columns) ++shift;
    const int fit = kKeys >> shift < kMostRows ? kKeys >> shift : kMostRows;
    return {top, left, below < fit ? below : fit, columns, shift};
  }

  MATTECORE_HOST_DEVICE int row(int key) const { return key >> shift; }
  MATTECORE_HOST_DEVICE int column(int key) const { return key & ((1 << shift) - 1); }
  MATTECORE_HOST_DEVICE bool has(int key) const { return row(key) < rows && column(key) < columns; }
};

/// Which queries a block is for: those from `first` on of a head in a window. Beyond the last one it is repeated.
struct QueryTile {
  int64_t picture;
  Window window;
  int64_t head;
  int first;

  MATTECORE_HOST_DEVICE int token(int query) const {
    const int last = static_cast<int>(window.tokens()) - 1;
    return first + query < last ? first + query : last;
  }
  MATTECORE_HOST_DEVICE int row(int query) const { return token(query) / static_cast<int>(window.columns); }
  MATTECORE_HOST_DEVICE int column(int query) const { return token(query) % static_cast<int>(window.columns); }
};

/// A running softmax: shares of what has been seen are powers of two beside the highest logit so far.
struct Softmax {
  float reference, sum;

  MATTECORE_HOST_DEVICE static Softmax nothing() { return {kLowest, 0.0f}; }

  /// Makes this the reference if it is higher; returns by what the shares so far are to be scaled.
  MATTECORE_HOST_DEVICE float raise(float highest) {
    if (!(highest > reference)) return 1.0f;
    const float factor = exp2f(reference - highest);
    reference = highest;
    sum *= factor;
    return factor;
  }
  MATTECORE_HOST_DEVICE float share(float logit) {
    const float power = exp2f(logit - reference);
    sum += power;
    return power;
  }
};

/// What the threads of a block share: less than the 48 KiB that every GPU grants. Rows end with a piece of 16 bytes
/// that nobody reads, so that rows below one another lie in different banks. kSize: the channels of a head, rounded up.
template <class T, int kSize>
struct alignas(32) Tiles {
  static constexpr int kSpare = 16 / sizeof(T);

  T queries[kQueries][kSize + kSpare];
  T tokens[kKeys][kSize + kSpare];  // the tile's keys, then their values
  float logits[kQueries][kKeys + 4];
  T rounded[std::is_same_v<T, float> ? 1 : kQueries][kKeys + kSpare];  // shares of 16 bits
  float result[kQueries][kSize + 4];                                   // to be divided by the shares' sum
  float bias[kQueries][KeyTile::kMostPlaces];                          // of a tile's columns, then its rows
  Softmax softmax[kThreads];                                           // a thread's sum is that of its own keys
  float highest[kThreads];

  /// A query's shares; floats take their logits' place.
  MATTECORE_HOST_DEVICE T* shares(int query) {
    if constexpr (std::is_same_v<T, float>) {
      return logits[query];
    } else {
      return rounded[query];
    }
  }
};

/// Biases that are the sum of one for the row and one for the column, each a product of the query with a table's row:
/// computed for the rows and columns of a tile of keys.
template <class T>
struct RelposBias {
  const T *table_h, *table_w;
  int size;

  template <class Shared>
  MATTECORE_HOST_DEVICE void prepare(const QueryTile& queries, const KeyTile& keys, Shared& tiles, int thread) const {
    const int first = keys.top == 0 ? 0 : keys.columns;  // the columns are those of the tile above
    for (int i = first * kQueries + thread; i < kQueries * (keys.columns + keys.rows); i += kThreads) {
      const int query = i % kQueries, place = i / kQueries;
      const bool across = place < keys.columns;
      const int row =
          queries.row(query) - keys.top - (place - keys.columns) + static_cast<int>(queries.window.rows) - 1;
      const int column = queries.column(query) - keys.left - place + static_cast<int>(queries.window.columns) - 1;
      const T* factors = across ? table_w + int64_t{column} * size : table_h + int64_t{row} * size;
      float sum = 0;
      for (int c = 0; c < size; ++c) sum += widened(tiles.queries[query][c]) * widened(factors[c]);
      tiles.bias[query][place] = sum;
    }
  }

  template <class Shared>
  MATTECORE_HOST_DEVICE float operator()(const QueryTile&, const KeyTile& keys, const Shared& tiles, int query,
                                         int key) const {
    return tiles.bias[query][keys.column(key)] + tiles.bias[query][keys.columns + keys.row(key)];
  }
};

/// Biases from a table [heads,side,side,side,side], the queries' places before the keys'.
template <class T>
struct TableBias {
  const T* table;
  int64_t side;

  template <class Shared>
  MATTECORE_HOST_DEVICE void prepare(const QueryTile&, const KeyTile&, Shared&, int) const {}

  template <class Shared>
  MATTECORE_HOST_DEVICE float operator()(const QueryTile& queries, const KeyTile& keys, const Shared&, int query,
                                         int key) const {
    const int64_t of_query = (queries.head * side + queries.row(query)) * side + queries.column(query);
    return widened(table[(of_query * side + keys.top + keys.row(key)) * side + keys.left + keys.column(key)]);
  }
};

/// An attention as its blocks see it.
template <class T, class Bias>
struct AttentionBlocks {
  TokenMaps<T> maps;
  Windows windows;
  Bias bias;
  T* out;
  int64_t tiles_of_window;  // tiles of queries in the largest window
  bool whole_pieces;        // all channels of all tokens lie in aligned pieces of 16 bytes

  AttentionBlocks(const TokenMaps<T>& token_maps, const Windows& map_windows, const Bias& biases, T* result)
      : maps(token_maps),
        windows(map_windows),
        bias(biases),
        out(result),
        tiles_of_window(pieces(map_windows.most_tokens(), kQueries)),
        whole_pieces((reinterpret_cast<uintptr_t>(maps.data) | reinterpret_cast<uintptr_t>(maps.padding)) % 16 == 0 &&
                     ((maps.batch_stride | maps.row_stride | maps.column_stride | maps.size) & (kPiece - 1)) == 0) {}

  int64_t count() const { return maps.batch * windows.count() * maps.heads * tiles_of_window; }

  /// Does the work of one block in its shared memory.
  template <int kSize, class Run>
  MATTECORE_HOST_DEVICE void attend(int64_t block, Tiles<T, kSize>& tiles, const Run& run) const {
    const int64_t window = block / tiles_of_window / maps.heads;
    const QueryTile queries{window / windows.count(), windows[window % windows.count()],
                            block / tiles_of_window % maps.heads, static_cast<int>(block % tiles_of_window) * kQueries};
    if (queries.first >= queries.window.tokens()) return;

    run([&](int thread) {
      gather(queries, 0, kQueries, tiles.queries, thread, [&](int query, int& row, int& column) {
        row = queries.row(query), column = queries.column(query);
        return true;
      });
      tiles.softmax[thread] = Softmax::nothing();
      for (int c = thread % kParts; c < kSize; c += kParts) tiles.result[thread / kParts][c] = 0.0f;
    });
    for (int left = 0; left < queries.window.columns; left += KeyTile::kMostColumns) {
      for (int top = 0; top < queries.window.rows;) {
        const KeyTile keys = KeyTile::at(queries.window, top, left);
        meet(queries, keys, tiles, run);
        top += keys.rows;
      }
    }
    run([&](int thread) { scatter(queries, tiles, thread); });
  }

 private:
  static constexpr int kPiece = 16 / sizeof(T);
  struct alignas(16) Piece {
    T values[kPiece];
  };

  /// Adds a tile of keys to what the queries have seen.
  template <int kSize, class Run>
  MATTECORE_HOST_DEVICE void meet(const QueryTile& queries, const KeyTile& keys, Tiles<T, kSize>& tiles,
                                  const Run& run) const {
    const auto place = [&](int key, int& row, int& column) {
      row = keys.top + keys.row(key), column = keys.left + keys.column(key);
      return keys.has(key);
    };
    run([&](int thread) {
      gather(queries, 1, kKeys, tiles.tokens, thread, place);
      bias.prepare(queries, keys, tiles, thread);
    });
    run([&](int thread) {
      multiply_tile<kQueries, kKeys, kSize, Right::kTransposed>(tiles.queries[0], kSize + tiles.kSpare, tiles.tokens[0],
                                                                kSize + tiles.kSpare, tiles.logits[0], kKeys + 4, false,
                                                                thread);
    });
    run([&](int thread) {
      gather(queries, 2, kKeys, tiles.tokens, thread, place);
      const int query = thread / kParts;
      const float scale = 1 / sqrtf(static_cast<float>(maps.size));
      float highest = kLowest;
      for (int key = thread % kParts; key < kKeys; key += kParts) {
        float& logit = tiles.logits[query][key];
        logit = keys.has(key) ? (logit * scale + bias(queries, keys, tiles, query, key)) * kLog2E : kNoKey;
        highest = fmaxf(highest, logit);
      }
      tiles.highest[thread] = highest;
    });
    run([&](int thread) {
      const int query = thread / kParts;
      float highest = tiles.highest[query * kParts];
      for (int part = 1; part < kParts; ++part) highest = fmaxf(highest, tiles.highest[query * kParts + part]);
      Softmax& softmax = tiles.softmax[thread];
      const float factor = softmax.raise(highest);
      for (int key = thread % kParts; key < kKeys; key += kParts)
        store(softmax.share(tiles.logits[query][key]), tiles.shares(query) + key);
      if (factor != 1.0f)
        for (int c = thread % kParts; c < kSize; c += kParts) tiles.result[query][c] *= factor;
    });
    run([&](int thread) {
      multiply_tile<kQueries, kSize, kKeys, Right::kPlain>(tiles.shares(0), kKeys + tiles.kSpare, tiles.tokens[0],
                                                           kSize + tiles.kSpare, tiles.result[0], kSize + 4, true,
                                                           thread);
    });
  }

  /// Copies a part of tokens to rows of shared memory, zeros where place(number, row, column) says there is none and
  /// beyond the channels of a head.
  template <int kRow, class Place>
  MATTECORE_HOST_DEVICE void gather(const QueryTile& queries, int part, int count, T (*to)[kRow], int thread,
                                    const Place& place) const {
    constexpr int kPieces = kRow / kPiece - 1;
    for (int i = thread; i < count * kPieces; i += kThreads) {
      const int token = i / kPieces, channel = i % kPieces * kPiece;
      Piece piece{};
      int row, column;
      if (place(token, row, column) && channel < maps.size) {
        const T* from =
            maps.token(queries.picture, queries.window.top + row, queries.window.left + column, part, queries.head) +
            channel;
        if (whole_pieces) {
          piece = *reinterpret_cast<const Piece*>(from);
        } else {
          for (int c = 0; c < kPiece && channel + c < maps.size; ++c) piece.values[c] = from[c];
        }
      }
      *reinterpret_cast<Piece*>(to[token] + channel) = piece;
    }
  }

  /// Writes the results of tokens that the map has.
  template <int kSize>
  MATTECORE_HOST_DEVICE void scatter(const QueryTile& queries, const Tiles<T, kSize>& tiles, int thread) const {
    for (int i = thread; i < kQueries * kSize; i += kThreads) {
      const int query = i / kSize, channel = i % kSize;
      const int64_t y = queries.window.top + queries.row(query), x = queries.window.left + queries.column(query);
      if (queries.first + query >= queries.window.tokens() || y >= maps.height || x >= maps.width ||
          channel >= maps.size)
        continue;
      float sum = 0;
      for (int part = 0; part < kParts; ++part) sum += tiles.softmax[query * kParts + part].sum;
      store(tiles.result[query][channel] / sum,
            out + (((queries.picture * maps.height + y) * maps.width + x) * maps.heads + queries.head) * maps.size +
                channel);
    }
  }
};

}  // namespace mattecore::kernels::cuda
