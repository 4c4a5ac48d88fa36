// Matrix products.
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/einsum.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

Kernel matmul_of(const Build&) {
    return [](const Call& c) -> Values { return {Value(matmul(c[0], c[1]), c.type(0))}; };
}

/// alpha A B + beta C, A and B transposed if asked for.
Kernel gemm_then(const Build& b, Activation then) {
    const double alpha = b.attributes.real("alpha", 1), beta = b.attributes.real("beta", 1);
    const bool transposed_a = b.attributes.flag("transA"), transposed_b = b.attributes.flag("transB");
    b.attributes.ignore("broadcast");
    return [=](const Call& c) -> Values {
        check<ShapeError>(c[0].dim() == 2 && c[1].dim() == 2, "{} and {} are no matrices", c[0].shape(),
                          c[1].shape());
        const Tensor a = transposed_a ? t(c[0]) : c[0];
        const std::int64_t columns = c[1].size(transposed_b ? 0 : 1);
        const bool bias = c.has(2) && beta == 1 && c[2].dim() == 1 && c[2].numel() == columns;
        if (alpha == 1 && (bias || !c.has(2)) && is_floating(a.dtype())) {
            const Tensor add = bias ? c[2] : Tensor();
            return {Value(linear(a, transposed_b ? c[1] : t(c[1]), add, {.then = then}))};
        }
        Tensor y = matmul(a, transposed_b ? t(c[1]) : c[1]);
        if (alpha != 1) y = (y * alpha).to(y.dtype());
        if (c.has(2) && beta != 0) y = y + (beta == 1 ? c[2] : c[2] * beta).to(y.dtype());
        check<ShapeError>(y.dim() == 2 && y.size(1) == columns,
                          "C of shape {} does not broadcast to the product",
                          c.has(2) ? c[2].shape() : Shape{});
        return {Value(activated(y, then), c.type(0))};
    };
}

Kernel gemm(const Build& b) { return gemm_then(b, Activation::none); }

FuseMaker gemm_fuse(const Build& b) {
    return [with_relu = gemm_then(b, Activation::relu)](const Tail& tail) {
        return tail.normalises || tail.then != Activation::relu ? Kernel() : with_relu;
    };
}

Kernel einsum_of(const Build& b) {
    std::string equation = b.attributes.text("equation", "");
    std::erase(equation, ' ');
    return [equation](const Call& c) -> Values {
        std::vector<Tensor> operands;
        for (std::size_t i = 0; i < c.inputs.size(); ++i) operands.push_back(c[i]);
        return {Value(einsum(equation, operands), c.type(0))};
    };
}

/// By elimination; the pivots are chosen by their values, the arithmetic is recorded.
Tensor determinant(Tensor m) {
    const std::int64_t n = m.size(0);
    Tensor product = filled({}, 1, m);
    for (std::int64_t i = 0; i < n; ++i) {
        const Tensor column = narrow(select(m, 1, 0), 0, 0, n - i);
        const std::int64_t pivot = argmax(abs(column)).item<std::int64_t>();
        const Tensor head = select(m, 0, pivot), first = select(head, 0, 0);
        product = product * (pivot % 2 == 0 ? first : neg(first));
        if (i == n - 1 || first.item() == 0) break;
        const Tensor rest = cat({narrow(m, 0, 0, pivot), narrow(m, 0, pivot + 1, n - i - pivot - 1)}, 0);
        const std::int64_t left = n - i - 1;
        const Tensor factors = reshape(select(rest, 1, 0) / first, {left, 1});
        m = narrow(rest, 1, 1, left) - factors * reshape(narrow(head, 0, 1, left), {1, left});
    }
    return product;
}

Kernel det(const Build&) {
    return one([](const Call& c) {
        const Tensor& x = c[0];
        check<ShapeError>(x.dim() >= 2 && x.size(-1) == x.size(-2) && x.size(-1) > 0,
                          "{} holds no square matrices", x.shape());
        const std::int64_t n = x.size(-1);
        Shape shape = x.shape();
        shape.erase(shape.size() - 1);
        shape.erase(shape.size() - 1);
        std::vector<Tensor> all = unbind(reshape(x, {shape.numel(), n, n}));
        for (Tensor& one : all) one = determinant(one);
        return all.empty() ? filled(shape, 1, x) : reshape(stack(all), shape);
    });
}

}  // namespace

std::span<const Row> product_rows() {
    static constexpr Row rows[] = {
        {.name = "Det", .since = 11, .make = det, .costly = true},
        {.name = "Einsum", .since = 12, .make = einsum_of, .costly = true},
        {.name = "Gemm", .since = 1, .make = gemm, .fuse = gemm_fuse, .costly = true},
        {.name = "MatMul", .since = 1, .make = matmul_of, .costly = true},
    };
    return rows;
}

}  // namespace adjoint::onnx
