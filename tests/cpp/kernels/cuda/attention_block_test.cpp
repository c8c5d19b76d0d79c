// The GPU's attention on a processor: every step of a block for one thread after the other, in orders that would give
// different results if a step read what another thread writes in it.
#include "mattecore/kernels/cuda/attention_block.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <vector>

namespace mattecore::kernels::cuda {
namespace {

struct Shape {
  int64_t batch, height, width, heads, size, window, shift;  // window 0: the whole map
};

void PrintTo(const Shape& s, std::ostream* out) {
  *out << s.batch << " x " << s.height << " x " << s.width << ", " << s.heads << " heads of " << s.size
       << ", windows of " << s.window << " shifted by " << s.shift;
}

template <class T>
std::vector<T> random_numbers(std::mt19937& random, int64_t count, float deviation = 1) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<T> numbers(static_cast<size_t>(count));
  for (T& number : numbers) number = narrowed<T>(normal(random));
  return numbers;
}

/// Maps whose rows are apart by more than they are long, and the tables for their biases.
template <class T>
struct Inputs {
  Shape shape;
  Windows windows;
  int64_t channels, row;
  std::vector<T> qkv, padding, table_h, table_w, biases;
  TokenMaps<T> maps;

  explicit Inputs(const Shape& s, int64_t spare = 16)
      : shape(s),
        windows{{s.height, s.window == 0 ? s.height : s.window, s.shift},
                {s.width, s.window == 0 ? s.width : s.window, s.shift}},
        channels(3 * s.heads * s.size),
        row(s.width * channels + spare) {
    std::mt19937 random(3);
    qkv = random_numbers<T>(random, s.batch * s.height * row);
    padding = random_numbers<T>(random, channels);
    const float deviation = 1 / std::sqrt(static_cast<float>(s.size));
    table_h = random_numbers<T>(random, (2 * windows.rows.window - 1) * s.size, deviation);
    table_w = random_numbers<T>(random, (2 * windows.columns.window - 1) * s.size, deviation);
    if (s.window > 0) biases = random_numbers<T>(random, s.heads * s.window * s.window * s.window * s.window);
    maps = {qkv.data(), s.batch, s.height, s.width, s.height * row, row, channels, s.heads, s.size, padding.data()};
  }
};

using BiasOf = std::function<double(int64_t head, int64_t i, int64_t j, int64_t k, int64_t l, int64_t b, int64_t y,
                                    int64_t x)>;  // (i, j) is (y, x) within its window

/// The attention by its formula, in double.
template <class T>
std::vector<double> attention(const Inputs<T>& in, const BiasOf& bias) {
  const TokenMaps<T>& maps = in.maps;
  std::vector<double> out(static_cast<size_t>(maps.batch * maps.height * maps.width * maps.heads * maps.size));
  for (int64_t b = 0; b < maps.batch; ++b)
    for (int64_t w = 0; w < in.windows.count(); ++w)
      for (int64_t head = 0; head < maps.heads; ++head) {
        const Window window = in.windows[w];
        for (int64_t q = 0; q < window.tokens(); ++q) {
          const int64_t i = q / window.columns, j = q % window.columns, y = window.top + i, x = window.left + j;
          if (y >= maps.height || x >= maps.width) continue;
          std::vector<double> logits, shares;
          for (int64_t n = 0; n < window.tokens(); ++n) {
            const int64_t k = n / window.columns, l = n % window.columns;
            const T* query = maps.token(b, y, x, 0, head);
            const T* key = maps.token(b, window.top + k, window.left + l, 1, head);
            double product = 0;
            for (int64_t c = 0; c < maps.size; ++c) product += double{to_float(query[c])} * to_float(key[c]);
            logits.push_back(product / std::sqrt(static_cast<double>(maps.size)) + bias(head, i, j, k, l, b, y, x));
          }
          double sum = 0;
          for (const double logit : logits)
            sum += shares.emplace_back(std::exp(logit - *std::max_element(logits.begin(), logits.end())));
          for (int64_t c = 0; c < maps.size; ++c) {
            double& result = out[(((b * maps.height + y) * maps.width + x) * maps.heads + head) * maps.size + c];
            for (int64_t n = 0; n < window.tokens(); ++n) {
              const int64_t k = n / window.columns, l = n % window.columns;
              result += shares[n] / sum * to_float(maps.token(b, window.top + k, window.left + l, 2, head)[c]);
            }
          }
        }
      }
  return out;
}

/// The threads of a block, one after the other.
constexpr int kOrders = 3;
struct OneAfterTheOther {
  int order;

