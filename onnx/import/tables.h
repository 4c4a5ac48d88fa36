// The tables of operators, one for each topic. Private.
#pragma once

#include <adjoint/onnx/import/operator.h>

namespace adjoint::onnx {

std::span<const Row> elementwise_rows();
std::span<const Row> arithmetic_rows();
std::span<const Row> reduce_rows();
std::span<const Row> shape_rows();
std::span<const Row> cut_rows();
std::span<const Row> index_rows();
std::span<const Row> choice_rows();
std::span<const Row> product_rows();
std::span<const Row> convolution_rows();
std::span<const Row> pooling_rows();
std::span<const Row> region_rows();
std::span<const Row> resize_rows();
std::span<const Row> normalisation_rows();
std::span<const Row> attention_rows();
std::span<const Row> recurrent_rows();
std::span<const Row> random_rows();
std::span<const Row> loss_rows();
std::span<const Row> signal_rows();
std::span<const Row> quantised_rows();
std::span<const Row> control_rows();

}  // namespace adjoint::onnx
