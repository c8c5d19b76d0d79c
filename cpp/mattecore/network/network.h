#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <istream>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "mattecore/base/progress.h"
#include "mattecore/network/precision.h"

namespace mattecore::network {

/// How pictures go into a network: scaled to 0..1, minus mean, by std; resized to height x width, or of their own size
/// where these are 0; either a multiple of divisor.
struct Preparation {
  std::string family;  // isnet, birefnet or vitmatte
  std::vector<double> mean, std;
  int64_t height, width;
  int64_t divisor;
  bool bf16_suffices;  // for what auto promises (precision.h)
};

/// A loaded network: image [B,C,H,W] -> map [B,1,H,W]. Any number of threads may run it at once.
class Network {
 public:
  using Weights = std::unordered_map<std::string, at::Tensor>;

  /// Loads a scripted network, as python/mattecore/networks/loading.py writes it, from a TorchScript archive, to
  /// compute on device. Its tensors are replaced by the weights of the same names; an archive that holds shapes alone
  /// (device meta) needs all of them. Throws std::invalid_argument for what is no such archive, and where a tensor is
  /// missing.
  ///
  /// Peak memory: the converted weights plus the largest one; those given are read one by one and not kept.
  static std::shared_ptr<Network> load(std::istream& archive, const Weights& weights, c10::Device device,
                                       Precision precision);

  virtual ~Network() = default;

  /// Takes and gives float32, on any device. Reports each operator; throws Cancelled where progress says so.
  virtual at::Tensor forward(const at::Tensor& image, const Progress& progress = {}) = 0;

  virtual const Preparation& preparation() const = 0;
  virtual c10::Device device() const = 0;
  virtual Computation computation() const = 0;

  /// Bytes of the weights, and of the memory kept between runs.
  virtual size_t weight_bytes() const = 0;
  virtual size_t kept_bytes() const = 0;

  /// Gives the memory kept between runs back to the system.
  virtual void release() = 0;
};

}  // namespace mattecore::network
