#include "mattecore/network/network.h"

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/runtime/interpreter.h>
#include <torch/csrc/jit/serialization/import.h>

#include <atomic>
#include <unordered_set>

#include "mattecore/base/error.h"
#include "mattecore/network/arena.h"
#include "mattecore/network/lower.h"
#include "mattecore/network/operators/register.h"
#include "mattecore/network/steps.h"

namespace mattecore::network {
namespace {

using torch::jit::Module;

/// What is wrong stands last in the interpreter's errors, after a page of where.
std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

/// A network that TorchScript's interpreter runs. This file and lower are the only ones that know of TorchScript.
class ScriptedNetwork : public Network {
 public:
  ScriptedNetwork(const Module& module, Preparation preparation, c10::Device device, Computation computation)
      : preparation_(std::move(preparation)),
        device_(device),
        computation_(computation),
        source_(module._ivalue()->compilation_unit()),
        module_(device.is_cpu() ? lower(module, computation.arithmetic) : torch::jit::freeze_module(module)),
        code_(module_.get_method("forward").graph(), "the network") {}

  at::Tensor forward(const at::Tensor& image, const Progress& progress) override {
    const c10::InferenceMode inference;
    const Arena::Scope scope(arena_);
    Steps steps(progress, expected_steps_);
    const at::ScalarType dtype =
        device_.is_cpu() ? at::kFloat : computation_.dtype;  // lowered, it casts where it wants
    torch::jit::Stack stack{
        module_._ivalue(),
        image.to(at::TensorOptions(device_).dtype(dtype)).contiguous(at::MemoryFormat::ChannelsLast)};
    try {
      torch::jit::InterpreterState(code_).run(stack);
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const std::exception& error) {
      steps.rethrow();
      throw std::runtime_error("the network failed: " + last_line(error.what()));
    }
    expected_steps_ = steps.done();
    return stack.at(0).toTensor().to(at::TensorOptions(image.device()).dtype(at::kFloat)).contiguous();
  }

  const Preparation& preparation() const override { return preparation_; }
  c10::Device device() const override { return device_; }
  Computation computation() const override { return computation_; }

  size_t weight_bytes() const override {
    std::unordered_set<const void*> seen;
    size_t bytes = 0;
    for (const c10::IValue& constant : code_.constant_table())
      if (constant.isTensor() && seen.insert(constant.toTensor().storage().data()).second)
        bytes += constant.toTensor().storage().nbytes();
    return bytes;
  }

  size_t kept_bytes() const override { return arena_->bytes(); }
  void release() override { arena_->release(); }

 private:
  Preparation preparation_;
  c10::Device device_;
  Computation computation_;
  std::shared_ptr<torch::jit::CompilationUnit> source_;  // nodes point into it, and errors read there
  Module module_;
  torch::jit::Code code_;
  std::shared_ptr<Arena> arena_ = std::make_shared<Arena>();
  std::atomic<int64_t> expected_steps_ = 0;  // those of the run before
};

void assign(Module module, const std::string& prefix, const Network::Weights& weights) {
  for (const auto& child : module.named_children()) assign(child.value, prefix + child.name + ".", weights);
  for (const auto& [name, value] : module.named_attributes(/*recurse=*/false)) {
    if (!value.isTensor()) continue;
    const auto weight = weights.find(prefix + name);
    if (weight != weights.end()) {
      if (weight->second.sizes() != value.toTensor().sizes())
        throw_invalid("tensor ", prefix, name, " has shape ", weight->second.sizes(), ", not ",
                      value.toTensor().sizes());
      module.setattr(name, weight->second);
    } else if (value.toTensor().is_meta() && !name.ends_with("num_batches_tracked")) {
      throw_invalid("tensor ", prefix, name, " ", value.toTensor().sizes(), " is missing");
    }
  }
}

Preparation preparation_of(const Module& module) {
  const auto numbers = [&](const char* name) { return module.attr(name).toDoubleVector(); };
  const std::vector<int64_t> size = module.attr("size").toIntVector();
  return {module.attr("family").toStringRef(),
          numbers("mean"),
          numbers("std"),
          size.at(0),
          size.at(1),
          module.attr("divisor").toInt(),
          module.attr("bf16_suffices").toBool()};
}

}  // namespace

std::shared_ptr<Network> Network::load(std::istream& archive, const Weights& weights, c10::Device device,
                                       Precision precision) {
  register_operators();
  const c10::InferenceMode inference;
  Module module;
  std::optional<Preparation> preparation;
  try {
    module = torch::jit::load(archive);
    preparation = preparation_of(module);
  } catch (const std::exception& error) {
    const std::string what = error.what();
    throw_invalid("this is no TorchScript archive of one of our networks (", what.substr(0, what.find('\n')),
                  "); give one that mattecore weights export wrote");
  }
  module.eval();
  assign(module, "", weights);
  const Computation computes = network::computation(precision, device, preparation->bf16_suffices);
  if (!device.is_cpu()) module.to(device, computes.dtype);
  return std::make_shared<ScriptedNetwork>(module, *std::move(preparation), device, computes);
}

}  // namespace mattecore::network
