// Metrics against numbers computed by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <string_view>

#include <adjoint/adjoint.h>

namespace adjoint {
namespace {

using Numbers = std::vector<std::int64_t>;

// Six samples of three classes; predicted 0 1 2 0 1 0 for 0 1 2 1 1 2.
Tensor outputs() {
    return tensor(std::vector<float>{5, 1, 0,  //
                                     0, 9, 1,  //
                                     1, 2, 3,  //
                                     3, 2, 1,  //
                                     0, 4, 4,  // a tie: the first
                                     7, 5, 6},
                  {6, 3});
}
Tensor targets() { return tensor(Numbers{0, 1, 2, 1, 1, 2}, {6}); }

TEST(Metrics, AccuracyAndTopK) {
    EXPECT_DOUBLE_EQ(train::accuracy(outputs(), targets()), 4.0 / 6);
    EXPECT_DOUBLE_EQ(train::accuracy(tensor(Numbers{0, 1, 2, 0, 1, 0}, {6}), targets()), 4.0 / 6);
    EXPECT_DOUBLE_EQ(train::top_k_accuracy(outputs(), targets(), 1), 4.0 / 6);
    EXPECT_DOUBLE_EQ(train::top_k_accuracy(outputs(), targets(), 2), 1.0);
    EXPECT_DOUBLE_EQ(train::top_k_accuracy(full({1, 3}, 2.0), tensor(Numbers{2}, {1}), 2), 0.0)
        << "among equals the first count";
    EXPECT_DOUBLE_EQ(train::top_k_accuracy(full({1, 3}, NAN), tensor(Numbers{2}, {1}), 3), 0.0);
    EXPECT_THROW(train::top_k_accuracy(outputs(), targets(), 4), ValueError);
    EXPECT_THROW(train::top_k_accuracy(outputs(), targets(), 0), ValueError);
}

TEST(Metrics, ConfusionMatrixHasTargetsAsRows) {
    const Tensor matrix = train::confusion_matrix(outputs(), targets());
    EXPECT_EQ(matrix.shape(), (Shape{3, 3}));
    EXPECT_EQ(matrix.to_vector<std::int64_t>(), (Numbers{1, 0, 0,  //
                                                         1, 2, 0,  //
                                                         1, 0, 1}));
    EXPECT_EQ(train::confusion_matrix(tensor(Numbers{0, 3}, {2}), tensor(Numbers{1, 0}, {2})).shape(),
              (Shape{4, 4}));
}

TEST(Metrics, PrecisionRecallAndF1) {
    const train::Classification scores = train::classification(outputs(), targets());
    ASSERT_EQ(scores.classes.size(), 3u);
    EXPECT_DOUBLE_EQ(scores.classes[0].precision, 1.0 / 3);
    EXPECT_DOUBLE_EQ(scores.classes[0].recall, 1.0);
    EXPECT_DOUBLE_EQ(scores.classes[0].f1, 0.5);
    EXPECT_DOUBLE_EQ(scores.classes[1].precision, 1.0);
    EXPECT_DOUBLE_EQ(scores.classes[1].recall, 2.0 / 3);
    EXPECT_DOUBLE_EQ(scores.classes[1].f1, 0.8);
    EXPECT_DOUBLE_EQ(scores.classes[2].f1, 2.0 / 3);
    EXPECT_EQ(scores.classes[1].support, 3);
    EXPECT_DOUBLE_EQ(scores.macro.precision, (1.0 / 3 + 1 + 1) / 3);
    EXPECT_DOUBLE_EQ(scores.macro.recall, (1 + 2.0 / 3 + 0.5) / 3);
    EXPECT_DOUBLE_EQ(scores.macro.f1, (0.5 + 0.8 + 2.0 / 3) / 3);
    EXPECT_EQ(scores.macro.support, 6);
    EXPECT_DOUBLE_EQ(scores.accuracy, 4.0 / 6);
    // A class that is neither there nor predicted divides by nothing.
    const train::Classification one =
        train::classification(tensor(std::vector<float>{1, 0}, {1, 2}), tensor(Numbers{0}, {1}));
    EXPECT_EQ(one.classes[1].precision, 0);
    EXPECT_EQ(one.classes[1].recall, 0);
    EXPECT_EQ(one.classes[1].f1, 0);
}

TEST(Metrics, OfNumbers) {
    const Tensor y = tensor(std::vector<float>{1, 2, 5}, {3, 1}),
                 t = tensor(std::vector<float>{2, 2, 2}, {3, 1});
    EXPECT_DOUBLE_EQ(train::rmse(y, t), std::sqrt(10.0 / 3));
    EXPECT_DOUBLE_EQ(train::mae(y, t), 4.0 / 3);
    EXPECT_DOUBLE_EQ(train::r2(y, t), 0) << "constant targets, wrong outputs";
    EXPECT_DOUBLE_EQ(train::r2(t, t), 1);
    // Targets 1 2 5 have the mean 8/3 and the squares 25/9 + 4/9 + 49/9 = 26/3.
    EXPECT_NEAR(train::r2(t, y), 1 - 10 / (26.0 / 3), 1e-12);
    EXPECT_DOUBLE_EQ(train::r2(y, y), 1);
}

TEST(Metrics, RefuseWhatDoesNotFit) {
    EXPECT_THROW(train::accuracy(outputs(), tensor(Numbers{0, 1}, {2})), ShapeError);
    EXPECT_THROW(train::accuracy(outputs(), zeros({6})), DTypeError);
    EXPECT_THROW(train::accuracy(zeros({6}), targets()), DTypeError);
    EXPECT_THROW(train::accuracy(outputs(), tensor(Numbers{0, 1, 2, 1, 1, 3}, {6})), IndexError);
    EXPECT_THROW(train::confusion_matrix(outputs(), tensor(Numbers{0, 1, 2, 1, 1, -1}, {6})), IndexError);
    EXPECT_THROW(train::accuracy(zeros({0, 3}), zeros({0}, {.dtype = i64})), ShapeError);
    EXPECT_THROW(train::accuracy(zeros({2, 0}), zeros({2}, {.dtype = i64})), ShapeError);
    EXPECT_THROW(train::rmse(zeros({3}), zeros({3, 1})), ShapeError);
    EXPECT_THROW(train::mae(zeros({0}), zeros({0})), ShapeError);
    EXPECT_THROW(train::r2(zeros({2}), zeros({3})), ShapeError);
}

TEST(Predict, InBatchesInOrderAndInEvaluationMode) {
    manual_seed(4);
    const nn::Sequential model(nn::Linear(3, 4), nn::BatchNorm1d(4), nn::Dropout(0.5), nn::Linear(4, 2));
    const Tensor x = randn({23, 3});
    const Tensor y = train::predict(model, x, 5);
    EXPECT_TRUE(model.is_training());
    EXPECT_FALSE(y.requires_grad());
    model.eval();
    if (cpu_blas() == std::string_view("own"))
        EXPECT_EQ(y.to_vector<float>(), model(x).to_vector<float>());
    else  // which does not promise the bits of a larger product to a part of it
        EXPECT_TRUE(allclose(y, model(x)));
    const data::Dataset set{.inputs = full({4, 3}, 51.0).to(u8), .targets = zeros({4}), .scale = 1.0 / 51};
    EXPECT_EQ(train::predict(model, set).to_vector<float>(), model(ones({4, 3})).to_vector<float>());
    const nn::Sequential total([](const Tensor& input) { return sum(input); });
    EXPECT_THROW(train::predict(total, x), ShapeError);
}

}  // namespace
}  // namespace adjoint
