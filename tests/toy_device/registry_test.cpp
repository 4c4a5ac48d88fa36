// Kinds of devices that are added by name.
#include <gtest/gtest.h>

#include <string>

#include <adjoint/adjoint.h>

#include "toy_device.h"

namespace adjoint {
namespace {

template <class Error, class F> std::string error_of(F f) {
    try {
        f();
    } catch (const Error& error) {
        return error.what();
    }
    return "no such error";
}

Backend& no_device(int index) {
    throw DeviceError("none:" + std::to_string(index) + ": there is no such device");
}

void expect_part(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "' in: " << text;
}

TEST(DeviceKinds, AreParsedAndPrinted) {
    const Device toy = toy_device(), other = toy_device(1);
    EXPECT_EQ(Device::parse("toy"), toy);
    EXPECT_EQ(Device::parse("toy:0"), toy);
    EXPECT_EQ(Device::parse("toy:1"), other);
    EXPECT_EQ(to_string(toy), "toy:0");
    EXPECT_EQ(to_string(Device::parse("toy:12")), "toy:12");
    EXPECT_EQ(Device::parse("cpu"), Device::cpu());
    EXPECT_EQ(Device::parse("cuda:3"), Device::cuda(3));
    EXPECT_FALSE(toy.is_cpu());
    EXPECT_FALSE(toy.is_cuda());
    for (const char* text : {"", "to", "toys", "toy:", "toy:x", "toy:256", "toy:1000", "toy:-1", "cpu:0"})
        expect_part(error_of<ValueError>([&] { Device::parse(text); }),
                    "is not a device; use \"cpu\", \"cuda\", \"cuda:N\", \"toy\"");
}

TEST(DeviceKinds, DevicesOfAKindAreDistinct) {
    const Device first = toy_device(), second = toy_device(1);
    EXPECT_EQ(&backend(first), &backend(Device::parse("toy")));
    EXPECT_NE(&backend(first), &backend(second));
    const Tensor x = ones({2}, {.device = second});
    EXPECT_EQ(x.device(), second);
    EXPECT_EQ(x.to(first).to(second).to_vector<float>(), (std::vector<float>{1, 1}));
}

TEST(DeviceKinds, NumbersInPlaceGoToTheDevice) {
    const Tensor x = full({2}, 6, toy_device());
    x *= 0.5;
    x += 1.0;
    x -= 2.0;
    x /= 4.0;
    EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0.5, 0.5}));
}

TEST(DeviceKinds, OneMayBeTheDefault) {
    {
        const DefaultDevice guard(toy_device());
        EXPECT_EQ(zeros({2}).device(), toy_device());
        EXPECT_EQ(arange(3).device(), toy_device());
        EXPECT_EQ(nn::Linear(2, 3).weight.device(), toy_device());
        EXPECT_TRUE(Tensor(0.5).device().is_cpu());
        EXPECT_TRUE(zeros({2}, Device::cpu()).device().is_cpu());
        const nn::Sequential model(nn::Linear(3, 4), nn::BatchNorm1d(4), nn::ReLU(), nn::Linear(4, 2));
        optim::Adam optimizer(model.parameters());
        const data::Dataset set{.inputs = randn({8, 3}), .targets = randint(0, 2, {8})};
        const train::History history =
            train::fit(model, cross_entropy, optimizer, set,
                       {.verbose = false, .metrics = {{"right", train::accuracy}}});
        EXPECT_TRUE(history.last().metrics.contains("right"));
        EXPECT_EQ(triu(ones({2, 2}, Device::cpu())).to_vector<float>(), (std::vector<float>{1, 1, 0, 1}));
    }
    EXPECT_TRUE(zeros({2}).device().is_cpu());
}

TEST(DeviceKinds, AMissingDeviceIsNamed) {
    for (const int index : {2, 15, 16, 200})
        expect_part(error_of<DeviceError>([&] { zeros({2}, {.device = toy_device(index)}); }),
                    "toy:" + std::to_string(index) + ": there are toy:0 and toy:1");
    expect_part(error_of<DeviceError>([] { backend({static_cast<DeviceType>(200), 1}); }), "is not known");
    expect_part(error_of<DeviceError>([] { register_backend(toy_device(16), backend(toy_device())); }),
                "no room for toy:16");
    EXPECT_THROW(register_backend(Device::cpu(), cpu_backend()), DeviceError);
}

TEST(DeviceKinds, NamesAreTakenOnceAndRoomIsLimited) {
    toy_device();
    for (const char* name : {"cpu", "cuda", "toy"})
        expect_part(error_of<ValueError>([&] { register_device_kind(name, no_device); }),
                    std::string("there is a kind '") + name + "' already; known are cpu, cuda, toy");
    for (const char* name : {"", "two words", "a:1", "0x", "1"})
        expect_part(error_of<ValueError>([&] { register_device_kind(name, no_device); }), "is not a name");
    EXPECT_THROW(register_device_kind("nothing", nullptr), ValueError);

    static const char* const names[] = {"none_3", "none_4", "none_5", "none_6", "none_7"};
    for (const char* name : names) {
        const Device device{register_device_kind(name, no_device), 2};
        EXPECT_EQ(to_string(device), std::string(name) + ":2");
        EXPECT_EQ(error_of<DeviceError>([&] { backend(device); }), "none:2: there is no such device");
    }
    expect_part(error_of<ValueError>([] { register_device_kind("one_more", no_device); }),
                "no room for 'one_more', 8 kinds are the most; known are cpu, cuda, toy, none_3");
    expect_part(error_of<ValueError>([] { Device::parse("gpu"); }), "\"none_7\" or \"none_7:N\"");
}

}  // namespace
}  // namespace adjoint
