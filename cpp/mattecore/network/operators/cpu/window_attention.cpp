#include <algorithm>

#include "mattecore/base/image.h"
#include "mattecore/network/operators/cpu/attention.h"
#include "mattecore/network/operators/cpu/operators.h"
#include "mattecore/network/operators/window.h"

namespace mattecore::network::cpu {
namespace {

/// The biases of all heads times log2(e): rows [window^2] of a query, its keys followed by kNoKey up to `stride`.
struct Table {
  int64_t window, stride;
  Buffer<float> rows;

  Table(const at::Tensor& bias)
      : window(bias.size(1)),
        stride(round_up(window * window, kColumns)),
        rows(bias.size(0) * window * window * stride) {
    const int64_t tokens = window * window;
    const auto from = bias.accessor<float, 5>();
    parallel_for(bias.size(0) * tokens, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto query = from[i / tokens][i % tokens / window][i % window];
        float* row = rows.data() + i * stride;
        for (int64_t k = 0; k < window; ++k)
          for (int64_t l = 0; l < window; ++l) row[k * window + l] = query[k][l] * kLog2E;
        std::fill(row + tokens, row + stride, kNoKey);
      }
    });
  }
};

/// The rows of a whole window are the table's own; those of a part of one are cut out of them.
template <class Tile>
class Bias {
 public:
  explicit Bias(const Table& table) : table_(table), row_(table.stride + table.window) {}

  void begin(const Attention<Tile>&, const Window& window, int64_t head, int64_t first, int64_t) {
    window_ = window;
    head_ = head;
    first_ = first;
  }

  const float* operator()(int64_t query, int64_t first_key, int64_t keys, int64_t padded) {
    const int64_t side = table_.window, columns = window_.columns;
    const int64_t i = (first_ + query) / columns, j = (first_ + query) % columns;
    const float* all = table_.rows.data() + ((head_ * side + i) * side + j) * table_.stride;
    if (columns == side && (keys == padded || first_key + keys == side * side)) return all + first_key;
    for (int64_t done = 0; done < keys;) {
      const int64_t k = (first_key + done) / columns, l = (first_key + done) % columns;
      const int64_t run = std::min(columns - l, keys - done);
      std::copy_n(all + k * side + l, run, row_.data() + done);
      done += run;
    }
    std::fill(row_.data() + keys, row_.data() + padded, kNoKey);
    return row_.data();
  }

 private:
  const Table& table_;
  Buffer<float> row_;
  Window window_{};
  int64_t head_ = 0, first_ = 0;
};

}  // namespace

void window_attention(const at::Tensor& qkv, const at::Tensor& padding, const at::Tensor& bias, int64_t window,
                      int64_t shift, at::Tensor& out) {
  const Table table(bias.to(at::kFloat));
  with_tile_type(qkv.scalar_type(), [&]<class In, class Tile>(In, Tile) {
    attend_windows<Tile>(
        token_maps<In>(qkv, padding, bias.size(0)), windows_of(qkv, window, shift), [&] { return Bias<Tile>(table); },
        static_cast<In*>(out.mutable_data_ptr()));
  });
}

}  // namespace mattecore::network::cpu
