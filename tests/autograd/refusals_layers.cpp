// Bad calls of convolutions, pooling, normalisation and resampling.
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/batch_norm.h>
#include <adjoint/autograd/ops/convolution.h>
#include <adjoint/autograd/ops/dropout.h>
#include <adjoint/autograd/ops/fractional_pooling.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/layer_norm.h>
#include <adjoint/autograd/ops/pooling.h>
#include <adjoint/autograd/ops/resample.h>
#include <adjoint/core/tensor/creation.h>

#include "refusals.h"

namespace adjoint::table {
namespace {

const Tensor image = ones({2, 4, 6, 5}), kernel = ones({4, 4, 3, 3}), line = ones({2, 4, 9}),
             taps = ones({3, 4, 3}), plane = ones({4, 6, 5}), whole = ones({2, 4, 6, 5}).to(i64),
             theta = ones({2, 2, 3});

}  // namespace

void add_bad_windows(BadCalls& calls) {
    calls.insert(
        calls.end(),
        {
            {"conv2d", "stride 0", [] { conv2d(image, kernel, {}, {.stride = 0}); }},
            {"conv2d", "stride -1",
             [] {
                 conv2d(image, kernel, {}, {.stride = {1, -1}});
             }},
            {"conv2d", "padding -1", [] { conv2d(image, kernel, {}, {.padding = -1}); }},
            {"conv2d", "dilation 0",
             [] {
                 conv2d(image, kernel, {}, {.dilation = {0, 1}});
             }},
            {"conv2d", "padding", [] { conv2d(image, kernel, {}, {.padding = std::int64_t{1} << 40}); }},
            {"conv2d", "0 groups", [] { conv2d(image, kernel, {}, {.groups = 0}); }},
            {"conv2d", "3 groups", [] { conv2d(image, kernel, {}, {.groups = 3}); }},
            {"conv2d", "channels", [] { conv2d(image, kernel, {}, {.groups = 2}); }},
            {"conv2d", "channels",
             [] {
                 conv2d(image, ones({4, 3, 3, 3}));
             }},
            {"conv2d", "kernel",
             [] {
                 conv2d(image, ones({4, 4, 7, 3}));
             }},
            {"conv2d", "kernel", [] { conv2d(image, kernel, {}, {.dilation = 3}); }},
            {"conv2d", "weight",
             [] {
                 conv2d(image, ones({4, 4, 3}));
             }},
            {"conv2d", "weight",
             [] {
                 conv2d(image, ones({4, 4, 0, 3}));
             }},
            {"conv2d", "weight", [] { conv2d(image, kernel.to(i64)); }},
            {"conv2d", "bias", [] { conv2d(image, kernel, ones({3})); }},
            {"conv2d", "bias",
             [] {
                 conv2d(image, kernel, ones({4, 1}));
             }},
            {"conv2d", "input", [] { conv2d(line(0), kernel); }},
            {"conv2d", "floating", [] { conv2d(whole, kernel); }},
            {"conv2d", "stride 0",
             [] { conv2d(image, kernel, {}, {.stride = 0, .then = Activation::relu}); }},
            {"conv1d", "weight", [] { conv1d(line, kernel, {}, {.then = Activation::relu}); }},
            {"conv1d", "stride 0", [] { conv1d(line, taps, {}, {.stride = 0}); }},
            {"conv1d", "padding -2", [] { conv1d(line, taps, {}, {.padding = -2}); }},
            {"conv1d", "dilation 0", [] { conv1d(line, taps, {}, {.dilation = 0}); }},
            {"conv1d", "-1 groups", [] { conv1d(line, taps, {}, {.groups = -1}); }},
            {"conv1d", "kernel",
             [] {
                 conv1d(line, ones({3, 4, 10}));
             }},
            {"conv1d", "weight", [] { conv1d(line, kernel); }},
            {"conv1d", "input", [] { conv1d(image, taps); }},
            {"conv_transpose2d", "stride 0", [] { conv_transpose2d(image, kernel, {}, {.stride = 0}); }},
            {"conv_transpose2d", "output_padding 2",
             [] { conv_transpose2d(image, kernel, {}, {.stride = 2, .output_padding = 2}); }},
            {"conv_transpose2d", "output_padding -1",
             [] { conv_transpose2d(image, kernel, {}, {.output_padding = -1}); }},
            {"conv_transpose2d", "padding 9", [] { conv_transpose2d(image, kernel, {}, {.padding = 9}); }},
            {"conv_transpose2d", "3 groups", [] { conv_transpose2d(image, kernel, {}, {.groups = 3}); }},
            {"conv_transpose2d", "channels",
             [] {
                 conv_transpose2d(image, ones({3, 4, 3, 3}));
             }},
            {"conv_transpose2d", "bias", [] { conv_transpose2d(image, kernel, ones({5})); }},
            {"unfold", "kernel size 0", [] { unfold(image, 0); }},
            {"unfold", "stride", [] { unfold(image, 2, {.stride = -3}); }},
            {"unfold", "kernel",
             [] {
                 unfold(image, {2, 9});
             }},
            {"unfold", "dimensions", [] { unfold(ones({3}), 2); }},
            {"fold", "columns",
             [] {
                 fold(ones({1, 8, 5}), {3, 3}, 2);
             }},
            {"fold", "multiple",
             [] {
                 fold(ones({1, 7, 4}), {3, 3}, 2);
             }},
            {"fold", "output size",
             [] {
                 fold(ones({1, 8, 4}), 0, 2);
             }},
        });
}

void add_bad_poolings(BadCalls& calls) {
    calls.insert(
        calls.end(),
        {
            {"fractional_max_pool2d", "either output_size or output_ratio",
             [] { fractional_max_pool2d(image, 2, {}); }},
            {"fractional_max_pool2d", "output_ratio 1.5",
             [] { fractional_max_pool2d(image, 2, {.output_ratio = 1.5}); }},
            {"fractional_max_pool2d", "6 windows of 2",
             [] {
                 fractional_max_pool2d(image, 2, {.output_size = {6, 2}});
             }},
            {"fractional_max_pool2d", "kernel's 7",
             [] { fractional_max_pool2d(image, 7, {.output_size = 1}); }},
            {"fractional_max_pool2d", "samples of shape (3,)",
             [] { fractional_max_pool2d(image, 2, {.output_size = 2, .samples = ones({3})}); }},
            {"max_pool2d", "kernel size 0", [] { max_pool2d(image, 0); }},
            {"max_pool2d", "stride 0", [] { max_pool2d(image, 2, {.stride = 0}); }},
            {"max_pool2d", "padding 2", [] { max_pool2d(image, 3, {.padding = 2}); }},
            {"max_pool2d", "padding -1", [] { max_pool2d(image, 3, {.padding = -1}); }},
            {"max_pool2d", "dilation 0", [] { max_pool2d(image, 3, {.dilation = 0}); }},
            {"max_pool2d", "kernel", [] { max_pool2d(image, 7); }},
            {"max_pool2d", "no elements",
             [] {
                 max_pool2d(ones({1, 1, 0, 3}), 2, {.padding = 1});
             }},
            {"max_pool2d", "padding",
             [] {
                 max_pool2d(ones({1, 1, 1, 3}), {2, 1}, {.padding = {1, 0}, .dilation = {2, 1}});
             }},
            {"max_pool2d", "floating", [] { max_pool2d(whole, 2); }},
            {"max_pool2d_with_indices", "dimensions",
             [] {
                 max_pool2d_with_indices(ones({3, 3}), 2);
             }},
            {"max_pool1d", "stride 0", [] { max_pool1d(line, 2, {.stride = 0}); }},
            {"max_pool1d", "padding 2", [] { max_pool1d(line, 2, {.padding = 2}); }},
            {"avg_pool2d", "stride -2", [] { avg_pool2d(image, 2, {.stride = -2}); }},
            {"avg_pool2d", "padding 2",
             [] {
                 avg_pool2d(image, {3, 3}, {.padding = {0, 2}});
             }},
            {"avg_pool2d", "divisor_override", [] { avg_pool2d(image, 2, {.divisor_override = -1}); }},
            {"avg_pool1d", "kernel size -1", [] { avg_pool1d(line, -1); }},
            {"maxout", "0 pieces", [] { maxout(image, 0); }},
            {"maxout", "groups of 3", [] { maxout(image, 3); }},
            {"maxout", "dimension 4", [] { maxout(image, 2, 4); }},
            {"adaptive_avg_pool2d", "output size 0",
             [] {
                 adaptive_avg_pool2d(image, {0, 1});
             }},
            {"adaptive_avg_pool2d", "no elements",
             [] {
                 adaptive_avg_pool2d(ones({1, 1, 0, 3}), 1);
             }},
        });
}

void add_bad_layers(BadCalls& calls) {
    calls.insert(
        calls.end(),
        {
            {"batch_norm", "running_mean", [] { batch_norm(image, ones({3}), ones({4})); }},
            {"batch_norm", "weight", [] { batch_norm(image, ones({4}), ones({4}), ones({5})); }},
            {"batch_norm", "one value",
             [] {
                 batch_norm(ones({1, 4}), zeros({4}), ones({4}), {}, {}, {.training = true});
             }},
            {"batch_norm", "(N, C", [] { batch_norm(ones({4}), zeros({4}), ones({4})); }},
            {"batch_norm", "floating", [] { batch_norm(whole, zeros({4}), ones({4})); }},
            {"dropout", "1.5", [] { dropout(image, 1.5); }},
            {"dropout", "-0.1", [] { dropout(image, -0.1); }},
            {"layer_norm", "normalized_shape",
             [] {
                 layer_norm(image, {6, 4});
             }},
            {"layer_norm", "normalized_shape", [] { layer_norm(image, {}); }},
            {"layer_norm", "weight",
             [] {
                 layer_norm(image, {6, 5}, ones({5}));
             }},
            {"layer_norm", "bias", [] { layer_norm(image, {5}, {}, ones({6})); }},
            {"layer_norm", "floating", [] { layer_norm(whole, {5}); }},
            {"rms_norm", "normalized_shape",
             [] {
                 rms_norm(image, {6, 4});
             }},
            {"rms_norm", "weight", [] { rms_norm(image, {5}, ones({6})); }},
            {"rms_norm", "floating", [] { rms_norm(whole, {5}); }},
            {"group_norm", "3 groups", [] { group_norm(image, 3); }},
            {"group_norm", "0 groups", [] { group_norm(image, 0); }},
            {"group_norm", "weight", [] { group_norm(image, 2, ones({2})); }},
            {"group_norm", "(N, C", [] { group_norm(ones({4}), 2); }},
            {"instance_norm", "running_mean", [] { instance_norm(image, ones({3})); }},
            {"instance_norm", "running",
             [] { instance_norm(image, {}, {}, {}, {}, {.use_input_stats = false}); }},
            {"instance_norm", "one value",
             [] {
                 instance_norm(ones({2, 3, 1, 1}));
             }},
            {"instance_norm", "(N, C",
             [] {
                 instance_norm(ones({2, 3}));
             }},
            {"interpolate", "either", [] { interpolate(image, {}); }},
            {"interpolate", "either", [] { interpolate(image, {.size = 3, .scale_factor = 2}); }},
            {"interpolate", "scale_factor", [] { interpolate(image, {.scale_factor = -2}); }},
            {"interpolate", "scale_factor", [] { interpolate(image, {.scale_factor = 1e12}); }},
            {"interpolate", "size 0", [] { interpolate(image, {.scale_factor = 0.1}); }},
            {"interpolate", "align_corners", [] { interpolate(image, {.size = 3, .align_corners = true}); }},
            {"interpolate", "(N, C, H, W)", [] { interpolate(plane, {.size = 3}); }},
            {"affine_grid", "theta",
             [] {
                 affine_grid(theta, {3, 1, 2, 2});
             }},
            {"affine_grid", "size",
             [] {
                 affine_grid(theta, {2, 2, 2});
             }},
            {"affine_grid", "pixels",
             [] {
                 affine_grid(theta, {2, 1, 0, 2});
             }},
            {"grid_sample", "grid",
             [] {
                 grid_sample(image, ones({2, 3, 3, 3}));
             }},
            {"grid_sample", "grid",
             [] {
                 grid_sample(image, ones({1, 3, 3, 2}));
             }},
            {"grid_sample", "type",
             [] {
                 grid_sample(image, ones({2, 3, 3, 2}, {.dtype = f64}));
             }},
        });
}

}  // namespace adjoint::table
