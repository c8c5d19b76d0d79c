#include "mattecore/network/lower.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/freeze_module.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <map>
#include <optional>
#include <unordered_set>
#include <vector>

#include "mattecore/network/operators/conv2d.h"
#include "mattecore/network/operators/deform_conv2d.h"
#include "mattecore/network/operators/linear.h"

namespace mattecore::network {
namespace {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Symbol;
using torch::jit::toIValue;
using torch::jit::Value;

Symbol symbol(const char* name) { return Symbol::fromQualString(name); }

bool is(const Node* node, const char* kind) { return node->kind() == symbol(kind); }

bool is_tensor(const Value* value) { return value->type()->isSubtypeOf(*c10::TensorType::get()); }

std::optional<at::Tensor> constant_tensor(const Value* value) {
  const auto constant = toIValue(value);
  return constant.has_value() && constant->isTensor() ? std::optional(constant->toTensor()) : std::nullopt;
}

std::optional<c10::List<int64_t>> constant_ints(const Value* value) {
  const auto constant = toIValue(value);
  return constant.has_value() && constant->isIntList() ? std::optional(constant->toIntList()) : std::nullopt;
}

/// The only node that reads a value, or null.
Node* only_reader(const Value* value) { return value->uses().size() == 1 ? value->uses()[0].user : nullptr; }

void for_each_node(Block* block, const std::function<void(Node*)>& visit) {
  // The list changes under the visits, so it is copied first.
  const std::vector<Node*> nodes(block->nodes().begin(), block->nodes().end());
  for (Node* node : nodes) {
    for (Block* inner : node->blocks()) for_each_node(inner, visit);
    visit(node);
  }
}

/// What follows a product and goes into its node: it is computed while the sums are still in the cache.
struct Tail {
  Activation activation = Activation::none;
  Value* residual = nullptr;
  Node* last = nullptr;  // of the nodes taken in, the product's own included
};

std::optional<Activation> activation_of(const Node* node) {
  if (is(node, "aten::relu")) return Activation::relu;
  if (is(node, "aten::sigmoid")) return Activation::sigmoid;
  if (is(node, "aten::gelu") && toIValue(node->input(1))->toStringRef() == "none") return Activation::gelu;
  return std::nullopt;
}

bool adds_tensors(const Node* node) {
  return is(node, "aten::add") && node->inputs().size() == 3 && toIValue(node->input(2)) == 1 &&
         is_tensor(node->input(0)) && is_tensor(node->input(1));
}

Tail take_tail(Node* last) {
  Tail tail{.last = last};
  while (Node* next = only_reader(tail.last->output())) {
    if (next->owningBlock() != last->owningBlock()) break;
    if (const auto activation = activation_of(next); activation.has_value()) {
      if (tail.activation != Activation::none) break;
      tail.activation = *activation;
      tail.last = next;
      continue;
    }
    if (!adds_tensors(next)) break;
    tail.residual = next->input(0) == tail.last->output() ? next->input(1) : next->input(0);
    tail.last = next;
    break;
  }
  return tail;
}

/// Puts a node in the place of the last one it stands for; those before it have lost their only reader.
void replace(Graph& graph, const Tail& tail, const char* kind, const std::vector<Value*>& inputs) {
  Node* node = graph.create(symbol(kind), inputs);
  node->insertBefore(tail.last);
  node->output()->setType(c10::TensorType::get());
  tail.last->output()->replaceAllUsesWith(node->output());
}

/// Whether a map's last bits count: one of a single channel is the result, or becomes it by little more than
/// stretching, unless it scales another map.
bool is_result(const Value* value, int64_t channels) {
  const auto scales = [](const torch::jit::Use& use) { return is(use.user, "aten::mul"); };
  return channels == 1 && std::none_of(value->uses().begin(), value->uses().end(), scales);
}

/// Whether a map says where and how much a deformable convolution samples: bf16 would move its samples by up to 1/32
/// of their distance.
bool steers_samples(const Value* value) {
  const auto steers = [&](const torch::jit::Use& use) {
    if (is(use.user, "mattecore::deform_conv2d") || is(use.user, "mattecore::deform_conv2d_packed"))
      return use.offset == 1 || use.offset == 2;
    return is(use.user, "aten::mul") && steers_samples(use.user->output());
  };
  return std::any_of(value->uses().begin(), value->uses().end(), steers);
}

/// The normalisation that is a convolution's only reader, or null.
Node* norm_after(const Node* conv) {
  Node* next = only_reader(conv->output());
  return next != nullptr && is(next, "aten::batch_norm") && next->owningBlock() == conv->owningBlock() ? next : nullptr;
}

struct Folded {
  at::Tensor weight, bias;
};

/// A convolution's weights with those of the normalisation after it, if there is one.
Folded fold(const at::Tensor& weight, const std::optional<at::Tensor>& bias, const Node* norm) {
  at::Tensor kernel = weight.to(at::kFloat);
  at::Tensor shift = bias.has_value() ? bias->to(at::kFloat) : at::zeros({kernel.size(0)});
  if (norm == nullptr) return {kernel, shift.contiguous()};
  const auto statistic = [&](size_t input) { return constant_tensor(norm->input(input))->to(at::kFloat); };
  const at::Tensor scale = statistic(1) * at::rsqrt(statistic(4) + toIValue(norm->input(7))->toDouble());
  return {kernel * scale.view({-1, 1, 1, 1}), ((shift - statistic(3)) * scale + statistic(2)).contiguous()};
}

/// Weights that several nodes share, as those of a backbone that runs twice do, are packed once: by packing_key.
using PackedWeights = std::map<std::vector<intptr_t>, std::pair<at::Tensor, at::Tensor>>;

/// All that a packing depends on. The weights alone do not tell: equal tensors of a frozen graph are one.
std::vector<intptr_t> packing_key(Arithmetic arithmetic, std::vector<const Value*> tensors, const Node* norm,
                                  std::vector<intptr_t> numbers = {}) {
  numbers.push_back(static_cast<intptr_t>(arithmetic));
  if (norm != nullptr) {
    for (size_t statistic = 1; statistic <= 4; ++statistic) tensors.push_back(norm->input(statistic));
    numbers.push_back(std::bit_cast<intptr_t>(toIValue(norm->input(7))->toDouble()));  // added to the variance
  }
  for (const Value* value : tensors) {
    const auto tensor = constant_tensor(value);
    numbers.push_back(tensor.has_value() ? reinterpret_cast<intptr_t>(tensor->unsafeGetTensorImpl()) : 0);
  }
  return numbers;
}

template <class Pack>
const std::pair<at::Tensor, at::Tensor>& packed_once(PackedWeights& packed, const std::vector<intptr_t>& key,
                                                     Pack&& pack) {
  auto& entry = packed[key];
  if (!entry.first.defined()) entry = pack();
  return entry;
}

void lower_conv2d(Graph& graph, Node* conv, Arithmetic arithmetic, PackedWeights& packed) {
  const auto weight = constant_tensor(conv->input(1));
  const auto bias = constant_tensor(conv->input(2));
  const auto stride = constant_ints(conv->input(3)), padding = constant_ints(conv->input(4)),
             dilation = constant_ints(conv->input(5));
  const auto groups = toIValue(conv->input(6));
  const bool even = stride.has_value() && padding.has_value() && dilation.has_value() &&
                    stride->get(0) == stride->get(stride->size() - 1) &&
                    padding->get(0) == padding->get(padding->size() - 1) &&
                    dilation->get(0) == dilation->get(dilation->size() - 1);
  if (!weight.has_value() || !even || !groups.has_value() || groups->toInt() != 1) return;

  Node* norm = norm_after(conv);
  const auto& [weights, shift] = packed_once(
      packed, packing_key(arithmetic, {conv->input(1), conv->input(2)}, norm, {stride->get(0), dilation->get(0)}), [&] {
        Folded folded = fold(*weight, bias, norm);
        return std::pair(pack_conv2d(folded.weight, stride->get(0), dilation->get(0), arithmetic), folded.bias);
      });
  Node* last = norm == nullptr ? conv : norm;
  const Tail tail = take_tail(last);

  const torch::jit::WithInsertPoint before(tail.last);
  Value* none = graph.insertConstant(c10::IValue());
  Value* x = conv->input(0);
  Value* skip = none;
  if (Node* cat = x->node(); is(cat, "aten::cat") && x->uses().size() == 1) {
    Node* list = cat->input(0)->node();
    const bool pair = is(list, "prim::ListConstruct") && list->inputs().size() == 2;
    if (Node* enlarged = pair ? list->input(0)->node() : nullptr;
        enlarged != nullptr && is(enlarged, "mattecore::stretch") && list->input(0)->uses().size() == 1 &&
        enlarged->input(1) == list->input(1) && !toIValue(enlarged->input(2))->toBool()) {
      x = enlarged->input(0);
      skip = list->input(1);
    }
  }
  const bool wants_float = arithmetic == Arithmetic::bf16 &&
                           (is_result(tail.last->output(), weight->size(0)) || steers_samples(tail.last->output()));
  replace(graph, tail, "mattecore::conv2d",
          {x, skip, graph.insertConstant(weights), graph.insertConstant(shift),
           graph.insertConstant(std::vector<int64_t>{weight->size(2), weight->size(3)}),
           graph.insertConstant(stride->get(0)), graph.insertConstant(padding->get(0)),
           graph.insertConstant(dilation->get(0)), graph.insertConstant(static_cast<int64_t>(tail.activation)),
           tail.residual == nullptr ? none : tail.residual, graph.insertConstant(wants_float)});
}

void lower_linear(Graph& graph, Node* map, Arithmetic arithmetic, PackedWeights& packed) {
  const auto weight = constant_tensor(map->input(1));
  const auto bias = constant_tensor(map->input(2));
  if (!weight.has_value()) return;
  const Tail tail = take_tail(map);
  const torch::jit::WithInsertPoint before(tail.last);
  Value* none = graph.insertConstant(c10::IValue());
  std::vector<Value*> inputs{map->input(0), none, none, graph.insertConstant(0.0)};
  if (Node* norm = map->input(0)->node(); is(norm, "aten::layer_norm") && norm->output()->uses().size() == 1) {
    inputs = {norm->input(0), graph.insertConstant(constant_tensor(norm->input(2))->to(at::kFloat)),
              graph.insertConstant(constant_tensor(norm->input(3))->to(at::kFloat)), norm->input(4)};
  }
  const auto& [weights, shift] =
      packed_once(packed, packing_key(arithmetic, {map->input(1), map->input(2)}, nullptr), [&] {
        return std::pair(pack_linear(*weight, arithmetic),
                         bias.has_value() ? bias->to(at::kFloat).contiguous() : at::zeros({weight->size(0)}));
      });
  inputs.insert(inputs.end(), {graph.insertConstant(weights), graph.insertConstant(shift),
                               graph.insertConstant(static_cast<int64_t>(tail.activation)),
                               tail.residual == nullptr ? none : tail.residual});
  replace(graph, tail, "mattecore::linear", inputs);
}

void lower_deform_conv2d(Graph& graph, Node* conv, Arithmetic arithmetic, PackedWeights& packed) {
  const auto weight = constant_tensor(conv->input(3));
  if (!weight.has_value()) return;
  Node* norm = norm_after(conv);
  const auto& [weights, shift] = packed_once(packed, packing_key(arithmetic, {conv->input(3)}, norm), [&] {
    Folded folded = fold(*weight, std::nullopt, norm);
    return std::pair(pack_deform_conv2d(folded.weight, arithmetic), folded.bias);
  });
  Tail tail{.last = norm == nullptr ? conv : norm};
  if (Node* next = only_reader(tail.last->output()); next != nullptr && activation_of(next).has_value())
    tail = {.activation = *activation_of(next), .last = next};
  const torch::jit::WithInsertPoint before(tail.last);
  replace(graph, tail, "mattecore::deform_conv2d_packed",
          {conv->input(0), conv->input(1), conv->input(2), graph.insertConstant(weights), graph.insertConstant(shift),
           graph.insertConstant(std::vector<int64_t>{weight->size(2), weight->size(3)}), conv->input(4),
           graph.insertConstant(static_cast<int64_t>(tail.activation))});
}

/// Has what is left of torch's functions put what it gives into memory of the network's own (operators/maps.h).
void lower_rest(Graph& graph, Node* node) {
  const torch::jit::WithInsertPoint before(node);
  const auto becomes = [&](const char* kind, const std::vector<Value*>& inputs) {
    replace(graph, {.last = node}, kind, inputs);
  };
  if (is(node, "aten::cat")) {
    Node* list = node->input(0)->node();
    if (toIValue(node->input(1)) == 1 && is(list, "prim::ListConstruct") && list->inputs().size() > 1)
      becomes("mattecore::join", {node->input(0)});
  }
  if (is(node, "aten::reshape")) becomes("mattecore::reshape", {node->input(0), node->input(1)});
  if (is(node, "aten::layer_norm")) {
    const auto weight = constant_tensor(node->input(2)), bias = constant_tensor(node->input(3));
    if (weight.has_value() && bias.has_value() && weight->dim() == 1)
      becomes("mattecore::layer_norm", {node->input(0), graph.insertConstant(weight->to(at::kFloat)),
                                        graph.insertConstant(bias->to(at::kFloat)), node->input(4)});
  }
  if (adds_tensors(node)) becomes("mattecore::add", {node->input(0), node->input(1)});
  if (is(node, "aten::mul") && is_tensor(node->input(0)) && is_tensor(node->input(1)))
    becomes("mattecore::mul", {node->input(0), node->input(1)});
  if (is(node, "aten::relu")) becomes("mattecore::relu", {node->input(0)});
}

using FineNodes = std::unordered_set<const Node*>;

/// Whether a value is a map, or a list of maps.
bool holds_maps(const Value* value) {
  return is_tensor(value) || value->type()->isSubtypeOf(*c10::ListType::ofTensors());
}

/// Whether a node gives float32 where it reads that. An enlargement reads of its second input the size alone.
bool reads_fine(const Node* node, const std::unordered_set<const Value*>& fine) {
  const auto inputs = is(node, "mattecore::stretch") ? node->inputs().slice(0, 1) : node->inputs();
  return std::any_of(inputs.begin(), inputs.end(), [&](const Value* input) { return fine.contains(input); });
}

Value* cast_before(Graph& graph, Node* node, Value* value, at::ScalarType dtype) {
  const torch::jit::WithInsertPoint before(node);
  return graph.insert(symbol("mattecore::cast"), {value, dtype});
}

/// Puts casts in the place of the nodes fine and coarse (register.cpp), and returns those that compute between them.
/// What else reads the network's input, which is float32, reads it in bf16.
FineNodes cast_where_precision_changes(Graph& graph) {
  Value* image = graph.inputs().at(1);
  std::unordered_set<const Value*> fine;
  FineNodes found;
  Value* low = cast_before(graph, *graph.nodes().begin(), image, at::kBFloat16);
  image->replaceAllUsesAfterNodeWith(low->node(), low);
  for_each_node(graph.block(), [&](Node* node) {
    if (is(node, "mattecore::fine")) {
      Value* high = node->input() == low ? image : cast_before(graph, node, node->input(), at::kFloat);
      fine.insert(high);
      node->output()->replaceAllUsesWith(high);
    } else if (is(node, "mattecore::coarse")) {
      const bool is_fine = fine.contains(node->input());
      node->output()->replaceAllUsesWith(is_fine ? cast_before(graph, node, node->input(), at::kBFloat16)
                                                 : node->input());
    } else if (reads_fine(node, fine)) {
      found.insert(node);
      for (const Value* output : node->outputs())
        if (holds_maps(output)) fine.insert(output);
    }
  });
  return found;
}

/// Casts the tensors that other nodes read; those that products and normalisations add and scale by stay float32.
void cast_constant(Node* constant, at::ScalarType dtype, const FineNodes& fine) {
  const auto tensor = constant_tensor(constant->output());
  if (!tensor.has_value() || !tensor->is_floating_point() || tensor->scalar_type() == dtype) return;
  const auto takes_float = [&](const torch::jit::Use& use) {
    return fine.contains(use.user) || is(use.user, "aten::layer_norm") || is(use.user, "aten::batch_norm") ||
           is(use.user, "mattecore::conv2d") || is(use.user, "mattecore::linear") ||
           is(use.user, "mattecore::deform_conv2d_packed");
  };
  const auto& uses = constant->output()->uses();
  if (std::none_of(uses.begin(), uses.end(), takes_float)) constant->t_(torch::jit::attr::value, tensor->to(dtype));
}

}  // namespace

torch::jit::Module lower(const torch::jit::Module& module, Arithmetic arithmetic) {
  torch::jit::Module frozen = torch::jit::freeze_module(module);
  const std::shared_ptr<Graph> graph = frozen.get_method("forward").graph();
  const bool bf16 = arithmetic == Arithmetic::bf16;
  const FineNodes fine = bf16 ? cast_where_precision_changes(*graph) : FineNodes();
  const Arithmetic finer = has_matrix_unit() ? Arithmetic::split : Arithmetic::float32;
  PackedWeights packed;
  for_each_node(graph->block(), [&](Node* node) {
    const Arithmetic own = fine.contains(node) ? finer : arithmetic;
    if (is(node, "aten::conv2d")) lower_conv2d(*graph, node, own, packed);
    if (is(node, "aten::linear")) lower_linear(*graph, node, own, packed);
    if (is(node, "mattecore::deform_conv2d")) lower_deform_conv2d(*graph, node, own, packed);
    if (is(node, "mattecore::fine") || is(node, "mattecore::coarse")) node->output()->replaceAllUsesWith(node->input());
  });
  torch::jit::EliminateDeadCode(graph);
  for_each_node(graph->block(), [&](Node* node) {
    if (node->kind() == torch::jit::prim::Constant) cast_constant(node, bf16 ? at::kBFloat16 : at::kFloat, fine);
  });
  for_each_node(graph->block(), [&](Node* node) { lower_rest(*graph, node); });
  torch::jit::EliminateDeadCode(graph);
  return frozen;
}

}  // namespace mattecore::network
