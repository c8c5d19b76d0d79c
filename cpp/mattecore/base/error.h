#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace mattecore {

/// Writes the parts one after another into a string, as an output stream prints them.
template <class... Parts>
std::string sentence(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Throws std::invalid_argument (Python: ValueError): the caller's mistake. The message is one sentence that gives
/// the value found and the one wanted.
template <class... Parts>
[[noreturn]] void throw_invalid(const Parts&... parts) {
  throw std::invalid_argument(sentence(parts...));
}

}  // namespace mattecore
