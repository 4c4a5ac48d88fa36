// Fourier transforms as products with their matrices, windows, and the weights of the mel scale.
#include <algorithm>
#include <cmath>
#include <numbers>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

constexpr double pi = std::numbers::pi;
// Of the matrix of a transform.
constexpr std::int64_t most_weights = std::int64_t{1} << 26;

/// x (.., n, 1 or 2) of real or complex numbers; the last but one axis is transformed to `bins` of `length`.
Tensor transformed(const Tensor& x, std::int64_t length, std::int64_t bins, bool inverse) {
    const std::int64_t n = x.size(-2);
    check<ShapeError>(x.size(-1) == 1 || x.size(-1) == 2, "{} does not end in real or complex numbers",
                      x.shape());
    (void)bounded({n, bins}, most_weights);
    std::vector<double> cosines, sines;
    for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t k = 0; k < bins; ++k) {
            const double angle = 2 * pi * static_cast<double>(i * k % length) / static_cast<double>(length);
            const double scale = inverse ? 1 / static_cast<double>(length) : 1;
            cosines.push_back(std::cos(angle) * scale);
            sines.push_back((inverse ? 1 : -1) * std::sin(angle) * scale);
        }
    const Options options{.dtype = x.dtype(), .device = x.device()};
    const Tensor cosine = tensor(cosines, {n, bins}, options), sine = tensor(sines, {n, bins}, options);
    const Tensor real = select(x, -1, 0);
    Tensor y_real = matmul(real, cosine), y_imaginary = matmul(real, sine);
    if (x.size(-1) == 2) {
        const Tensor imaginary = select(x, -1, 1);
        y_real = y_real - matmul(imaginary, sine);
        y_imaginary = y_imaginary + matmul(imaginary, cosine);
    }
    return stack({y_real, y_imaginary}, -1);
}

/// The `length` real numbers whose transform begins with x, (.., bins, 2): the other bins are its conjugates.
Tensor real_inverse(const Tensor& x, std::int64_t length) {
    const std::int64_t n = std::min(x.size(-2), length / 2 + 1);
    (void)bounded({n, length}, most_weights);
    std::vector<double> cosines, sines;
    for (std::int64_t k = 0; k < n; ++k)
        for (std::int64_t t = 0; t < length; ++t) {
            const double angle = 2 * pi * static_cast<double>(t * k % length) / static_cast<double>(length);
            const double scale = (k == 0 || 2 * k == length ? 1.0 : 2.0) / static_cast<double>(length);
            cosines.push_back(std::cos(angle) * scale);
            sines.push_back(std::sin(angle) * scale);
        }
    const Options options{.dtype = x.dtype(), .device = x.device()};
    const Tensor bins = narrow(x, -2, 0, n);
    const Tensor y = matmul(select(bins, -1, 0), tensor(cosines, {n, length}, options)) -
                     matmul(select(bins, -1, 1), tensor(sines, {n, length}, options));
    return unsqueeze(y, -1);
}

Tensor resized_to(const Tensor& x, int dim, std::int64_t length) {
    Integers amounts(static_cast<std::size_t>(2 * (x.dim() - dim)), 0);
    amounts.back() = length - x.size(dim);
    return amounts.back() == 0 ? x : pad(x, shape_of(amounts));
}

/// The axis is an attribute in version 17, an input from version 20 on.
Kernel dft(const Build& b) {
    const bool inverse = b.attributes.flag("inverse"), onesided = b.attributes.flag("onesided");
    const std::int64_t fixed = b.attributes.integer("axis", 1);
    return one([=, by_input = b.opset >= 20](const Call& c) {
        const std::int64_t given = by_input ? (c.has(2) ? c.integer(2) : -2) : fixed;
        Tensor x = c[0];
        check<ShapeError>(x.dim() >= 2, "{} has no axis to transform", x.shape());
        const int axis = wrapped_axis(given, x.dim());
        check<ShapeError>(axis < x.dim() - 1, "axis {} of {} holds the parts of numbers", axis, x.shape());
        const bool real = inverse && onesided;
        const std::int64_t length = c.has(1) ? c.integer(1) : real ? 2 * (x.size(axis) - 1) : x.size(axis);
        check<ValueError>(length > 0, "dft_length is {}", length);
        if (real) {
            check<ShapeError>(x.size(-1) == 2, "the bins {} of an inverse are no complex numbers", x.shape());
            return transpose(real_inverse(transpose(x, axis, x.dim() - 2), length), axis, x.dim() - 2);
        }
        const std::int64_t bins = onesided ? length / 2 + 1 : length;
        x = transpose(resized_to(x, axis, length), axis, x.dim() - 2);
        return transpose(transformed(x, length, bins, inverse), axis, x.dim() - 2);
    });
}

