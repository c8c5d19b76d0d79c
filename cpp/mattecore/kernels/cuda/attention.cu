#include "mattecore/kernels/attention.h"
#include "mattecore/kernels/cuda/attention_block.h"
#include "mattecore/kernels/cuda/launch.h"

namespace mattecore::kernels::cuda {
namespace {

struct AllThreadsAtOnce {
  template <class Step>
  __host__ __device__ void operator()(const Step& step) const {
#if defined(__CUDA_ARCH__)
    step(static_cast<int>(threadIdx.x));
    __syncthreads();
#endif
  }
};

template <int kSize, class T, class Bias>
__global__ void __launch_bounds__(kThreads) attention_kernel(AttentionBlocks<T, Bias> blocks) {
  __shared__ Tiles<T, kSize> tiles;
  blocks.attend(blockIdx.x, tiles, AllThreadsAtOnce{});
}

template <class T, class Bias>
void attend(const TokenMaps<T>& maps, const Windows& windows, const Bias& bias, T* out, void* stream) {
  const AttentionBlocks<T, Bias> blocks(maps, windows, bias, out);
  const auto kernel = maps.size <= 32 ? attention_kernel<32, T, Bias> : attention_kernel<kLargestHead, T, Bias>;
  launch_blocks(blocks.count(), kThreads, stream, kernel, blocks);
}

}  // namespace

template <class T>
void attention_decomposed_relpos(const TokenMaps<T>& maps, const Windows& windows, const T* table_h, const T* table_w,
                                 T* out, void* stream) {
  attend(maps, windows, RelposBias<T>{table_h, table_w, static_cast<int>(maps.size)}, out, stream);
}

template <class T>
void window_attention(const TokenMaps<T>& maps, const Windows& windows, const T* bias, T* out, void* stream) {
  attend(maps, windows, TableBias<T>{bias, windows.rows.window}, out, stream);
}

#define MATTECORE_ATTENTIONS(T)                                                                                  \
  template void attention_decomposed_relpos(const TokenMaps<T>&, const Windows&, const T*, const T*, T*, void*); \
  template void window_attention(const TokenMaps<T>&, const Windows&, const T*, T*, void*)
MATTECORE_ATTENTIONS(float);
MATTECORE_ATTENTIONS(Half);
MATTECORE_ATTENTIONS(BFloat16);

}  // namespace mattecore::kernels::cuda
