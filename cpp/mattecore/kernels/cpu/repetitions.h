#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mattecore::kernels {

/// So many bytes as they are, then `length` bytes that stood `distance` before (none where length is 0).
struct Repetition {
  uint32_t literals;
  uint16_t length;
  uint16_t distance;
};

/// Finds what deflate may say shortly: runs of bytes that stood within the last 32 KiB before. Places where the
/// same eight bytes begin are linked from the last one back; the last one is found by their hash.
class Repetitions {
 public:
  /// level: 1..9, see deflate.h. `bytes` must stay where they are.
  Repetitions(std::span<const uint8_t> bytes, int level);

  /// Goes on by about `wanted` bytes (a match may end later), puts what it found into `found`, and returns by how many.
  size_t next(size_t wanted, std::vector<Repetition>& found);

 private:
  struct Match {
    int32_t length = 0;
    int32_t distance = 0;
  };
  /// How hard to look: at how many places, until what length, and whether at the next byte too before a match is taken.
  /// After every `patience` bytes without one the steps become a byte longer, up to 1 + longest_jump.
  struct Search {
    int places;
    int32_t good_length;
    bool is_lazy;
    int32_t patience;
    int32_t longest_jump;
  };
  static Search search_of(int level);

  uint32_t hash_at(int32_t at) const;
  int32_t equal_bytes(int32_t at, int32_t earlier) const;
  Match longest(int32_t at, int32_t longer_than) const;
  void enter_until(int32_t end);

  std::span<const uint8_t> bytes_;
  Search search_;
  int32_t at_ = 0;
  int32_t entered_ = 0;     ///< places before this one are in the tables, or left out
  int32_t searchable_ = 0;  ///< places before this one have eight bytes
  std::vector<int32_t> last_;
  std::vector<int32_t> before_;
};

}  // namespace mattecore::kernels
