#include "mattecore/kernels/cpu/repetitions.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mattecore::kernels {
namespace {

constexpr int32_t kWindow = 32768;
constexpr int32_t kLongest = 258;
constexpr int kHashBits = 15;

/// A match takes some 16 bits and more the farther it is, a byte of a filtered photograph 4: taking matches from 4
/// bytes on, as deflate could, made photographs 4 % longer, and looking for them five times as slow.
constexpr int32_t kShortest = 8;

uint64_t load(const uint8_t* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

}  // namespace

Repetitions::Search Repetitions::search_of(int level) {
  constexpr Search kSearches[] = {
      {1, 32, false, 32, 15},  {2, 32, false, 64, 7},    {4, 64, false, 64, 7},
      {4, 64, true, 64, 7},    {8, 128, true, 128, 3},   {16, 128, true, 128, 0},
      {64, 258, true, 128, 0}, {256, 258, true, 128, 0}, {1024, 258, true, 128, 0},
  };
  return kSearches[level - 1];
}

Repetitions::Repetitions(std::span<const uint8_t> bytes, int level)
    : bytes_(bytes),
      search_(search_of(level)),
      searchable_(std::max(0, static_cast<int32_t>(bytes.size()) - kShortest + 1)),
      last_(size_t{1} << kHashBits, -1),
      before_(kWindow) {}

uint32_t Repetitions::hash_at(int32_t at) const {
  static_assert(kShortest == sizeof(uint64_t));
  return static_cast<uint32_t>(load(bytes_.data() + at) * 0x9e3779b97f4a7c15u >> (64 - kHashBits));
}

int32_t Repetitions::equal_bytes(int32_t at, int32_t earlier) const {
  const auto longest = std::min<int32_t>(kLongest, static_cast<int32_t>(bytes_.size()) - at);
  const uint8_t* const a = bytes_.data() + at;
  const uint8_t* const b = bytes_.data() + earlier;
  int32_t count = 0;
  for (; count + 8 <= longest; count += 8)
    if (const uint64_t difference = load(a + count) ^ load(b + count)) return count + std::countr_zero(difference) / 8;
  while (count < longest && a[count] == b[count]) ++count;
  return count;
}

Repetitions::Match Repetitions::longest(int32_t at, int32_t longer_than) const {
  Match best{longer_than, 0};
  const auto left = static_cast<int32_t>(bytes_.size()) - at;
  const uint64_t word = load(bytes_.data() + at);
  int32_t earlier = last_[hash_at(at)];
  for (int places = search_.places; places > 0 && earlier >= 0 && at - earlier < kWindow && best.length < left;
       --places, earlier = before_[static_cast<size_t>(earlier % kWindow)]) {
    // Where only hashes agree, which in a photograph is nearly always: one byte would agree too often to be foreseen.
    if (load(bytes_.data() + earlier) != word) continue;
    if (bytes_[static_cast<size_t>(earlier + best.length)] != bytes_[static_cast<size_t>(at + best.length)]) continue;
    const int32_t length = equal_bytes(at, earlier);
    if (length <= best.length) continue;
    best = {length, at - earlier};
    if (length >= search_.good_length) break;
  }
  return best.distance > 0 ? best : Match{};
}

void Repetitions::enter_until(int32_t end) {
  for (end = std::min(end, searchable_); entered_ < end; ++entered_) {
    int32_t& last = last_[hash_at(entered_)];
    before_[static_cast<size_t>(entered_ % kWindow)] = last;
    last = entered_;
  }
}

size_t Repetitions::next(size_t wanted, std::vector<Repetition>& found) {
  found.clear();
  const auto size = static_cast<int32_t>(bytes_.size());
  const int32_t begin = at_;
  const int32_t end = begin + static_cast<int32_t>(std::min<size_t>(wanted, static_cast<size_t>(size - begin)));
  int32_t literals_begin = begin;
  while (at_ < end && at_ < searchable_) {
    Match match = longest(at_, kShortest - 1);
    entered_ = std::max(entered_, at_);  // what was jumped over stays out
    enter_until(at_ + 1);
    if (match.length == 0) {
      const int32_t jump = std::min((at_ - literals_begin) / search_.patience, search_.longest_jump);
      at_ = std::min(at_ + 1 + jump, end);
      continue;
    }
    while (search_.is_lazy && match.length < search_.good_length && at_ + 1 < searchable_) {
      const Match later = longest(at_ + 1, match.length);
      if (later.length == 0) break;
      match = later;
      enter_until(++at_ + 1);
    }
    found.push_back({static_cast<uint32_t>(at_ - literals_begin), static_cast<uint16_t>(match.length),
                     static_cast<uint16_t>(match.distance)});
    at_ += match.length;
    // A run of so short a period has no other eight bytes than those at its end; a cut-out's background is all runs.
    if (match.distance <= kShortest) entered_ = std::max(entered_, at_ - kShortest);
    enter_until(at_);
    literals_begin = at_;
  }
  at_ = std::max(at_, end);  // the last bytes are too few to look for
  if (at_ > literals_begin) found.push_back({static_cast<uint32_t>(at_ - literals_begin), 0, 0});
  return static_cast<size_t>(at_ - begin);
}

}  // namespace mattecore::kernels
