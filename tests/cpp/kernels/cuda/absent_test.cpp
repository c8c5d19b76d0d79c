// Linked with kernels/cuda/absent.cpp, compiled for a reason of this test's own.
#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "mattecore/kernels/attention.h"
#include "mattecore/kernels/cuda/devices.h"
#include "mattecore/kernels/deform_columns.h"
#include "mattecore/kernels/eight_bit.h"
#include "mattecore/kernels/rgba.h"

namespace mattecore::kernels {
namespace {

void expect_reason(const char* function, auto call) {
  try {
    call();
    ADD_FAILURE() << function << " did not throw";
  } catch (const std::runtime_error& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find(function), std::string::npos) << what;
    EXPECT_NE(what.find("the reason and what to do about it"), std::string::npos) << what;
  }
}

TEST(CudaAbsent, HasNoDevices) { EXPECT_TRUE(cuda::devices().empty()); }

template <class T>
class CudaAbsentTest : public ::testing::Test {};
using Types = ::testing::Types<float, double, Half, BFloat16>;
TYPED_TEST_SUITE(CudaAbsentTest, Types);

TYPED_TEST(CudaAbsentTest, FunctionsSayHowToGetThem) {
  using T = TypeParam;
  expect_reason("to_u8", [] { cuda::to_u8<T>(ImageView<const T>(), ImageView<uint8_t>(), nullptr); });
  expect_reason("assemble_rgba", [] {
    cuda::assemble_rgba<T>(ImageView<const T>(), ImageView<const uint8_t>(), ImageView<float>(), nullptr);
  });
}

TEST(CudaAbsent, FunctionsOfBytesSayHowToGetThem) {
  expect_reason("from_u8", [] { cuda::from_u8(ImageView<const uint8_t>(), ImageView<float>(), nullptr); });
  expect_reason("assemble_rgba", [] {
    cuda::assemble_rgba<uint8_t>(ImageView<const uint8_t>(), ImageView<const uint8_t>(), ImageView<float>(), nullptr);
  });
}

TEST(CudaAbsent, DeformColumnsSaysHowToGetIt) {
  expect_reason("deform_conv2d", [] {
    cuda::deform_columns<Half, float>(ChannelView<const Half>(), ChannelView<const float>(), ChannelView<const float>(),
                                      1, 0, 0, 0, nullptr, nullptr);
  });
}

TEST(CudaAbsent, AttentionsSayHowToGetThem) {
  expect_reason("attention_decomposed_relpos", [] {
    cuda::attention_decomposed_relpos<Half>(TokenMaps<Half>(), Windows(), nullptr, nullptr, nullptr, nullptr);
  });
  expect_reason("window_attention",
                [] { cuda::window_attention<float>(TokenMaps<float>(), Windows(), nullptr, nullptr, nullptr); });
}

}  // namespace
}  // namespace mattecore::kernels
