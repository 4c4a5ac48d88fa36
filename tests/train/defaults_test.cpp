// What creation functions make where nobody says, and the short ways of saying it.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include <adjoint/adjoint.h>

namespace {

TEST(Defaults, AreTheTypeOfFloatingNumbers) {
    using namespace adjoint;  // as a program has it
    {
        const DefaultDType guard(f64);
        EXPECT_EQ(default_dtype(), f64);
        for (const Tensor& x :
             {zeros({2}), ones({2}), empty({2}), full({2}, 3), rand({2}), randn({2}), eye(2),
              linspace(0, 1, 3), arange(0, 2, 0.5), tensor({1, 2}), tensor({{1, 2}, {3, 4}})})
            EXPECT_EQ(x.dtype(), f64);
        EXPECT_EQ(zeros({2}, {.requires_grad = true}).dtype(), f64);
        EXPECT_EQ(nn::Linear(2, 3).weight.dtype(), f64);
        EXPECT_EQ(nn::BatchNorm1d(2).running_var.dtype(), f64);
        EXPECT_EQ(nn::LSTM(2, 3).parameters()[0].dtype(), f64);
        EXPECT_EQ(nn::Embedding(2, 3).weight.dtype(), f64);
        DType elsewhere = f32;
        std::thread([&] { elsewhere = zeros({1}).dtype(); }).join();
        EXPECT_EQ(elsewhere, f64) << "the default is the process's";
        // What has a type by itself keeps it.
        EXPECT_EQ(arange(3).dtype(), i64);
        EXPECT_EQ(randint(0, 3, {2}).dtype(), i64);
        EXPECT_EQ(randperm(3).dtype(), i64);
        EXPECT_EQ(tensor(std::vector<float>{1}, {1}).dtype(), f32);
        EXPECT_EQ(Tensor(0.5F).dtype(), f32);
        EXPECT_EQ(zeros({2}, {.dtype = f16}).dtype(), f16);
        EXPECT_EQ(zeros_like(arange(3)).dtype(), i64);
        // A training of f64 from end to end.
        const nn::Sequential model(nn::Linear(3, 4), nn::BatchNorm1d(4), nn::ReLU(), nn::Linear(4, 2));
        optim::Adam optimizer(model.parameters());
        const data::Dataset set{.inputs = randn({8, 3}), .targets = randint(0, 2, {8})};
        train::fit(model, cross_entropy, optimizer, set, {.verbose = false, .clip_norm = 1});
        EXPECT_EQ(model(set.inputs).dtype(), f64);
    }
    EXPECT_EQ(zeros({2}).dtype(), f32);
    EXPECT_THROW(set_default_dtype(i64), DTypeError);
    EXPECT_EQ(default_dtype(), f32);
}

TEST(Defaults, ADeviceHasToBeThere) {
    using namespace adjoint;  // as a program has it
    EXPECT_EQ(default_device(), Device::cpu());
    EXPECT_THROW(set_default_device(Device::cuda(15)), DeviceError);
    EXPECT_EQ(default_device(), Device::cpu());
}

TEST(Defaults, ATypeOrADeviceAlone) {
    using namespace adjoint;  // as a program has it
    const Device cpu = Device::cpu();
    EXPECT_EQ(zeros({2, 3}, f64).dtype(), f64);
    EXPECT_EQ(zeros({2, 3}, cpu).dtype(), f32);
    EXPECT_EQ(zeros({2, 3}, f64, cpu).shape(), (Shape{2, 3}));
    EXPECT_EQ(ones({2}, cpu, i32).dtype(), i32);
    EXPECT_EQ(ones({2}, i32).to_vector<int>(), (std::vector<int>{1, 1}));
    EXPECT_EQ(empty({2}, u8).dtype(), u8);
    EXPECT_EQ(full({2}, 7, i64).to_vector<std::int64_t>(), (std::vector<std::int64_t>{7, 7}));
    EXPECT_EQ(eye(2, f64).shape(), (Shape{2, 2}));
    EXPECT_EQ(eye(2, 3, f64).shape(), (Shape{2, 3}));
    EXPECT_EQ(arange(0, 3, 1, f64).dtype(), f64);
    EXPECT_EQ(arange(3, f32).dtype(), f32);
    EXPECT_EQ(arange(3, cpu).dtype(), i64);
    EXPECT_EQ(linspace(0, 1, 2, f64).dtype(), f64);
    EXPECT_EQ(tensor({1, 2}, f64).dtype(), f64);
    EXPECT_EQ(tensor({{1, 2}, {3, 4}}, i32).dtype(), i32);
    EXPECT_EQ(tensor(std::vector<float>{1}, {1}, f64).dtype(), f64);
    EXPECT_EQ(tensor(std::vector<float>{1}, {1}, cpu).dtype(), f32);
    EXPECT_EQ(rand({2}, f64).dtype(), f64);
    EXPECT_EQ(randn({2}, f64, cpu).dtype(), f64);
    EXPECT_EQ(randint(0, 2, {2}, i32).dtype(), i32);
    EXPECT_EQ(randint(0, 2, {2}, cpu).dtype(), i64);
    EXPECT_EQ(randperm(2, i32).dtype(), i32);
}

TEST(Defaults, StddevIsStd) {
    using namespace adjoint;  // as a program has it
    const Tensor x = tensor({1, 2, 3, 6});
    EXPECT_TRUE(equal(stddev(x), adjoint::std(x)));
    EXPECT_EQ(stddev(ones({3, 2}), {0}, true).shape(), (Shape{1, 2}));
}

}  // namespace
