#include "mattecore/kernels/cpu/prefix_code.h"

#include <algorithm>
#include <vector>

namespace mattecore::kernels {
namespace {

constexpr size_t kLongestOfAll = 15;

struct Node {
  uint32_t count;
  uint16_t symbol;      ///< of a leaf
  uint16_t parent = 0;  ///< its place among the nodes
  uint8_t depth = 0;
};

/// Huffman's tree over leaves in the order of their counts. Joined nodes come out in that order too, so the two
/// smallest are always at the front of the leaves or at the front of what was joined; a parent lies behind its
/// children.
void build_tree(std::vector<Node>& nodes, size_t leaves) {
  nodes.resize(2 * leaves - 1);
  size_t leaf = 0, joined = leaves;
  for (size_t next = leaves; next < nodes.size(); ++next) {
    nodes[next].count = 0;
    for (int child = 0; child < 2; ++child) {
      const bool take_leaf = leaf < leaves && (joined == next || nodes[leaf].count <= nodes[joined].count);
      Node& smallest = nodes[take_leaf ? leaf++ : joined++];
      smallest.parent = static_cast<uint16_t>(next);
      nodes[next].count += smallest.count;
    }
  }
  nodes.back().depth = 0;
  for (size_t i = nodes.size() - 1; i-- > 0;) nodes[i].depth = static_cast<uint8_t>(nodes[nodes[i].parent].depth + 1);
}

uint16_t reversed(uint32_t code, int length) {
  uint32_t turned = 0;
  for (int bit = 0; bit < length; ++bit) turned |= (code >> bit & 1) << (length - 1 - bit);
  return static_cast<uint16_t>(turned);
}

}  // namespace

void huffman_lengths(std::span<const uint32_t> counts, int longest, std::span<uint8_t> lengths) {
  std::vector<Node> leaves;
  for (size_t s = 0; s < counts.size(); ++s)
    if (counts[s] > 0) leaves.push_back({counts[s], static_cast<uint16_t>(s)});
  for (size_t s = 0; leaves.size() < 2; ++s)
    if (counts[s] == 0) leaves.push_back({1, static_cast<uint16_t>(s)});
  std::ranges::stable_sort(leaves, {}, &Node::count);
  int deepest = longest + 1;
  while (deepest > longest) {
    std::vector<Node> nodes = leaves;
    build_tree(nodes, leaves.size());
    deepest = nodes.front().depth;
    std::ranges::fill(lengths, uint8_t{0});
    for (size_t i = 0; i < leaves.size(); ++i) lengths[nodes[i].symbol] = nodes[i].depth;
    // Too deep (rare): counts that differ less make a flatter tree, in the same order.
    for (Node& leaf : leaves) leaf.count = (leaf.count + 1) / 2;
  }
}

void assign_codes(std::span<const uint8_t> lengths, std::span<uint16_t> codes) {
  std::array<uint32_t, kLongestOfAll + 2> of_length{}, next{};
  for (const uint8_t length : lengths) ++of_length[length];
  of_length[0] = 0;
  for (size_t length = 1; length <= kLongestOfAll; ++length)
    next[length] = (next[length - 1] + of_length[length - 1]) << 1;
  for (size_t s = 0; s < lengths.size(); ++s)
    codes[s] = lengths[s] == 0 ? uint16_t{0} : reversed(next[lengths[s]]++, lengths[s]);
}

}  // namespace mattecore::kernels
