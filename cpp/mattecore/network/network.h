#pragma once

#include <ATen/core/Tensor.h>

#include <istream>
#include <memory>
#include <string>
#include <unordered_map>

namespace mattecore::network {

/// A loaded network: image [B,C,H,W] float32 -> map [B,1,H,W] float32. Any number of threads may run it.
class Network {
 public:
  using Weights = std::unordered_map<std::string, at::Tensor>;

  /// Loads a scripted network from a TorchScript archive. Its tensors are replaced by weights of the same names where
  /// there are such; an archive whose own tensors are only shapes needs all. dtype: what it computes in.
  static std::shared_ptr<Network> load(std::istream& archive, const Weights& weights, at::ScalarType dtype);

  virtual ~Network() = default;

  virtual at::Tensor forward(const at::Tensor& image) = 0;

  /// Bytes of the weights, and of the memory kept between runs.
  virtual size_t weight_bytes() const = 0;
  virtual size_t kept_bytes() const = 0;

  /// Gives the memory kept between runs back to the system.
  virtual void release() = 0;
};

}  // namespace mattecore::network
