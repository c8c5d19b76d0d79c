#include "mattecore/kernels/segments.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "mattecore/base/error.h"
#include "mattecore/base/image.h"
#include "mattecore/kernels/components.h"
#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {
namespace {

/// The largest value that 255 times, cut towards zero, is 0.
const float kLargestOutside = std::nextafter(1.0f / 255.0f, 0.0f);

constexpr double kMostSide = std::numeric_limits<int32_t>::max();

struct Span {
  int64_t begin, end;
};

/// One axis of crop_region: `side` pixels from `start`, inside of 0..limit.
Span held_inside(int64_t start, double side, int64_t limit) {
  const double end = static_cast<double>(limit);
  if (start < 0) return {0, static_cast<int64_t>(std::min(end, side))};
  if (static_cast<double>(start) + side > end) return {static_cast<int64_t>(std::max(0.0, end - side)), limit};
  return {start, static_cast<int64_t>(std::min(end, static_cast<double>(start) + side))};
}

Span around(int64_t begin, int64_t length, double factor, int64_t limit) {
  const double side = static_cast<double>(length) * factor;
  const double middle = static_cast<double>(begin) + static_cast<double>(length) / 2;
  return held_inside(static_cast<int64_t>(middle - side / 2), side, limit);
}

Box box_of(const Component& part) { return {part.left, part.top, part.right, part.bottom}; }

bool touches_edge(const Component& part, int64_t height, int64_t width) {
  return part.top == 0 || part.left == 0 || part.bottom == height || part.right == width;
}

/// Which component holds the pixel; -1 for none.
int32_t component_at(const Components& found, int32_t y, int32_t x) {
  const auto after = std::upper_bound(
      found.runs.begin(), found.runs.end(), std::pair(y, x),
      [](const std::pair<int32_t, int32_t>& at, const Run& run) { return at < std::pair(run.row, run.begin); });
  if (after == found.runs.begin()) return -1;
  const Run& run = *std::prev(after);
  return run.row == y && x < run.end ? run.component : -1;
}

template <class T>
ImageView<T> part_of(ImageView<T> picture, const Box& box) {
  picture.data = &picture(box.top, box.left);
  picture.height = box.height();
  picture.width = box.width();
  return picture;
}

/// 1 on the segment and on all that it parts from the outside, in its box.
Image<uint8_t> silhouette(ImageView<const float> mask, const Segment& segment) {
  const Box& box = segment.box;
  const Components parts = connected_components(part_of(mask, box), kLargestOutside);
  const int32_t own = component_at(parts, 0, static_cast<int32_t>(segment.first_column - box.left));
  if (own < 0)
    throw_invalid("draw_segment: the mask has nothing in row ", box.top, ", column ", segment.first_column,
                  ", where the segment begins; wanted the mask it was found in");
  Image<uint8_t> shape(box.height(), box.width());
  std::fill_n(shape.view().data, box.height() * box.width(), uint8_t{0});
  for (const Run& run : parts.runs)
    if (run.component == own)
      std::fill(&shape(run.row, run.begin), &shape(run.row, run.begin) + run.end - run.begin, 1);

  const Components gaps = background_components<uint8_t>(shape.view(), 0);
  for (const Run& run : gaps.runs)
    if (!touches_edge(gaps.components[static_cast<size_t>(run.component)], box.height(), box.width()))
      std::fill(&shape(run.row, run.begin), &shape(run.row, run.begin) + run.end - run.begin, 1);
  return shape;
}

/// Whether `box` has pixels, all of them in the picture.
bool lies_in(ImageView<const float> picture, const Box& box) {
  return 0 <= box.left && box.left < box.right && box.right <= picture.width && 0 <= box.top && box.top < box.bottom &&
         box.bottom <= picture.height;
}

void check(ImageView<const float> mask, const Segment& segment, ImageView<float> out) {
  const auto& [box, crop, first_column] = segment;
  if (!lies_in(mask, box) || !lies_in(mask, crop) || first_column < box.left || first_column >= box.right)
    throw_invalid("draw_segment: the box ", box.left, ", ", box.top, " .. ", box.right, ", ", box.bottom, ", the crop ",
                  crop.left, ", ", crop.top, " .. ", crop.right, ", ", crop.bottom, " or the first column ",
                  first_column, " does not lie in the mask of ", mask.width, " x ", mask.height,
                  " pixels; wanted a segment of this mask");
  if (out.width != crop.width() || out.height != crop.height() || out.channels != 1)
    throw_invalid("draw_segment: the output is ", out.height, " x ", out.width, " x ", out.channels, ", and ",
                  crop.height(), " x ", crop.width(), " x 1 is wanted");
}

}  // namespace

Box crop_region(const Box& box, double factor, int64_t height, int64_t width) {
  const Span columns = around(box.left, box.width(), factor, width);
  const Span rows = around(box.top, box.height(), factor, height);
  return {columns.begin, rows.begin, columns.end, rows.end};
}

std::vector<Segment> find_segments(ImageView<const float> mask, double crop_factor, int64_t drop_size) {
  if (!(crop_factor >= 1 && crop_factor <= kMostSide))
    throw_invalid("the crop factor is ", crop_factor, "; wanted 1 or more, since a crop holds all of its segment");
  const Components parts = connected_components(mask, kLargestOutside);
  const Components gaps = background_components(mask, kLargestOutside);
  std::vector<Segment> segments;
  for (auto part = parts.components.rbegin(); part != parts.components.rend(); ++part) {
    const Box box = box_of(*part);
    if (box.width() <= drop_size || box.height() <= drop_size) continue;
    // Above its first pixel lies what surrounds it: the outside, or a gap in another part.
    const Run& first = parts.runs[static_cast<size_t>(part->first_run)];
    if (first.row > 0) {
      const int32_t gap = component_at(gaps, first.row - 1, first.begin);
      if (!touches_edge(gaps.components[static_cast<size_t>(gap)], mask.height, mask.width)) continue;
    }
    segments.push_back({box, crop_region(box, crop_factor, mask.height, mask.width), first.begin});
  }
  return segments;
}

void draw_segment(ImageView<const float> mask, const Segment& segment, SegmentFill fill, ImageView<float> out) {
  check(mask, segment, out);
  const auto& [box, crop, first_column] = segment;
  const Image<uint8_t> shape = fill == SegmentFill::kBox ? Image<uint8_t>() : silhouette(mask, segment);
  for_each_row(out.height, out.width, [&](int64_t y) {
    for (int64_t x = 0; x < out.width; ++x) out(y, x) = 0;
    const int64_t row = y + crop.top;
    if (row < box.top || row >= box.bottom) return;
    for (int64_t column = std::max(box.left, crop.left); column < std::min(box.right, crop.right); ++column) {
      float& value = out(y, column - crop.left);
      if (fill == SegmentFill::kBox)
        value = 1;
      else if (shape(row - box.top, column - box.left) != 0)
        value = fill == SegmentFill::kSoft ? std::clamp(mask(row, column), 0.0f, 1.0f) : 1;
    }
  });
}

}  // namespace mattecore::kernels
