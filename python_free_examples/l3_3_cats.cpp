// Lecture L3.3: cat or not, 209 training and 50 test images of 64 x 64 x 3: logistic regression, then a net
// of two layers.
#include <adjoint/adjoint.h>
#include <hdf5.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

// One data set of an HDF5 file. What HDF5 opens is closed again by its own function.
template <DType Type> Tensor read_hdf5(const std::string& path, const char* name) {
    struct Handle {
        hid_t id;
        herr_t (*close)(hid_t);
        ~Handle() {
            if (id >= 0) close(id);
        }
    };
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors are reported here
    const auto opened = [&](hid_t id) {
        if (id < 0)
            throw std::runtime_error(text_of("%s: not an HDF5 file with a data set %s", path.c_str(), name));
        return id;
    };
    const Handle file{opened(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)), H5Fclose};
    const Handle set{opened(H5Dopen2(file.id, name, H5P_DEFAULT)), H5Dclose};
    const Handle space{opened(H5Dget_space(set.id)), H5Sclose};
    const int rank = H5Sget_simple_extent_ndims(space.id);
    if (rank < 1 || rank > 8) throw std::runtime_error(text_of("%s: %s is no array", path.c_str(), name));
    std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
    H5Sget_simple_extent_dims(space.id, sizes.data(), nullptr);
    Shape shape;
    for (const hsize_t size : sizes) shape.insert(shape.size(), static_cast<std::int64_t>(size));
    Tensor values = empty(shape, {.dtype = Type});
    const bool bytes = Type == DType::u8;
    void* memory = bytes ? static_cast<void*>(values.mutable_data<std::uint8_t>())
                         : static_cast<void*>(values.mutable_data<std::int64_t>());
    if (H5Dread(set.id, bytes ? H5T_NATIVE_UINT8 : H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, memory) <
        0)
        throw std::runtime_error(text_of("%s: %s cannot be read", path.c_str(), name));
    return values;
}

struct Pictures {
    Tensor images, x, y;  // u8 (N, 64, 64, 3); f32 (N, 12288) from 0 to 1; f32 (N, 1), 1 for a cat

    static Pictures read(const LectureOptions& options, const std::string& part) {
        const std::string path = options.data_file("cats", part + "_catvnoncat.h5", "cats");
        const Tensor images = read_hdf5<DType::u8>(path, (part + "_set_x").c_str());
        const Tensor labels = read_hdf5<DType::i64>(path, (part + "_set_y").c_str());
        return {images, flatten(images, 1).to(f32) / 255.0, unsqueeze(labels.to(f32), 1)};
    }
};

double accuracy(const nn::Sequential& net, const Pictures& set) {
    const NoGrad guard;
    return mean(eq(gt(net(set.x), 0), gt(set.y, 0.5)).to(f32)).item();
}

// Plain gradient descent on all images at once; the costs on the way.
picture::Values descend(const nn::Sequential& net, const Pictures& set, double rate, int steps) {
    optim::SGD optimizer(net.parameters(), {.lr = rate});
    picture::Values costs;
    for (int step = 0; step < steps; ++step) {
        optimizer.zero_grad();
        const Tensor cost = binary_cross_entropy_with_logits(net(set.x), set.y);
        costs.push_back(cost.item());
        cost.backward();
        optimizer.step();
    }
    return costs;
}

void save_predictions(const LectureOptions& options, const nn::Sequential& net, const Pictures& test) {
    const NoGrad guard;
    const std::vector<double> p = sigmoid(net(test.x)).to_vector<double>(), cat = test.y.to_vector<double>();
    std::vector<std::string> captions;
    std::vector<bool> wrong;
    for (std::size_t i = 0; i < 6; ++i) {
        captions.push_back(tr(p[i] > 0.5 ? "cat " : "no cat ") +
                           picture::label(std::round(100 * p[i]) / 100));
        wrong.push_back((p[i] > 0.5) != (cat[i] > 0.5));
    }
    picture::save_text(
        options.picture("l3_3_predictions.svg"),
        picture::image_sheet(narrow(test.images, 0, 0, 6), {.title = tr("Probability of a cat (red: wrong)"),
                                                            .columns = 3,
                                                            .size = 96,
                                                            .captions = captions,
                                                            .marked = wrong})
            .str());
}

void lecture(const LectureOptions& options) {
    const Pictures training = Pictures::read(options, "train"), test = Pictures::read(options, "test");
    say("%d training and %d test images\n", static_cast<int>(training.x.size(0)),
        static_cast<int>(test.x.size(0)));
    const int part = options.quick ? 3 : 1;
    manual_seed(options.seed);

    const nn::Linear only(12288, 1);  // begins with zeros, as a logistic regression may
    nn::init::zeros_(only.weight);
    nn::init::zeros_(only.bias);
    const nn::Sequential logistic(only);
    const picture::Values one = descend(logistic, training, 0.005, 2000 / part);
    say("logistic regression: cost %.3f -> %.3f, accuracy training %.3f, test %.3f\n", one.front(),
        one.back(), accuracy(logistic, training), accuracy(logistic, test));

    const nn::Linear hidden(12288, 7), output(7, 1);
    for (const nn::Linear& layer : {hidden, output}) {
        nn::init::normal_(layer.weight, 0, 1 / std::sqrt(static_cast<double>(layer.weight.size(1))));
        nn::init::zeros_(layer.bias);
    }
    const nn::Sequential net(hidden, nn::ReLU(), output);
    const picture::Values two = descend(net, training, 0.0075, 2500 / part);
    say("net of two layers:   cost %.3f -> %.3f, accuracy training %.3f, test %.3f\n", two.front(),
        two.back(), accuracy(net, training), accuracy(net, test));
    picture::Chart(
        {.title = tr("Cat or not: cost"), .x = {.label = tr("step")}, .y = {.label = tr("cross entropy")}})
        .curve(tr("logistic regression"), one)
        .curve(tr("net of two layers"), two)
        .save(options.picture("l3_3_costs.svg"));
    save_predictions(options, net, test);
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Cat or not: logistic regression and a net of two layers.", lecture,
                       {.time = "a minute",
                        .files = "l3_3_costs.svg, l3_3_predictions.svg",
                        .data = "train_catvnoncat.h5, test_catvnoncat.h5"});
}
