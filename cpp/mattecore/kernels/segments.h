#pragma once

#include <cstdint>
#include <vector>

#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// Columns left .. right-1 of rows top .. bottom-1.
struct Box {
  int64_t left, top, right, bottom;

  int64_t width() const { return right - left; }
  int64_t height() const { return bottom - top; }
  bool operator==(const Box&) const = default;
};

/// One connected part of a mask, by its place: what it covers is found again from the mask (draw_segment), so that any
/// number of segments costs no pictures.
struct Segment {
  Box box;               // of its pixels
  Box crop;              // the surroundings that are worked on with it
  int64_t first_column;  // of its leftmost pixel in row box.top, which no other segment has
};

/// The surroundings of a box in a picture of the given size: `factor` times its sides around its middle, moved inside
/// where the picture ends, and cut only where that does not do. Sides and the middle are fractions until the very end
/// and are then cut towards zero; so a start is cut before it is moved, and a box may stick out of its surroundings by
/// a pixel where the factor is little more than 1.
Box crop_region(const Box& box, double factor, int64_t height, int64_t width);

/// Finds the segments of a mask 0..1 (one channel): its 8-connected parts of values >= 1/255 that can be seen from
/// beyond its borders. What lies in another part's hole is none of its own. Kept are those wider and higher than
/// drop_size pixels; the one whose first pixel comes last in raster order comes first. NaN throws
/// std::invalid_argument. Memory: components.h.
///
///   . . . . . . .        two segments: b, then the ring a with all inside it, c too
///   . a a a a . .
///   . a . . a . b        box of a: columns 1..4, rows 1..4
///   . a . c a . b        first column of a: 1
///   . a a a a . .
std::vector<Segment> find_segments(ImageView<const float> mask, double crop_factor, int64_t drop_size);

/// What a segment's own mask shows.
enum class SegmentFill {
  kContour,  // 1 on the segment and all that it parts from the outside
  kSoft,     // the mask's values, held to 0..1, there
  kBox,      // 1 in its box
};

/// Draws the mask of a segment that find_segments found in `mask`; `out` has the size of segment.crop. Memory: some
/// 2 bytes for each pixel of its box.
void draw_segment(ImageView<const float> mask, const Segment& segment, SegmentFill fill, ImageView<float> out);

}  // namespace mattecore::kernels
