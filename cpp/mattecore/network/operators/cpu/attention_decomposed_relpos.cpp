#include "mattecore/base/image.h"
#include "mattecore/network/operators/cpu/attention.h"
#include "mattecore/network/operators/cpu/operators.h"
#include "mattecore/network/operators/window.h"

namespace mattecore::network::cpu {
namespace {

/// A table [2L-1, size] as a right factor with its rows reversed: the product of a query at i with it, from element
/// L-1-i on, is the query's bias against keys 0..L-1 of the axis.
template <class Tile>
struct ReversedTable {
  int64_t length, stride, rows;
  Buffer<Tile> factor;

  template <class In>
  ReversedTable(const In* table, int64_t axis_length, int64_t size)
      : length(axis_length),
        stride(round_up(2 * axis_length - 1, kColumns)),
        rows(round_up(size, kInterleaved<Tile>)),
        factor(stride * rows) {
    std::fill_n(factor.data(), stride * rows, Tile{});
    for (int64_t j = 0; j < 2 * length - 1; ++j)
      for (int64_t c = 0; c < size; ++c)
        factor[place<Tile>(c, j, stride)] = as_tile<Tile>(table[(2 * length - 2 - j) * size + c]);
  }
};

template <class Tile>
class Bias {
 public:
  Bias(const ReversedTable<Tile>& table_h, const ReversedTable<Tile>& table_w)
      : table_h_(table_h),
        table_w_(table_w),
        bias_h_(kMostQueries * table_h.stride + kLanes),
        bias_w_(kMostQueries * table_w.stride + kLanes),
        row_(kMostKeys + kLanes) {
    std::fill_n(bias_w_.data() + kMostQueries * table_w.stride, kLanes, 0.0f);
  }

  void begin(const Attention<Tile>& attention, const Window&, int64_t, int64_t first, int64_t count) {
    first_ = first;
    product(attention, count, table_h_, bias_h_.data());
    product(attention, count, table_w_, bias_w_.data());
  }

  const float* operator()(int64_t query, int64_t first_key, int64_t keys, int64_t padded) {
    const int64_t width = table_w_.length, i = (first_ + query) / width, j = (first_ + query) % width;
    const float* bias_h = bias_h_.data() + query * table_h_.stride + table_h_.length - 1 - i;
    const float* bias_w = bias_w_.data() + query * table_w_.stride + width - 1 - j;
    for (int64_t done = 0; done < keys;) {
      const int64_t k = (first_key + done) / width, l = (first_key + done) % width;
      const int64_t run = std::min(width - l, keys - done);
      // The last vector of a run may go beyond it: the next run, or what stands for no keys, is written over it.
      for (int64_t x = 0; x < run; x += kLanes) store(row_.data() + done + x, load(bias_w + l + x) + bias_h[k]);
      done += run;
    }
    for (int64_t x = keys; x < padded; ++x) row_[x] = kNoKey;
    return row_.data();
  }

 private:
  void product(const Attention<Tile>& attention, int64_t count, const ReversedTable<Tile>& table, float* out) {
    multiply_tile<Tile>(count, table.stride, attention.query_stride(), attention.queries(), attention.query_stride(),
                        table.factor.data(), table.stride, out, table.stride, false);
    for (int64_t x = 0; x < count * table.stride; x += kLanes) store(out + x, load(out + x) * kLog2E);
  }

  const ReversedTable<Tile>& table_h_;
  const ReversedTable<Tile>& table_w_;
  Buffer<float> bias_h_, bias_w_;
  Buffer<float> row_;
  int64_t first_ = 0;
};

}  // namespace

void attention_decomposed_relpos(const at::Tensor& qkv, const at::Tensor& table_h, const at::Tensor& table_w,
                                 const at::Tensor& padding, int64_t heads, int64_t window, at::Tensor& out) {
  with_tile_type(qkv.scalar_type(), [&]<class In, class Tile>(In, Tile) {
    const auto maps = token_maps<In>(qkv, padding, heads);
    const Windows windows = windows_of(qkv, window, 0);
    const ReversedTable<Tile> rows(static_cast<const In*>(table_h.const_data_ptr()), windows.rows.window, maps.size);
    const ReversedTable<Tile> columns(static_cast<const In*>(table_w.const_data_ptr()), windows.columns.window,
                                      maps.size);
    attend_windows<Tile>(
        maps, windows, [&] { return Bias<Tile>(rows, columns); }, static_cast<In*>(out.mutable_data_ptr()));
  });
}

}  // namespace mattecore::network::cpu
