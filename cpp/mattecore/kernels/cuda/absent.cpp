// What the GPU's functions are in a build without CUDA: there all the same, and they say how to get them.
#include <stdexcept>
#include <string>

#include "mattecore/kernels/attention.h"
#include "mattecore/kernels/cuda/devices.h"
#include "mattecore/kernels/deform_columns.h"
#include "mattecore/kernels/eight_bit.h"
#include "mattecore/kernels/rgba.h"

namespace mattecore::kernels::cuda {
namespace {

[[noreturn]] void throw_absent(const char* function) {
  throw std::runtime_error(std::string(function) + " cannot run on the GPU: " MATTECORE_CUDA_REASON);
}

}  // namespace

std::vector<std::string> devices() { return {}; }

template <class T>
void to_u8(ImageView<const T>, ImageView<uint8_t>, void*) {
  throw_absent("to_u8");
}
template void to_u8(ImageView<const float>, ImageView<uint8_t>, void*);
template void to_u8(ImageView<const double>, ImageView<uint8_t>, void*);
template void to_u8(ImageView<const Half>, ImageView<uint8_t>, void*);
template void to_u8(ImageView<const BFloat16>, ImageView<uint8_t>, void*);

void from_u8(ImageView<const uint8_t>, ImageView<float>, void*) { throw_absent("from_u8"); }

template <class T>
void assemble_rgba(ImageView<const T>, ImageView<const uint8_t>, ImageView<float>, void*) {
  throw_absent("assemble_rgba");
}
template void assemble_rgba(ImageView<const float>, ImageView<const uint8_t>, ImageView<float>, void*);
template void assemble_rgba(ImageView<const double>, ImageView<const uint8_t>, ImageView<float>, void*);
template void assemble_rgba(ImageView<const Half>, ImageView<const uint8_t>, ImageView<float>, void*);
template void assemble_rgba(ImageView<const BFloat16>, ImageView<const uint8_t>, ImageView<float>, void*);
template void assemble_rgba(ImageView<const uint8_t>, ImageView<const uint8_t>, ImageView<float>, void*);

template <class T, class Shift>
void deform_columns(ChannelView<const T>, ChannelView<const Shift>, ChannelView<const Shift>, int64_t, int64_t, int64_t,
                    int64_t, T*, void*) {
  throw_absent("deform_conv2d");
}
#define MATTECORE_DEFORM_COLUMNS(T, Shift)                                                                        \
  template void deform_columns(ChannelView<const T>, ChannelView<const Shift>, ChannelView<const Shift>, int64_t, \
                               int64_t, int64_t, int64_t, T*, void*)
MATTECORE_DEFORM_COLUMNS(float, float);
MATTECORE_DEFORM_COLUMNS(Half, Half);
MATTECORE_DEFORM_COLUMNS(Half, float);
MATTECORE_DEFORM_COLUMNS(BFloat16, BFloat16);
MATTECORE_DEFORM_COLUMNS(BFloat16, float);

template <class T>
void attention_decomposed_relpos(const TokenMaps<T>&, const Windows&, const T*, const T*, T*, void*) {
  throw_absent("attention_decomposed_relpos");
}
template <class T>
void window_attention(const TokenMaps<T>&, const Windows&, const T*, T*, void*) {
  throw_absent("window_attention");
}
#define MATTECORE_ATTENTIONS(T)                                                                                  \
  template void attention_decomposed_relpos(const TokenMaps<T>&, const Windows&, const T*, const T*, T*, void*); \
  template void window_attention(const TokenMaps<T>&, const Windows&, const T*, T*, void*)
MATTECORE_ATTENTIONS(float);
MATTECORE_ATTENTIONS(Half);
MATTECORE_ATTENTIONS(BFloat16);

}  // namespace mattecore::kernels::cuda
