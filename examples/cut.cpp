// Cuts the subject out of a picture, in C++ alone:
//
//   cut NETWORK.pt PICTURE RESULT.png
//
// NETWORK.pt is a network with its weights as one TorchScript file (mattecore.networks.loading.archive writes them), a
// BiRefNet or an IS-Net such as RMBG-1.4.

#include <cstdio>
#include <exception>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <stdexcept>

#include "mattecore/network/network.h"
#include "mattecore/network/precision.h"
#include "mattecore/pipeline/cut_out.h"
#include "mattecore/preprocess/eight_bit.h"
#include "mattecore/tensor/images.h"
#include "mattecore/tensor/parallel.h"

using namespace mattecore;

namespace {

/// The picture as uint8 [1,H,W,3], RGB.
at::Tensor read(const char* path) {
  cv::Mat picture = cv::imread(path, cv::IMREAD_COLOR);
  if (picture.empty()) throw std::runtime_error(std::string(path) + " is no picture that OpenCV reads");
  const at::Tensor image = tensor::empty({1, picture.rows, picture.cols, 3}, at::kByte);
  cv::cvtColor(picture, cv::Mat(picture.rows, picture.cols, CV_8UC3, image.data_ptr()), cv::COLOR_BGR2RGB);
  return image;
}

void write(const char* path, const at::Tensor& rgba) {
  const at::Tensor bytes = preprocess::to_u8(rgba);
  cv::Mat picture(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(2)), CV_8UC4, bytes.data_ptr());
  cv::cvtColor(picture, picture, cv::COLOR_RGBA2BGRA);
  if (!cv::imwrite(path, picture)) throw std::runtime_error(std::string(path) + " cannot be written");
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s NETWORK.pt PICTURE RESULT.png\n", argv[0]);
    return 2;
  }
  tensor::use_torch_threads();
  std::ifstream archive(argv[1], std::ios::binary);
  if (!archive) throw std::runtime_error(std::string(argv[1]) + " cannot be opened");
  const auto network = network::Network::load(archive, {}, at::kCPU, network::precision("", at::kCPU));
  const bool is_birefnet = network->preparation().family == "birefnet";
  const pipeline::GuidedFilterEdge edge{.detail_range = 3, .black_point = 0.01, .white_point = 0.99};
  const Progress progress([](double fraction) {
    std::fprintf(stderr, "\r%3.0f %%", 100 * fraction);
    return true;
  });
  const pipeline::CutOut cut = pipeline::cut_out(
      read(argv[2]), *network, pipeline::recipe(is_birefnet ? "birefnet_ultra" : "rmbg_ultra"), edge, progress);
  std::fputc('\n', stderr);
  write(argv[3], cut.rgba);
} catch (const std::exception& error) {
  std::fprintf(stderr, "cut: %s\n", error.what());
  return 1;
}
