#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <type_traits>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/kernels/eight_bit.h"
#include "mattecore/kernels/interpolate.h"
#include "mattecore/kernels/resize.h"
#include "mattecore/kernels/rgba.h"

// Every kernel in bytes read plus bytes written per second, and as `of_memcpy` the same in units of what memcpy moves
// on as many threads in the same run: 1 is as fast as memory allows. Arguments are side x side pixels and threads. All
// memory has been touched before; what a first touch costs shows in ../run.py.
namespace mattecore::kernels {
namespace {

constexpr int64_t kChannels = 3;

template <class T>
Image<T> noise(int64_t height, int64_t width, int64_t channels) {
  Image<T> image(height, width, channels);
  std::minstd_rand random(1);
  T* values = image.view().data;
  for (int64_t i = 0; i < height * width * channels; ++i) {
    const auto v = static_cast<uint8_t>(random() >> 8);
    values[i] = std::is_same_v<T, uint8_t> ? static_cast<T>(v) : static_cast<T>(v) / T{255};
  }
  return image;
}

/// Seconds in which memcpy, on the present number of threads, moves `bytes` (read plus written) between blocks as
/// large as the kernel's, so that caches help both alike.
double memcpy_seconds(int64_t bytes) {
  const int64_t half = bytes / 2;
  Buffer<uint8_t> from(static_cast<size_t>(half)), to(static_cast<size_t>(half));
  std::memset(from.data(), 1, from.size());
  double shortest = 1e9;
  for (int i = 0; i < 10; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    parallel_for(half, 1 << 16, [&](int64_t first, int64_t last) {
      std::memcpy(to.data() + first, from.data() + first, static_cast<size_t>(last - first));
    });
    benchmark::ClobberMemory();
    shortest = std::min(shortest, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return shortest;
}

/// Runs the kernel until its time is known; the rate of memory comes from the shortest repetition on both sides.
template <class Kernel>
void measure(benchmark::State& state, int64_t bytes, Kernel kernel) {
  set_num_threads(static_cast<int>(state.range(1)));
  const double copying = memcpy_seconds(bytes);
  kernel();
  double shortest = 1e9;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    kernel();
    benchmark::ClobberMemory();
    shortest = std::min(shortest, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  state.SetBytesProcessed(state.iterations() * bytes);
  state.counters["of_memcpy"] = copying / shortest;
}

void bench_to_u8(benchmark::State& state) {
  const int64_t side = state.range(0), values = side * side * kChannels;
  const Image<float> in = noise<float>(side, side, kChannels);
  Image<uint8_t> out(side, side, kChannels);
  measure(state, values * 5, [&] { to_u8(in.view(), out.view()); });
}

void bench_from_u8(benchmark::State& state) {
  const int64_t side = state.range(0), values = side * side * kChannels;
  const Image<uint8_t> in = noise<uint8_t>(side, side, kChannels);
  Image<float> out(side, side, kChannels);
  measure(state, values * 5, [&] { from_u8(in.view(), out.view()); });
}

template <class T>
void bench_assemble_rgba(benchmark::State& state) {
  const int64_t side = state.range(0), pixels = side * side;
  const Image<T> image = noise<T>(side, side, kChannels);
  const Image<uint8_t> mask = noise<uint8_t>(side, side, 1);
  Image<float> out(side, side, 4);
  const int64_t bytes = pixels * (kChannels * static_cast<int64_t>(sizeof(T)) + 1 + 16);
  measure(state, bytes, [&] { assemble_rgba(image.view(), mask.view(), out.view()); });
}

void bench_paste_on_transparent(benchmark::State& state) {
  const int64_t side = state.range(0);
  const Image<uint8_t> image = noise<uint8_t>(side, side, kChannels), mask = noise<uint8_t>(side, side, 1);
  Image<uint8_t> out(side, side, 4);
  measure(state, side * side * 8, [&] { paste_on_transparent(image.view(), mask.view(), out.view()); });
}

void bench_mask_to_image(benchmark::State& state) {
  const int64_t side = state.range(0);
  const Image<float> mask = noise<float>(side, side, 1);
  Image<uint8_t> out(side, side, 4);
  measure(state, side * side * 8, [&] { mask_to_image(mask.view(), out.view()); });
}

void bench_luma(benchmark::State& state) {
  const int64_t side = state.range(0);
  const Image<uint8_t> image = noise<uint8_t>(side, side, kChannels);
  Image<uint8_t> out(side, side, 1);
  measure(state, side * side * 4, [&] { luma(image.view(), out.view()); });
}

/// To a picture of the same number of values, turned by 90 degrees in its proportions, so that no axis is a copy.
void bench_interpolate(benchmark::State& state) {
  const int64_t side = state.range(0), values = side * side;
  const Image<float> in = noise<float>(side, side, 1);
  Image<float> out(side * 4 / 3, side * 3 / 4, 1);
  measure(state, values * 8, [&] { interpolate(in.view(), false, out.view()); });
}

void bench_resize(benchmark::State& state, Filter filter, int64_t in_height, int64_t in_width, int64_t out_height,
                  int64_t out_width) {
  const Image<uint8_t> in = noise<uint8_t>(in_height, in_width, kChannels);
  Image<uint8_t> out(out_height, out_width, kChannels);
  const int64_t bytes = kChannels * (in_height * in_width + out_height * out_width);
  measure(state, bytes, [&] { resize(in.view(), filter, out.view()); });
}

void sizes_and_threads(benchmark::internal::Benchmark* b) {
  b->ArgsProduct({{1024, 2048, 4096}, {1, 2}})->ArgNames({"side", "threads"})->UseRealTime();
  b->Unit(benchmark::kMillisecond);
}

void threads(benchmark::internal::Benchmark* b) {
  b->ArgsProduct({{0}, {1, 2}})->ArgNames({"", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(bench_to_u8)->Name("to_u8")->Apply(sizes_and_threads);
BENCHMARK(bench_from_u8)->Name("from_u8")->Apply(sizes_and_threads);
BENCHMARK(bench_assemble_rgba<float>)->Name("assemble_rgba/float")->Apply(sizes_and_threads);
BENCHMARK(bench_assemble_rgba<uint8_t>)->Name("assemble_rgba/uint8")->Apply(sizes_and_threads);
BENCHMARK(bench_paste_on_transparent)->Name("paste_on_transparent")->Apply(sizes_and_threads);
BENCHMARK(bench_mask_to_image)->Name("mask_to_image")->Apply(sizes_and_threads);
BENCHMARK(bench_luma)->Name("luma")->Apply(sizes_and_threads);
BENCHMARK(bench_interpolate)->Name("interpolate")->Apply(sizes_and_threads);
BENCHMARK_CAPTURE(bench_resize, bilinear_down, Filter::bilinear, 3000, 4000, 1024, 1024)
    ->Name("resize/bilinear_down")
    ->Apply(threads);
BENCHMARK_CAPTURE(bench_resize, bilinear_up, Filter::bilinear, 1024, 1024, 3000, 4000)
    ->Name("resize/bilinear_up")
    ->Apply(threads);
BENCHMARK_CAPTURE(bench_resize, lanczos_down, Filter::lanczos, 3000, 4000, 1024, 1024)
    ->Name("resize/lanczos_down")
    ->Apply(threads);
BENCHMARK_CAPTURE(bench_resize, lanczos_up, Filter::lanczos, 1024, 1024, 3000, 4000)
    ->Name("resize/lanczos_up")
    ->Apply(threads);

}  // namespace
}  // namespace mattecore::kernels
