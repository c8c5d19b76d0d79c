#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <variant>

#include "mattecore/base/progress.h"
#include "mattecore/network/network.h"

namespace mattecore::pipeline {

/// Closed-form matting (LayerStyle's mask_edge_detail): the mask blurred by 5 detail_range + 1 pixels (one more where
/// that is even), cut at the points, and its middle solved for.
struct ClosedFormEdge {
  int64_t detail_range;
  double black_point, white_point;
};

/// The guided filter (LayerStyle's guided_filter_alpha), in boxes that reach detail_range + 1 pixels (one more where
/// that is even), stretched between the points.
struct GuidedFilterEdge {
  int64_t detail_range;
  double black_point, white_point;
};

/// VITMatte on a trimap of the mask, stretched between the points. A picture of more than max_megapixels * 2^20 pixels
/// is shrunk for it, and its alpha enlarged.
struct VitmatteEdge {
  std::shared_ptr<network::Network> network;
  int64_t erode_size, dilate_size;
  double black_point, white_point;
  double max_megapixels;
};

/// How the edge of a mask is refined; std::monostate: not at all.
using Edge = std::variant<std::monostate, ClosedFormEdge, GuidedFilterEdge, VitmatteEdge>;

/// Refines the edge of an 8-bit mask [1,H,W] of the 8-bit picture rgb [1,H,W,3]; filters see `guide`, the same picture
/// in float32, finite. Nothing comes back where closed-form matting finds no certain foreground or no certain
/// background to go by.
///
/// Peak memory: 17 bytes a pixel, and what the method's own contract says.
std::optional<at::Tensor> refine_edge(const at::Tensor& rgb, const at::Tensor& guide, const at::Tensor& mask,
                                      const Edge& edge, const Progress& progress);

}  // namespace mattecore::pipeline
