// Normalisation made of reductions: the mean, then the mean square of what is left.
#include <adjoint/core/contract/activate.h>
#include <adjoint/core/contract/compose.h>

namespace adjoint::call {
namespace {

using composition::Grid;
using composition::Three;
using composition::View;
using composition::WorkingMemory;

constexpr std::array<bool, 3> over_samples{true, false, true};
constexpr Three one_per_channel{0, 1, 0}, one_per_column{0, 0, 1};

// The elements of a batch by channel, and what there is one of for each channel.
struct Channels {
    Grid all, each;
    DType type;
    double samples;

    Channels(Backend& backend, std::int64_t batch, std::int64_t channels, std::int64_t inner, DType dtype)
        : all(backend, {batch, channels, inner}, dtype),
          each(backend, {1, channels, 1}, dtype),
          type(dtype),
          samples(static_cast<double>(batch * inner)) {}

    View dense(const void* data) const { return all.dense(data, type); }
    View channel(const void* data) const { return {data, type, one_per_channel}; }

    void sum(const View& out, const View& x) const { all.reduce(functor::Sum{}, out, x, over_samples); }
    void mean(const View& out, const View& x) const {
        sum(out, x);
        each.map(functor::DivScalar{samples}, out, out);
    }
    /// dx = g - mean_g - h mean_gh; `work` has room for all elements.
    void gradient(const View& dx, const View& g, const View& h, const View& mean_g, const View& mean_gh,
                  const View& work) const {
        all.zip(functor::Mul{}, work, h, mean_gh);
        all.zip(functor::Sub{}, dx, g, mean_g);
        all.zip(functor::Sub{}, dx, dx, work);
    }
};

void move_statistics(Backend& backend, const Channels& in, const RunningStatistics& running, const View& mean,
                     const View& variance) {
    const WorkingMemory memory(backend, in.each.places(), in.type);
    const View share = in.channel(memory.data());
    const auto move = [&](void* data, const View& batch, double weight) {
        if (!data) return;
        const View one = in.channel(data);
        in.each.map(functor::MulScalar{weight}, share, batch);
        in.each.map(functor::MulScalar{1 - running.momentum}, one, one);
        in.each.zip(functor::Add{}, one, one, share);
    };
    move(running.mean, mean, running.momentum);
    move(running.variance, variance, running.momentum * running.unbias);
    const View batches(running.batches, DType::i64, {});
    if (running.batches) Grid(backend, {1, 1, 1}, DType::i64).map(functor::AddScalar{1}, batches, batches);
}

}  // namespace

void compose(Backend& backend, const BatchNorm& c) {
    const ChannelNorm& norm = c.norm;
    const Channels in(backend, norm.batch, norm.channels, norm.inner, norm.dtype);
    const WorkingMemory by(backend, c.training ? 0 : norm.channels, norm.dtype),
        variances(backend, c.training && !norm.variance ? norm.channels : 0, norm.dtype);
    const View y = in.dense(c.y), mean = in.channel(norm.mean),
               inverse = in.channel(c.training ? norm.inverse_std : by.data()),
               variance = in.channel(norm.variance ? norm.variance : variances.data());
    if (c.training) in.mean(mean, in.dense(norm.x));
    in.all.zip(functor::Sub{}, y, in.dense(norm.x), mean);
    if (c.training) {
        const WorkingMemory squares(backend, norm.numel(), norm.dtype);
        const View square = in.dense(squares.data());
        in.all.map(functor::Square{}, square, y);
        in.mean(variance, square);
        move_statistics(backend, in, c.running, mean, variance);
    }
    in.each.map(functor::AddScalar{norm.eps}, inverse, variance);
    in.each.map(functor::Rsqrt{}, inverse, inverse);
    in.all.zip(functor::Mul{}, y, y, inverse);
    if (norm.weight) in.all.zip(functor::Mul{}, y, y, in.channel(norm.weight));
    if (norm.bias) in.all.zip(functor::Add{}, y, y, in.channel(norm.bias));
    activate(backend, {.activation = c.activation}, {c.y, norm.dtype}, norm.numel());
}

// With h = (x - mean) / std: db = sum g, dw = sum g h, dx = w / std (g - db / n - h dw / n).
void compose(Backend& backend, const BatchNormBackward& c) {
    const ChannelNorm& norm = c.norm;
    const DType type = norm.dtype;
    const Channels in(backend, norm.batch, norm.channels, norm.inner, type);
    const WorkingMemory normals(backend, norm.numel(), type), products(backend, norm.numel(), type),
        biases(backend, norm.channels, type), weights(backend, norm.channels, type);
    const bool activated = c.activation != Activation::none;
    const WorkingMemory slopes(backend, activated ? norm.numel() : 0, type);
    if (activated)
        activate_backward(backend, c.activation, {slopes.data(), type}, c.g, c.saved, norm.numel());
    const View g = in.dense(activated ? slopes.data() : c.g), h = in.dense(normals.data()),
               product = in.dense(products.data()), db = in.channel(biases.data()),
               dw = in.channel(weights.data()), inverse = in.channel(norm.inverse_std);
    in.all.zip(functor::Sub{}, h, in.dense(norm.x), in.channel(norm.mean));
    in.all.zip(functor::Mul{}, h, h, inverse);
    in.all.zip(functor::Mul{}, product, g, h);
    in.sum(db, g);
    in.sum(dw, product);
    if (c.dbias) in.each.map(functor::Copy{}, in.channel(c.dbias), db);
    if (c.dweight) in.each.map(functor::Copy{}, in.channel(c.dweight), dw);
    if (!c.dx) return;
    const View dx = in.dense(c.dx);
    in.each.map(functor::DivScalar{in.samples}, db, db);
    in.each.map(functor::DivScalar{in.samples}, dw, dw);
    in.gradient(dx, g, h, db, dw, product);
    in.all.zip(functor::Mul{}, dx, dx, inverse);
    if (norm.weight) in.all.zip(functor::Mul{}, dx, dx, in.channel(norm.weight));
}

// A row is a channel of one sample, and what is one per column lies along it.
void compose(Backend& backend, const LayerNorm& c) {
    backend.run(BatchNorm{.y = c.y,
                          .norm = {.batch = 1,
                                   .channels = c.rows.rows,
                                   .inner = c.rows.columns,
                                   .dtype = c.rows.dtype,
                                   .eps = c.eps,
                                   .x = c.x,
                                   .mean = c.mean,
                                   .inverse_std = c.inverse_std},
                          .training = true});
    const Channels in(backend, 1, c.rows.rows, c.rows.columns, c.rows.dtype);
    const View y = in.dense(c.y);
    if (c.weight) in.all.zip(functor::Mul{}, y, y, {c.weight, c.rows.dtype, one_per_column});
    if (c.bias) in.all.zip(functor::Add{}, y, y, {c.bias, c.rows.dtype, one_per_column});
}

void compose(Backend& backend, const LayerNormBackward& c) {
    const DType type = c.rows.dtype;
    const Channels in(backend, 1, c.rows.rows, c.rows.columns, type);
    const WorkingMemory normals(backend, c.rows.numel(), type), products(backend, c.rows.numel(), type),
        weighted(backend, c.weight ? c.rows.numel() : 0, type), firsts(backend, c.rows.rows, type),
        seconds(backend, c.rows.rows, type);
    const View g = in.dense(c.g), h = in.dense(normals.data()), product = in.dense(products.data()),
               mean_u = in.channel(firsts.data()), mean_uh = in.channel(seconds.data()),
               inverse = in.channel(c.inverse_std);
    in.all.zip(functor::Sub{}, h, in.dense(c.x), in.channel(c.mean));
    in.all.zip(functor::Mul{}, h, h, inverse);
    const auto over_rows = [&](void* out, const View& x) {
        if (out) in.all.reduce(functor::Sum{}, {out, type, one_per_column}, x, {true, true, false});
    };
    if (c.dweight) in.all.zip(functor::Mul{}, product, g, h);
    over_rows(c.dweight, product);
    over_rows(c.dbias, g);
    if (!c.dx) return;
    const View u = c.weight ? in.dense(weighted.data()) : g, dx = in.dense(c.dx);
    if (c.weight) in.all.zip(functor::Mul{}, u, g, {c.weight, type, one_per_column});
    in.all.zip(functor::Mul{}, product, u, h);
    in.mean(mean_u, u);
    in.mean(mean_uh, product);
    in.gradient(dx, u, h, mean_u, mean_uh, product);
    in.all.zip(functor::Mul{}, dx, dx, inverse);
}

}  // namespace adjoint::call