  void operator()(const auto& step) const {
    for (int i = 0; i < kThreads; ++i) step(order == 0 ? i : order == 1 ? kThreads - 1 - i : i * 37 % kThreads);
  }
};

template <int kSize, class T, class Bias>
std::vector<T> run_blocks(const Inputs<T>& in, const Bias& bias, int order) {
  std::vector<T> out(static_cast<size_t>(in.maps.batch * in.maps.height * in.maps.width * in.maps.heads * in.maps.size),
                     narrowed<T>(std::numeric_limits<float>::quiet_NaN()));
  const AttentionBlocks<T, Bias> blocks(in.maps, in.windows, bias, out.data());
  const auto tiles = std::make_unique<Tiles<T, kSize>>();
  for (int64_t block = 0; block < blocks.count(); ++block) blocks.attend(block, *tiles, OneAfterTheOther{order});
  return out;
}

/// `largest`: how much larger than in the other tests logits are, and their errors with them.
template <class T, class Bias>
void expect_formula(const Inputs<T>& in, const Bias& bias, const BiasOf& bias_of, double largest = 1) {
  const auto run = in.shape.size <= 32 ? run_blocks<32, T, Bias> : run_blocks<64, T, Bias>;
  const std::vector<T> seen = run(in, bias, 0);
  const std::vector<double> expected = attention(in, bias_of);
  // Values are below 5, and shares and results rounded once each.
  const double step = std::is_same_v<T, float> ? 0x1p-20 : std::is_same_v<T, Half> ? 0x1p-11 : 0x1p-8;
  for (size_t i = 0; i < seen.size(); ++i)
    ASSERT_NEAR(to_float(seen[i]), expected[i], largest * step * (5 + 2 * std::abs(expected[i]))) << "at " << i;
  for (int order = 1; order < kOrders; ++order) {
    const std::vector<T> again = run(in, bias, order);
    for (size_t i = 0; i < seen.size(); ++i) ASSERT_EQ(to_float(again[i]), to_float(seen[i])) << "order " << order;
  }
}

template <class T>
void expect_relpos(const Inputs<T>& in, double largest = 1) {
  const int64_t size = in.shape.size;
  const auto product = [&](const std::vector<T>& table, int64_t row, const T* query) {
    double sum = 0;
    for (int64_t c = 0; c < size; ++c) sum += double{to_float(query[c])} * to_float(table[row * size + c]);
    return sum;
  };
  expect_formula(
      in, RelposBias<T>{in.table_h.data(), in.table_w.data(), static_cast<int>(size)},
      [&](int64_t head, int64_t i, int64_t j, int64_t k, int64_t l, int64_t b, int64_t y, int64_t x) {
        const T* query = in.maps.token(b, y, x, 0, head);
        return product(in.table_h, i - k + in.windows.rows.window - 1, query) +
               product(in.table_w, j - l + in.windows.columns.window - 1, query);
      },
      largest);
}

template <class T>
void expect_table(const Inputs<T>& in) {
  const int64_t side = in.shape.window;
  expect_formula(in, TableBias<T>{in.biases.data(), side},
                 [&](int64_t head, int64_t i, int64_t j, int64_t k, int64_t l, int64_t, int64_t, int64_t) {
                   return to_float(in.biases[(((head * side + i) * side + j) * side + k) * side + l]);
                 });
}

// Maps of one tile and of several, whose rows end within tiles or with them; heads that fill a tile and that do not.
const Shape kRelpos[] = {
    {1, 1, 1, 1, 4, 0, 0},    {2, 6, 4, 2, 5, 0, 0},   {1, 5, 7, 2, 64, 0, 0}, {3, 1, 5, 1, 33, 0, 0},
    {1, 21, 19, 1, 16, 0, 0}, {1, 3, 70, 1, 33, 0, 0}, {1, 70, 1, 2, 8, 0, 0}, {1, 9, 40, 1, 64, 0, 0},
    {2, 7, 16, 2, 8, 1, 0},   {2, 7, 16, 2, 8, 2, 0},  {1, 7, 16, 2, 8, 5, 0}, {1, 17, 30, 2, 16, 14, 0},
};
const Shape kWindows[] = {
    {1, 1, 1, 2, 4, 2, 1},     {2, 7, 3, 2, 4, 3, 1},     {2, 9, 25, 2, 4, 4, 0},    {2, 17, 22, 3, 8, 7, 3},
    {1, 12, 14, 2, 32, 12, 6}, {1, 25, 13, 1, 64, 12, 6}, {1, 21, 19, 1, 33, 18, 7},
};

class RelposBlockTest : public ::testing::TestWithParam<Shape> {};
INSTANTIATE_TEST_SUITE_P(Shapes, RelposBlockTest, ::testing::ValuesIn(kRelpos));
TEST_P(RelposBlockTest, IsTheFormula) {
  expect_relpos(Inputs<float>(GetParam()));
  expect_relpos(Inputs<Half>(GetParam()));
  expect_relpos(Inputs<BFloat16>(GetParam()));
}

class WindowBlockTest : public ::testing::TestWithParam<Shape> {};
INSTANTIATE_TEST_SUITE_P(Shapes, WindowBlockTest, ::testing::ValuesIn(kWindows));
TEST_P(WindowBlockTest, IsTheFormula) {
  expect_table(Inputs<float>(GetParam()));
  expect_table(Inputs<Half>(GetParam()));
  expect_table(Inputs<BFloat16>(GetParam()));
}

TEST(AttentionBlock, MapsThatLieOutsideWholePiecesAreReadNumberByNumber) {
  const Shape shape{2, 6, 9, 2, 32, 4, 1};
  expect_table(Inputs<float>(shape, /*spare=*/1));
  expect_table(Inputs<BFloat16>(shape, /*spare=*/3));
}

TEST(AttentionBlock, LogitsMayRiseAndFallFromTileToTile) {
  Inputs<float> in({1, 30, 21, 1, 32, 0, 0});
  for (int64_t y = 0; y < 30; ++y)
    for (int64_t i = 0; i < in.row; ++i)
      if (i / 32 % 3 == 1) in.qkv[y * in.row + i] *= std::abs(static_cast<float>(y) - 15);
  expect_relpos(in, 15);
}

TEST(AttentionBlock, ABiasOfMinusInfinityHidesAKeyAndNumbersThatAreNoneSpread) {
  Inputs<float> in({1, 12, 12, 1, 8, 12, 0});
  const int64_t tokens = 144;
  for (int64_t query = 0; query < tokens; ++query)  // the first tile of keys and more
    for (int64_t key = 0; key < 90; ++key) in.biases[query * tokens + key] = -std::numeric_limits<float>::infinity();
  expect_table(in);
  in.biases[5 * tokens + 100] = std::numeric_limits<float>::quiet_NaN();
  const auto seen = run_blocks<32>(in, TableBias<float>{in.biases.data(), 12}, 0);
  for (int64_t i = 0; i < tokens * 8; ++i) EXPECT_EQ(std::isnan(seen[i]), i / 8 == 5) << i;
}

TEST(AttentionBlock, FitsTheSharedMemoryOfEveryGpu) {
  EXPECT_LE(sizeof(Tiles<float, kLargestHead>), 48 << 10);
  EXPECT_LE(sizeof(Tiles<Half, kLargestHead>), 48 << 10);
}

}  // namespace
}  // namespace mattecore::kernels::cuda
