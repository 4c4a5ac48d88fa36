// Lecture L2.5: the manifold hypothesis. Random pixels are noise: digits lie on a thin sheet
// among all images.
//
// An autoencoder learns the sheet: what its code of 16 numbers can say lies on it, and how far an image is
// from what the code keeps of it is how far it is from the sheet. On the straight way between two digits
// pixels leave the sheet; the straight way between their codes stays near it.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Autoencoder : nn::Module {
    const nn::Sequential encoder =
        child("encoder", nn::Sequential(nn::Linear(784, 256), nn::ReLU(), nn::Linear(256, 64), nn::ReLU(),
                                        nn::Linear(64, 16)));
    const nn::Sequential decoder =
        child("decoder", nn::Sequential(nn::Linear(16, 64), nn::ReLU(), nn::Linear(64, 256), nn::ReLU(),
                                        nn::Linear(256, 784)));

    Tensor decode(const Tensor& code) const { return sigmoid(decoder(code)); }
    Tensor operator()(const Tensor& x) const { return decoder(encoder(x)); }
};

// Of each image, the share of its contrast that the code does not keep: 0 on the sheet, 1 where
// it knows nothing.
Tensor share_lost(const Autoencoder& model, const Tensor& x) {
    const Tensor lost = sum(square(x - model.decode(model.encoder(x))), 1);
    return sqrt(lost / sum(square(x - mean(x, 1, true)), 1));
}

// Of each image, the root mean square of its difference from the nearest of many real ones.
Tensor from_nearest(const Tensor& x, const Tensor& real) {
    const Tensor products = matmul(x, t(real));
    const Tensor squares = sum(square(x), 1, true) - 2 * products + sum(square(real), 1);
    return sqrt(amin(squares, 1) / 784);
}

picture::Svg sheet(const Tensor& images, const char* title, int columns,
                   const std::vector<std::string>& rows) {
    return picture::image_sheet(round(reshape(clamp(images, 0, 1), {-1, 28, 28}) * 255).to(u8),
                                {.title = title, .columns = columns, .size = 40, .row_names = rows});
}

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    const data::Dataset training = data::images(mnist.train).part(0, options.quick ? 4000 : 60000);
    manual_seed(options.seed);
    const Autoencoder model;
    const int epochs = options.quick ? 4 : 10;
    optim::Adam optimizer(model.parameters(), {.lr = 0.002});
    optim::CosineAnnealingLR schedule(optimizer, epochs);
    train_autoencoder(model, optimizer, training, epochs, options.seed, &schedule);

    const NoGrad guard;
    const auto pixels = [](const Tensor& images) { return flatten(images, 1).to(f32) / 255.0; };
    const Tensor real = pixels(narrow(mnist.train.images, 0, 0, options.quick ? 4000 : 20000));
    const Tensor digits = pixels(narrow(mnist.test.images, 0, 0, 400)), noise = rand({200, 784});
    // The same pixels in another order are no digit either.
    const Tensor shuffled = index_select(narrow(digits, 0, 0, 200), 1, randperm(784));
    const Tensor from = narrow(digits, 0, 0, 200), to = narrow(digits, 0, 200, 200);
    const Tensor in_pixels = (from + to) / 2,
                 in_code = model.decode((model.encoder(from) + model.encoder(to)) / 2);

    say("medians of 200 images            lost by the code  from the nearest of %d digits\n",
        static_cast<int>(real.size(0)));
    const std::pair<const char*, Tensor> rows[] = {{"digits never seen", from},
                                                   {"random pixels", noise},
                                                   {"shuffled pixels", shuffled},
                                                   {"half way between, in pixels", in_pixels},
                                                   {"half way between, in the code", in_code}};
    for (const auto& [name, images] : rows)
        std::printf("%s %16.3f  %10.3f\n", padded(tr(name), 32).c_str(),
                    median_of(share_lost(model, images).to_vector<double>()),
                    median_of(from_nearest(images, real).to_vector<double>()));

    const Tensor rows_of_ten =
        cat({narrow(noise, 0, 0, 10), narrow(shuffled, 0, 0, 10), narrow(from, 0, 0, 10)});
    picture::save_text(options.picture("l2_5_sheet.svg"),
                       sheet(rows_of_ten, tr("Noise beside the sheet, and digits on it"), 10,
                             {tr("random pixels"), tr("shuffled pixels"), tr("digits")})
                           .str());
    std::vector<Tensor> walk;
    std::vector<std::string> names;
    for (const std::int64_t pair : {0, 1, 3}) {
        const Tensor a = narrow(from, 0, pair, 1), b = narrow(to, 0, pair, 1),
                     share = unsqueeze(linspace(0, 1, 9), 1);
        walk.push_back(a + share * (b - a));
        names.insert(names.end(), {tr("pixels"), tr("code")});
        walk.push_back(model.decode(model.encoder(a) + share * (model.encoder(b) - model.encoder(a))));
    }
    picture::save_text(options.picture("l2_5_walk.svg"),
                       sheet(cat(walk), tr("Three walks, in pixels and in the code"), 9, names).str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv, "Digits lie on a thin sheet among all images; walks on it and beside it.", lecture,
        {.time = "less than a minute", .files = "l2_5_sheet.svg, l2_5_walk.svg", .images = true});
}
