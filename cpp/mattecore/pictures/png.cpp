#include "mattecore/pictures/png.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <vector>

#include "mattecore/base/error.h"
#include "mattecore/base/parallel.h"
#include "mattecore/base/round_up.h"
#include "mattecore/kernels/checksum.h"
#include "mattecore/kernels/deflate.h"
#include "mattecore/kernels/png_filter.h"
#include "mattecore/tensor/images.h"

namespace mattecore::pictures {
namespace {

/// Filtered bytes of a band. Its filtered bytes and what is known of them stay in the second cache; smaller bands lose
/// more repetitions at their beginnings.
constexpr int64_t kBandBytes = 256 * 1024;

/// A chunk's length is counted in 31 bits.
constexpr int64_t kLongestRow = int64_t{1} << 30;

/// A band's chunk, and what the stream's checksum needs to know of it.
struct Band {
  std::vector<uint8_t> chunk;
  uint32_t adler = 1;
  uint64_t filtered_bytes = 0;
};

std::array<uint8_t, 4> big_endian(uint64_t number) {
  std::array<uint8_t, 4> bytes;
  for (size_t i = 0; i < 4; ++i) bytes[i] = static_cast<uint8_t>(number >> (24 - 8 * i));
  return bytes;
}

/// A chunk begins with its length, known at the end, and its name.
std::vector<uint8_t> begun_chunk() { return {0, 0, 0, 0, 'I', 'D', 'A', 'T'}; }

void finish_chunk(std::vector<uint8_t>& chunk) {
  std::ranges::copy(big_endian(chunk.size() - 8), chunk.begin());
  const auto crc = big_endian(kernels::crc32(std::span(chunk).subspan(4)));
  chunk.insert(chunk.end(), crc.begin(), crc.end());
}

/// zlib's two bytes before the first band: a window of 32 KiB, and a hint at how the rest was made.
void put_zlib_header(int level, std::vector<uint8_t>& chunk) {
  const int hint = level <= 1 ? 0 : level <= 5 ? 1 : level == 6 ? 2 : 3;
  const int header = 0x7800 | hint << 6;
  chunk.push_back(0x78);
  chunk.push_back(static_cast<uint8_t>((hint << 6) | (31 - header % 31)));
}

}  // namespace

at::Tensor png_data(const at::Tensor& image, int64_t level) {
  if (level < 0 || level > 9) throw_invalid("level is ", level, "; wanted 0 (stored) to 9 (smallest)");
  at::Tensor pictures = tensor::as_images(image, "image");
  tensor::check_dtype(pictures, at::kByte, "image");
  tensor::check_cpu(pictures, "image");
  if (pictures.size(0) != 1) throw_invalid("image holds ", pictures.size(0), " pictures; a PNG file holds one");
  auto picture = tensor::view<const uint8_t>(pictures, 0);
  const int64_t row_bytes = 1 + picture.width * picture.channels;
  if (row_bytes > kLongestRow)
    throw_invalid("image is ", picture.width, " pixels wide; a PNG file's rows may have 2^30 bytes");
  if (!picture.has_packed_rows()) {
    pictures = pictures.contiguous();
    picture = tensor::view<const uint8_t>(pictures, 0);
  }

  const int64_t band_rows = std::max<int64_t>(1, kBandBytes / row_bytes);
  std::vector<Band> bands(static_cast<size_t>(pieces(picture.height, band_rows)));
  std::atomic<size_t> next_band = 0;
  // Bands differ in how long they take, so every thread takes the next one that is left.
  parallel_for(std::min<int64_t>(num_threads(), static_cast<int64_t>(bands.size())), 1, [&](int64_t, int64_t) {
    std::vector<uint8_t> filtered;
    for (size_t b; (b = next_band++) < bands.size();) {
      Band& band = bands[b];
      const int64_t begin = static_cast<int64_t>(b) * band_rows, end = std::min(begin + band_rows, picture.height);
      filtered.resize(static_cast<size_t>((end - begin) * row_bytes));
      kernels::png_filter(picture, begin, end, filtered.data());
      band.adler = kernels::adler32(filtered);
      band.filtered_bytes = filtered.size();
      band.chunk = begun_chunk();
      if (b == 0) put_zlib_header(static_cast<int>(level), band.chunk);
      const bool is_last = b + 1 == bands.size();
      kernels::deflate(filtered, static_cast<int>(level),
                       is_last ? kernels::Deflated::last : kernels::Deflated::more_to_come, band.chunk);
      if (!is_last) finish_chunk(band.chunk);
    }
  });

  uint32_t adler = 1;
  for (const Band& band : bands) adler = kernels::adler32_of_both(adler, band.adler, band.filtered_bytes);
  const auto checksum = big_endian(adler);
  bands.back().chunk.insert(bands.back().chunk.end(), checksum.begin(), checksum.end());
  finish_chunk(bands.back().chunk);

  int64_t bytes = 0;
  for (const Band& band : bands) bytes += static_cast<int64_t>(band.chunk.size());
  const at::Tensor data = tensor::empty({bytes}, at::kByte);
  auto* at = static_cast<uint8_t*>(data.mutable_data_ptr());
  for (Band& band : bands) {
    at = std::ranges::copy(band.chunk, at).out;
    band.chunk = {};
  }
  return data;
}

}  // namespace mattecore::pictures
