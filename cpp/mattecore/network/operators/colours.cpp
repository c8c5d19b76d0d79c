#include "mattecore/network/operators/colours.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "mattecore/base/error.h"
#include "mattecore/base/image_view.h"
#include "mattecore/kernels/components.h"
#include "mattecore/network/operators/resample.h"
#include "mattecore/network/steps.h"

namespace mattecore::network {
namespace {

// These were chosen on drawn scenes and photographs: training/README.md. None needs to be exact: half of it or
// twice as much does nearly as well.
constexpr int kRounds = 8;
constexpr float kStep = 0.08f;   // between the lattice's nodes
constexpr float kRare = 1e-4f;   // a frequency that is as good as none
constexpr float kClosed = 1.5f;  // said of what closes a hole: with a weight of 3, from half to 0.99

// Grey in 0..1, and red against green and yellow against blue in -1..1.
constexpr int kGreys = static_cast<int>(1 / kStep) + 2, kHues = static_cast<int>(2 / kStep) + 2;
constexpr int64_t kPixelsAtLeast = 1 << 14;  // for a thread to be worth its call
constexpr int kNodes = kGreys * kHues * kHues;

/// v, or the nearest end; what is not a number is the first.
float within(float v, float least, float most) { return v > least ? std::min(v, most) : least; }

float sigmoid(float v) { return 1.0f / (1.0f + std::exp(-v)); }

/// A pixel's place on the lattice: the first of the eight nodes around it, and how far it is on towards the last.
struct Place {
  int first;
  std::array<float, 3> share;

  explicit Place(float r, float g, float b) {
    const std::array<float, 3> colour = {(r + g + b) / 3, r - g + 1, (r + g) / 2 - b + 1};
    std::array<int, 3> node;
    for (int axis = 0; axis < 3; ++axis) {
      const float at = colour[axis] / kStep;
      node[axis] = std::min(static_cast<int>(at), (axis == 0 ? kGreys : kHues) - 2);
      share[axis] = at - static_cast<float>(node[axis]);
    }
    first = (node[0] * kHues + node[1]) * kHues + node[2];
  }

  /// Calls visit(node, share) for the eight.
  template <class Visit>
  void around(const Visit& visit) const {
    for (int grey = 0; grey < 2; ++grey)
      for (int red = 0; red < 2; ++red)
        for (int yellow = 0; yellow < 2; ++yellow)
          visit(
              first + (grey * kHues + red) * kHues + yellow,
              (grey ? share[0] : 1 - share[0]) * (red ? share[1] : 1 - share[1]) * (yellow ? share[2] : 1 - share[2]));
  }
};

/// A picture's half: where its pixels are on the lattice, their alpha, and what their colours say of it.
class Half {
 public:
  Half(const float* logits, const float* picture, int64_t height, int64_t width, float weight)
      : weight_(weight), full_height_(height), full_width_(width), height_((height + 1) / 2), width_((width + 1) / 2) {
    places_.reserve(height_ * width_);
    for (int64_t y = 0; y < height_; ++y)
      for (int64_t x = 0; x < width_; ++x) {
        const auto mean = [&](const auto& value) { return mean_of(y, x, value); };
        const auto channel = [&](int64_t c) {
          return mean([&](int64_t at) { return within(picture[c * height * width + at], 0, 1); });
        };
        places_.emplace_back(channel(0), channel(1), channel(2));
        const float alpha = within(mean([&](int64_t at) { return sigmoid(logits[at]); }), 1e-6f, 1 - 1e-6f);
        logits_.push_back(std::log(alpha / (1 - alpha)));
      }
    all_ = counted([](size_t) { return 1.0f; });
  }

  /// What each pixel's colour says of its alpha, as a logit.
  std::vector<float> said() const {
    std::vector<float> said(places_.size(), 0.0f);
    for (int round = 0; round < kRounds; ++round) {
      const std::vector<float> inside = counted([&](size_t p) { return alpha(p, said[p]); });
      const std::vector<float> ratios = log_ratios(inside);
      for (size_t p = 0; p < places_.size(); ++p) {
        said[p] = 0;
        places_[p].around([&](int node, float share) { said[p] += share * ratios[node]; });
      }
    }
    close_holes(said);
    return said;
  }

  int64_t height() const { return height_; }
  int64_t width() const { return width_; }

 private:
  float alpha(size_t p, float said) const { return sigmoid(logits_[p] + weight_ * said); }

