// Lecture L2.4: images of the data set, one of each class, as a picture and in the terminal.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

void print(const Tensor& image) {
    const std::vector<int> pixels = image.to_vector<int>();
    for (std::size_t row = 0; row < 28; row += 2) {  // characters are twice as high as wide
        for (std::size_t column = 0; column < 28; ++column)
            std::putchar(
                " .:-=+*#%@"[(pixels[row * 28 + column] + pixels[(row + 1) * 28 + column]) * 9 / 510]);
        std::putchar('\n');
    }
}

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    const std::vector<int> labels = mnist.train.labels.to_vector<int>();
    std::vector<Tensor> examples;
    std::vector<std::string> captions;
    for (int digit = 0; digit < 10; ++digit) {
        const auto found = std::find(labels.begin(), labels.end(), digit);
        if (found == labels.end()) continue;
        const std::int64_t at = found - labels.begin();
        examples.push_back(select(mnist.train.images, 0, at));
        captions.push_back(mnist.classes[static_cast<std::size_t>(digit)]);
        say("class %d, %s, is first seen at image %d\n", digit, captions.back().c_str(),
            static_cast<int>(at));
    }
    print(examples.front());
    picture::save_png(options.picture("l2_4_digit.png"), examples.front());
    picture::save_text(
        options.picture("l2_4_digits.svg"),
        picture::image_sheet(stack(examples), {.title = mnist.name, .columns = 5, .captions = captions})
            .str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "One image of each class, as a picture and in the terminal.", lecture,
                       {.time = "a second",
                        .files = "l2_4_digit.png, l2_4_digits.svg",
                        .images = true,
                        .quick = false,
                        .seed = false});
}