/// The transforms of frames of a signal.
Kernel stft(const Build& b) {
    return one([onesided = b.attributes.flag("onesided", true)](const Call& c) {
        const Tensor signal = c[0].dim() == 2 ? unsqueeze(c[0], 2) : c[0];
        const std::int64_t step = c.integer(1);
        const std::int64_t length = c.has(3) ? c.integer(3) : c[2].numel();
        check<ValueError>(step > 0 && length > 0 && signal.size(1) >= length,
                          "frames of {} by steps of {} in {}", length, step, c[0].shape());
        std::vector<Tensor> frames;
        for (std::int64_t start = 0; start + length <= signal.size(1); start += step)
            frames.push_back(narrow(signal, 1, start, length));
        Tensor x = stack(frames, 1);
        if (c.has(2)) x = x * reshape(c[2], {length, 1});
        return transformed(x, length, onesided ? length / 2 + 1 : length, false);
    });
}

/// A sum of cosines over the size, or over one less if the window is symmetric.
Kernel cosine_window(const Build& b, double a0, double a1, double a2) {
    const bool periodic = b.attributes.flag("periodic", true);
    const ElementType type = type_attribute(b, "output_datatype", ElementType::f32);
    return [=](const Call& c) -> Values {
        const std::int64_t size = c.integer(0);
        (void)c.bounded({size});
        const double n = static_cast<double>(periodic ? size : size - 1);
        std::vector<double> values;
        for (std::int64_t i = 0; i < size; ++i) {
            const double x = 2 * pi * static_cast<double>(i) / n;
            values.push_back(a0 - a1 * std::cos(x) + a2 * std::cos(2 * x));
        }
        return {cast(tensor(values, {size}, Device::cpu()), type)};
    };
}

Kernel hann_window(const Build& b) { return cosine_window(b, 0.5, 0.5, 0); }
Kernel hamming_window(const Build& b) { return cosine_window(b, 25.0 / 46, 21.0 / 46, 0); }
Kernel blackman_window(const Build& b) { return cosine_window(b, 0.42, 0.5, 0.08); }

/// Triangles over the bins of a spectrum, at equal distances on the mel scale.
Kernel mel_weight_matrix(const Build& b) {
    const ElementType type = type_attribute(b, "output_datatype", ElementType::f32);
    return [type](const Call& c) -> Values {
        const std::int64_t bands = c.integer(0), length = c.integer(1), rate = c.integer(2);
        const double low = c.number(3), high = c.number(4);
        check<ValueError>(bands > 0 && length > 0 && rate > 0, "{} bands, dft_length {}, sample_rate {}",
                          bands, length, rate);
        const std::int64_t bins = length / 2 + 1;
        (void)bounded({bins, bands}, most_weights);
        const auto mel = [](double f) { return 2595 * std::log10(1 + f / 700); };
        const double step = (mel(high) - mel(low)) / static_cast<double>(bands + 2);
        std::vector<std::int64_t> edges;
        for (std::int64_t i = 0; i < bands + 2; ++i) {
            const double f = 700 * (std::pow(10, (static_cast<double>(i) * step + mel(low)) / 2595) - 1);
            edges.push_back(static_cast<std::int64_t>(
                std::floor(static_cast<double>(length + 1) * f / static_cast<double>(rate))));
        }
        std::vector<double> weights(static_cast<std::size_t>(bins * bands), 0);
        for (std::size_t band = 0; band < static_cast<std::size_t>(bands); ++band) {
            const std::int64_t left = edges[band], middle = edges[band + 1], right = edges[band + 2];
            const auto set = [&](std::int64_t bin, double value) {
                if (bin >= 0 && bin < bins) weights[static_cast<std::size_t>(bin * bands) + band] = value;
            };
            if (left == middle) set(middle, 1);
            for (std::int64_t bin = left; left != middle && bin <= middle && bin < bins; ++bin)
                set(bin, static_cast<double>(bin - left) / static_cast<double>(middle - left));
            for (std::int64_t bin = middle; right != middle && bin < right && bin < bins; ++bin)
                set(bin, static_cast<double>(right - bin) / static_cast<double>(right - middle));
        }
        return {cast(tensor(weights, {bins, bands}, Device::cpu()), type)};
    };
}

}  // namespace

std::span<const Row> signal_rows() {
    static constexpr Row rows[] = {
        {"BlackmanWindow", 17, blackman_window, set_of({0})},
        {.name = "DFT", .since = 17, .make = dft, .host = set_of({1, 2}), .costly = true},
        {"HammingWindow", 17, hamming_window, set_of({0})},
        {"HannWindow", 17, hann_window, set_of({0})},
        {.name = "MelWeightMatrix",
         .since = 17,
         .make = mel_weight_matrix,
         .host = all_inputs,
         .costly = true},
        {.name = "STFT", .since = 17, .make = stft, .host = set_of({1, 3}), .costly = true},
    };
    return rows;
}

}  // namespace adjoint::onnx
