// The activations that are more than one call.
#include <adjoint/nn/activation.h>

#include <adjoint/autograd/reduce.h>
#include <adjoint/autograd/shape.h>
#include <adjoint/core/creation.h>
#include <adjoint/core/format.h>

namespace adjoint::nn {

PReLU::PReLU(std::int64_t num_parameters, double init)
    : Module("PReLU", fmt::format("num_parameters={}", num_parameters)),
      weight(parameter("weight", full({num_parameters}, init))) {}

Maxout::Maxout(std::int64_t pieces, int dim)
    : Module("Maxout", fmt::format("pieces={}, dim={}", pieces, dim)), pieces_(pieces), dim_(dim) {
    check<ValueError>(pieces > 0, "Maxout: {} pieces", pieces);
}

Tensor Maxout::operator()(const Tensor& x) const {
    const int dim = wrap_dim("maxout", dim_, x.dim());
    const std::int64_t size = x.size(dim);
    check<ShapeError>(size % pieces_ == 0, "maxout: dimension {} of {} does not divide into groups of {}",
                      dim, x.shape(), pieces_);
    Shape shape = x.shape();
    shape[dim] = size / pieces_;
    shape.insert(dim + 1, pieces_);
    return max(reshape(x, shape), dim + 1).values;
}

}  // namespace adjoint::nn
