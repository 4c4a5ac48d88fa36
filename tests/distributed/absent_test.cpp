// Parameters that are on another rank: whoever reads, writes, copies or prints them hears of it.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>

#include "device/compare.h"
#include "distributed/faults.h"
#include "temporary_folder.h"

namespace adjoint::distributed {
namespace {

using device::expect_same_bits;

template <class F> std::string device_error_of(F f) {
    try {
        f();
    } catch (const DeviceError& error) {
        return error.what();
    }
    return "no error";
}

// A model of which each rank has one layer, behind a step.
void with_shared_out(const std::function<void(const nn::Sequential&, const DataParallel&)>& f) {
    run_quick(2, [&](const Group& group) {
        const nn::Sequential model = two_layers();
        optim::SGD optimizer(model.parameters(), {.lr = 0.1});
        const DataParallel parallel(model, group, {.shard = Shard::parameters});
        parallel.backward(sum(model(ones({1, 4}))));
        parallel.step(optimizer);
        f(model, parallel);
        parallel.gather_parameters();
    });
}

Tensor absent_weight(const nn::Sequential& model) {
    const Tensor first = model.parameters()[0];
    return first.device().is_cpu() ? model.parameters()[2] : first;
}

TEST(Absent, WhoReadsOrWritesHearsOfIt) {
    const TemporaryFolder folder;
    with_shared_out([&](const nn::Sequential& model, const DataParallel&) {
        const Tensor weight = absent_weight(model), x = ones({4, 4});
        ASSERT_FALSE(weight.device().is_cpu());
        EXPECT_EQ(weight.shape(), (Shape{4, 4}));
        const std::vector<std::pair<const char*, std::function<void()>>> uses = {
            {"to_vector", [&] { weight.to_vector<float>(); }},
            {"to_vector of another type", [&] { weight.to_vector<double>(); }},
            {"data", [&] { weight.data<float>(); }},
            {"mutable_data", [&] { weight.mutable_data<float>(); }},
            {"to_string", [&] { (void)weight.to_string(); }},
            {"an element", [&] { Tensor(weight(0, 0)).item(); }},
            {"clone", [&] { weight.detach().clone(); }},
            {"to a device", [&] { weight.to(Device::cpu()); }},
            {"to a type", [&] { weight.to(f64); }},
            {"of a view", [&] { t(weight.detach()).to_vector<float>(); }},
            {"sum", [&] { sum(weight); }},
            {"+", [&] { x + weight; }},
            {"matmul", [&] { matmul(x, weight); }},
            {"linear", [&] { linear(x, weight); }},
            {"where", [&] { where(x > 0, x, weight); }},
            {"index_select", [&] { index_select(weight, 0, tensor<std::int64_t>({0}, {1})); }},
            {"copy_", [&] { weight.detach().copy_(x); }},
            {"fill_", [&] { weight.detach().fill_(0); }},
            {"+=", [&] { weight.detach() += x; }},
            {"from it", [&] { x.copy_(weight.detach()); }},
            {"equal", [&] { equal(x, weight); }},
            {"save", [&] { model.save(folder / "weights"); }},
            {"load", [&] { model.load(two_layers().state()); }},
            {"Module::to", [&] { model.to(f64); }},
            {"nn::clone", [&] { nn::clone(model); }},
            {"zeros_like", [&] { zeros_like(weight); }},
            {"initialisation", [&] { nn::init::normal_(weight); }}};
        for (const auto& [name, use] : uses)
            EXPECT_NE(device_error_of(use).find("gather_parameters()"), std::string::npos)
                << name << ": " << device_error_of(use);
        EXPECT_FALSE(std::filesystem::exists(folder / "weights"));
        // What reads no values does as ever.
        model.zero_grad();
        EXPECT_EQ(model.state().size(), 4U);
        EXPECT_FALSE(to_string(model).empty());
    });
}

TEST(Absent, WhatIsGatheredIsRead) {
    with_shared_out([](const nn::Sequential& model, const DataParallel& parallel) {
        const Tensor weight = absent_weight(model);
        parallel.gather_parameters();
        const nn::Sequential alone = two_layers();
        optim::SGD optimizer(alone.parameters(), {.lr = 0.1});
        sum(alone(ones({1, 4}))).backward();
        optimizer.step();
        for (std::size_t i = 0; i < 4; ++i)
            expect_same_bits(alone.parameters()[i].detach(), model.parameters()[i].detach(), "parameter");
        EXPECT_TRUE(weight.device().is_cpu());
        parallel.release_parameters();
        EXPECT_FALSE(weight.device().is_cpu());
    });
}

// Of which the last handle of their DataParallel is gone.
TEST(Absent, WhatIsLostStaysAnError) {
    run_quick(2, [](const Group& group) {
        const nn::Sequential model = two_layers();
        {
            const DataParallel parallel(model, group, {.shard = Shard::parameters});
            parallel.backward(sum(model(ones({1, 4}))));
        }
        EXPECT_THROW(absent_weight(model).to_vector<float>(), DeviceError);
        EXPECT_THROW(model(ones({1, 4})), DeviceError);
    });
}

TEST(Absent, ItIsNoDeviceToBeAskedFor) {
    with_shared_out([](const nn::Sequential& model, const DataParallel&) {
        const std::string name = to_string(absent_weight(model).device());
        EXPECT_EQ(name, "another rank (gather_parameters() brings it here)");
        EXPECT_THROW(Device::parse(name), ValueError);
        std::string forms;
        try {
            Device::parse("nothing");
        } catch (const ValueError& error) {
            forms = error.what();
        }
        EXPECT_EQ(forms.find("another rank"), std::string::npos) << forms;
    });
}

// The states of an optimizer, and what compression has left over, also of what is not here.
TEST(Absent, StatesAreReadWhereParametersAreNot) {
    run_quick(2, [](const Group& group) {
        const nn::Sequential model = two_layers();
        optim::Adam optimizer(model.parameters());
        const DataParallel parallel(model, group, {.compress = true, .shard = Shard::parameters});
        for (int step = 0; step < 2; ++step) {
            model.zero_grad();
            parallel.backward(sum(square(model(ones({1, 4})))));
            parallel.step(optimizer);
        }
        const optim::NamedTensors states = parallel.state_of(optimizer), left = parallel.left_over();
        parallel.load_left_over(left);
        if (group.rank() == 0) {
            EXPECT_EQ(states.size(), 1U + 4 * 3);
            for (const auto& [name, tensor] : states) EXPECT_TRUE(tensor.device().is_cpu()) << name;
        }
        // A part that no gradient reaches has its place in the buckets, too.
        for (const Tensor& parameter : model.at<nn::Linear>(0).parameters())
            parameter.set_requires_grad(false);
        model.zero_grad();
        parallel.backward(sum(square(model(ones({1, 4})))));
        parallel.gather_parameters();
    });
}

TEST(Absent, CallbacksOfBatchesHearOfIt) {
    const std::string fault = fault_of(2, [](const Group& group) {
        const nn::Sequential model = two_layers();
        optim::SGD optimizer(model.parameters(), {.lr = 0.1});
        train::Callback look{.on_batch = [&](train::Run&) { (void)model.parameters()[0].to_string(); },
                             .on_epoch = [&](train::Run&) { (void)model.parameters()[0].to_string(); }};
        const data::Dataset set{.inputs = ones({8, 4}), .targets = zeros({8, 4})};
        train::fit(model, nn::MSELoss(), optimizer, set,
                   {.verbose = false,
                    .callbacks = {look},
                    .group = group,
                    .parallel = {.shard = Shard::parameters}});
    });
    expect_fault(fault, "in fit callbacks of epochs have all");
}

}  // namespace
}  // namespace adjoint::distributed