  template <class Value>
  float mean_of(int64_t y, int64_t x, const Value& value) const {
    float sum = 0, count = 0;
    for (int64_t row = 2 * y; row < std::min(2 * y + 2, full_height_); ++row)
      for (int64_t column = 2 * x; column < std::min(2 * x + 2, full_width_); ++column, ++count)
        sum += value(row * full_width_ + column);
    return sum / count;
  }

  template <class Weight>
  std::vector<float> counted(const Weight& weight) const {
    std::vector<float> counts(kNodes, 0.0f);
    for (size_t p = 0; p < places_.size(); ++p) {
      const float own = weight(p);
      places_[p].around([&](int node, float share) { counts[node] += own * share; });
    }
    return counts;
  }

  std::vector<float> log_ratios(const std::vector<float>& inside) const {
    // Sums of what is rounded, and not the pixels without it, which may be less than nothing.
    std::vector<float> outside(kNodes);
    double in = 1e-6, out = 1e-6;
    for (int node = 0; node < kNodes; ++node) {
      outside[node] = std::max(all_[node] - inside[node], 0.0f);
      in += inside[node];
      out += outside[node];
    }
    const auto of_inside = static_cast<float>(1 / in), of_outside = static_cast<float>(1 / out);
    std::vector<float> ratios(kNodes, 0.0f);
    for (int node = 0; node < kNodes; ++node)
      if (all_[node] > 0)
        ratios[node] = std::log((inside[node] * of_inside + kRare) / (outside[node] * of_outside + kRare));
    return ratios;
  }

  /// A hole that the network took for subject was cut by the colours alone, as of coffee before a table like it.
  void close_holes(std::vector<float>& said) const {
    std::vector<float> found(places_.size());
    for (size_t p = 0; p < found.size(); ++p) found[p] = alpha(p, said[p]);
    const auto [runs, components] =
        kernels::background_components(ImageView<const float>(found.data(), height_, width_), 0.5f);
    std::vector<double> by_network(components.size());
    for (const kernels::Run& run : runs)
      for (int64_t x = run.begin; x < run.end; ++x) by_network[run.component] += alpha(run.row * width_ + x, 0);
    for (const kernels::Run& run : runs) {
      const kernels::Component& hole = components[run.component];
      const bool open = hole.top == 0 || hole.left == 0 || hole.bottom == height_ || hole.right == width_;
      if (open || by_network[run.component] <= 0.5 * static_cast<double>(hole.area)) continue;
      float* const row = said.data() + run.row * width_;
      for (int64_t x = run.begin; x < run.end; ++x) row[x] = std::max(row[x], kClosed);
    }
  }

  float weight_;
  int64_t full_height_, full_width_, height_, width_;
  std::vector<Place> places_;
  std::vector<float> logits_, all_;
};

}  // namespace

at::Tensor by_colours(const at::Tensor& logits, const at::Tensor& picture, const at::Tensor& weight) {
  step();
  if (logits.dim() != 4 || picture.dim() != 4 || logits.size(1) != 1 || picture.size(1) != 3 || logits.numel() == 0 ||
      logits.size(0) != picture.size(0) || logits.sizes().slice(2) != picture.sizes().slice(2))
    throw_invalid("logits and picture have the shapes ", logits.sizes(), " and ", picture.sizes(),
                  "; wanted [B,1,H,W] and [B,3,H,W]");
  if (weight.numel() != 1) throw_invalid("weight has the shape ", weight.sizes(), "; wanted one number");
  const auto count = weight.item<float>();
  const auto plain = [](const at::Tensor& t) { return t.to(at::kCPU, at::kFloat).contiguous(); };
  const at::Tensor doubts = plain(logits), colours = plain(picture);
  const int64_t batch = logits.size(0), pixels = logits.size(2) * logits.size(3);
  at::Tensor said = at::empty({batch, 1, (logits.size(2) + 1) / 2, (logits.size(3) + 1) / 2}, at::kFloat);
  at::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const Half half(doubts.const_data_ptr<float>() + b * pixels, colours.const_data_ptr<float>() + b * 3 * pixels,
                      logits.size(2), logits.size(3), count);
      std::ranges::copy(half.said(), said.mutable_data_ptr<float>() + b * half.height() * half.width());
    }
  });
  const at::Tensor whole = stretch(said, doubts, /*align_corners=*/false).contiguous();
  at::Tensor alpha = at::empty(logits.sizes(), at::kFloat);
  const float *own = doubts.const_data_ptr<float>(), *more = whole.const_data_ptr<float>();
  float* to = alpha.mutable_data_ptr<float>();
  at::parallel_for(0, batch * pixels, kPixelsAtLeast, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) to[p] = sigmoid(own[p] + count * more[p]);
  });
  return alpha.to(logits.device());
}

}  // namespace mattecore::network
