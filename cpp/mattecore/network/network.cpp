#include "mattecore/network/network.h"

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/runtime/interpreter.h>
#include <torch/csrc/jit/serialization/import.h>

#include "mattecore/base/error.h"
#include "mattecore/network/arena.h"
#include "mattecore/network/lower.h"
#include "mattecore/network/operators/register.h"

namespace mattecore::network {
namespace {

/// A network that TorchScript's interpreter runs: the only file, with lower, that knows of TorchScript.
class ScriptedNetwork : public Network {
 public:
  ScriptedNetwork(const torch::jit::Module& module, at::ScalarType dtype)
      : dtype_(dtype), source_(module._ivalue()->compilation_unit()), lowered_(lower(module, dtype)), code_(lowered_.get_method("forward").graph(), "network") {}

  at::Tensor forward(const at::Tensor& image) override {
    const c10::InferenceMode inference;
    const Arena::Scope scope(arena_);
    torch::jit::Stack stack{lowered_._ivalue(), image.to(dtype_).contiguous(at::MemoryFormat::ChannelsLast)};
    torch::jit::InterpreterState(code_).run(stack);
    return stack.at(0).toTensor().to(at::kFloat).contiguous();
  }

  size_t weight_bytes() const override { return 0; }
  size_t kept_bytes() const override { return arena_->bytes(); }
  void release() override { arena_->release(); }

 private:
  at::ScalarType dtype_;
  std::shared_ptr<torch::jit::CompilationUnit> source_;  // nodes point into it, and errors read there
  torch::jit::Module lowered_;
  torch::jit::Code code_;
  std::shared_ptr<Arena> arena_ = std::make_shared<Arena>();
};

void assign(torch::jit::Module module, const std::string& prefix, const Network::Weights& weights) {
  for (const auto& item : module.named_children()) assign(item.value, prefix + item.name + ".", weights);
  std::vector<std::pair<std::string, at::Tensor>> found;
  for (const auto& item : module.named_attributes(/*recurse=*/false))
    if (const auto weight = weights.find(prefix + item.name); weight != weights.end() && item.value.isTensor())
      found.emplace_back(item.name, weight->second);
  for (const auto& [name, tensor] : found) module.setattr(name, tensor);
}

}  // namespace

std::shared_ptr<Network> Network::load(std::istream& archive, const Weights& weights, at::ScalarType dtype) {
  register_operators();
  const c10::InferenceMode inference;
  torch::jit::Module module = torch::jit::load(archive);
  module.eval();
  assign(module, "", weights);
  return std::make_shared<ScriptedNetwork>(module, dtype);
}

}  // namespace mattecore::network
