#include "mattecore/solver/conjugate_gradient.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <stdexcept>
#include <vector>

namespace mattecore::solver {
namespace {

constexpr int kCount = 40;

class ConjugateGradient : public testing::Test {
 protected:
  ConjugateGradient() {
    const Eigen::MatrixXd half = Eigen::MatrixXd::NullaryExpr(kCount, kCount, [](Eigen::Index r, Eigen::Index c) {
      return static_cast<double>((r * 31 + c * 17 + r * c) % 13) / 13;
    });
    matrix_ = half * half.transpose() + Eigen::MatrixXd::Identity(kCount, kCount);
    right_side_ = Eigen::VectorXd::LinSpaced(kCount, -1, 2);
  }

  Eigen::VectorXd solve(const Eigen::VectorXd& right_side, int max_iterations = 200) {
    Eigen::VectorXd b = right_side, x(kCount);
    conjugate_gradient(
        kCount, b.data(), x.data(), {1e-10, max_iterations},
        [&](const double* p, double* out) {
          Eigen::VectorXd::Map(out, kCount) = matrix_ * Eigen::VectorXd::Map(p, kCount);
        },
        [&](const double* r, double* out) {
          Eigen::VectorXd::Map(out, kCount) = Eigen::VectorXd::Map(r, kCount).cwiseQuotient(matrix_.diagonal());
        },
        [&](int iteration, double residual) {
          EXPECT_EQ(iteration, static_cast<int>(residuals_.size()) + 1);
          residuals_.push_back(residual);
        });
    return x;
  }

  Eigen::MatrixXd matrix_;
  Eigen::VectorXd right_side_;
  std::vector<double> residuals_;
};

TEST_F(ConjugateGradient, SolvesAndReports) {
  const Eigen::VectorXd x = solve(right_side_);
  EXPECT_LT((matrix_ * x - right_side_).norm(), 1e-9 * right_side_.norm());
  EXPECT_LT(residuals_.back(), 1e-10);
}

TEST_F(ConjugateGradient, ZeroGivesZero) {
  EXPECT_EQ(solve(Eigen::VectorXd::Zero(kCount)).norm(), 0);
  EXPECT_TRUE(residuals_.empty());
}

TEST_F(ConjugateGradient, ThrowsWithoutConvergence) { EXPECT_THROW(solve(right_side_, 2), std::runtime_error); }

TEST(Dot, SumsEveryLength) {
  for (int64_t count : {0, 1, 7, 8, 8191, 8192, 8193, 40000}) {
    const std::vector<float> a(static_cast<size_t>(count), 0.5f), b(static_cast<size_t>(count), 2.0f);
    EXPECT_EQ(dot(a.data(), b.data(), count), static_cast<double>(count));
  }
}

}  // namespace
}  // namespace mattecore::solver
