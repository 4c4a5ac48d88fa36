// The yardstick: rows W1 to W3 of bench/mnist written by hand for these three networks alone, on oneDNN's
// sgemm with fused loops. Nothing is checked, nothing is general.
//
//     bench/hand_mnist [threads] [rounds]
#include <dnnl.h>

#include <adjoint/data/mnist.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "report.h"

extern "C" void omp_set_num_threads(int);

namespace {

using Values = std::vector<float>;

// c (m x n) = a b + beta c, row-major; 'T' reads the operand transposed.
void gemm(char ta, char tb, long m, long n, long k, const float* a, long lda, const float* b, long ldb,
          float beta, float* c) {
    dnnl_sgemm(ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, n);
}

struct Layer {
    long in, out;
    Values w, b, dw, db, m, v;  // w is out x in
    Layer(long i, long o, std::mt19937& random)
        : in(i), out(o), w(i * o), b(o), dw(i * o), db(o), m(i * o + o), v(i * o + o) {
        std::uniform_real_distribution<float> u(-1, 1);
        for (float& x : w) x = u(random) / std::sqrt(float(i));
        for (float& x : b) x = u(random) / std::sqrt(float(i));
    }
};

// Batch normalisation of `size` features in training; the running statistics are kept as well.
struct Norm {
    long size;
    Values w, b, dw, db, m, v, running_mean, running_variance, mean, inverse_std, normal;
    Norm(long s, long batch)
        : size(s),
          w(s, 1),
          b(s),
          dw(s),
          db(s),
          m(2 * s),
          v(2 * s),
          running_mean(s),
          running_variance(s, 1),
          mean(s),
          inverse_std(s),
          normal(batch * s) {}

    // x = relu(w normal + b)
    void forward(long n, float* x) {
        const float each = 1 / static_cast<float>(n);
        std::fill(mean.begin(), mean.end(), 0.0f);
        for (long i = 0; i < n; ++i)
            for (long j = 0; j < size; ++j) mean[j] += each * x[i * size + j];
        Values& variance = inverse_std;
        std::fill(variance.begin(), variance.end(), 0.0f);
        for (long i = 0; i < n; ++i)
            for (long j = 0; j < size; ++j) {
                const float centred = normal[i * size + j] = x[i * size + j] - mean[j];
                variance[j] += each * centred * centred;
            }
        for (long j = 0; j < size; ++j) {
            running_mean[j] += 0.1f * (mean[j] - running_mean[j]);
            running_variance[j] += 0.1f * (variance[j] / (1 - each) - running_variance[j]);
            inverse_std[j] = 1 / std::sqrt(variance[j] + 1e-5f);
        }
        for (long i = 0; i < n; ++i)
            for (long j = 0; j < size; ++j) {
                float& value = normal[i * size + j];
                value *= inverse_std[j];
                x[i * size + j] = std::max(0.0f, w[j] * value + b[j]);
            }
    }

    // g of w normal + b becomes that of what came in.
    void backward(long n, float* g) {
        const float each = 1 / static_cast<float>(n);
        std::fill(dw.begin(), dw.end(), 0.0f);
        std::fill(db.begin(), db.end(), 0.0f);
        for (long i = 0; i < n; ++i)
            for (long j = 0; j < size; ++j) {
                dw[j] += g[i * size + j] * normal[i * size + j];
                db[j] += g[i * size + j];
            }
        for (long i = 0; i < n; ++i)
            for (long j = 0; j < size; ++j) {
                float& value = g[i * size + j];
                value = w[j] * inverse_std[j] * (value - each * (db[j] + normal[i * size + j] * dw[j]));
            }
    }
};

struct Net {
    std::vector<Layer> layers;
    std::vector<Norm> norms;   // behind each layer but the last, or none
    std::vector<Values> h;     // activations behind each layer
    std::vector<Values> kept;  // dropout's factors
    Values x, g, below;
    std::vector<int> labels;
    float dropout = 0;
    bool adam = false;
    long steps = 0;
    double loss = 0;  // summed over the samples
    std::mt19937 random{1};

    Net(const std::vector<long>& sizes, long batch, bool normalised) : x(batch * sizes[0]), labels(batch) {
        for (std::size_t i = 1; i < sizes.size(); ++i) {
            layers.emplace_back(sizes[i - 1], sizes[i], random);
            h.emplace_back(batch * sizes[i]);
            kept.emplace_back(batch * sizes[i]);
            if (normalised && i + 1 < sizes.size()) norms.emplace_back(sizes[i], batch);
        }
    }

    void step(long n) {
        const float* input = x.data();
        for (std::size_t l = 0; l < layers.size(); ++l) {
            Layer& y = layers[l];
            float* out = h[l].data();
            gemm('N', 'T', n, y.out, y.in, input, y.in, y.w.data(), y.in, 0, out);
            const bool last = l + 1 == layers.size(), rectified = !last && norms.empty();
            for (long i = 0; i < n; ++i)
                for (long j = 0; j < y.out; ++j) {
                    float& value = out[i * y.out + j];
                    value += y.b[j];
                    if (rectified) value = value > 0 ? value : 0;
                }
            if (!last && !norms.empty()) norms[l].forward(n, out);
            if (!last && dropout > 0)
                for (long i = 0; i < n * y.out; ++i) {
                    kept[l][i] =
                        static_cast<float>(random()) >= dropout * 4294967296.0f ? 1 / (1 - dropout) : 0;
                    out[i] *= kept[l][i];
                }
            input = out;
        }
        // Softmax cross entropy: the logits become their gradient.
        Values& logits = h.back();
        const long classes = layers.back().out;
        for (long i = 0; i < n; ++i) {
            float* row = &logits[i * classes];
            const float most = *std::max_element(row, row + classes), wanted = row[labels[i]];
            float sum = 0;
            for (long j = 0; j < classes; ++j) sum += row[j] = std::exp(row[j] - most);
            loss += std::log(sum) + most - wanted;
            for (long j = 0; j < classes; ++j) row[j] /= sum * static_cast<float>(n);
            row[labels[i]] -= 1.0f / static_cast<float>(n);
        }
        g = logits;
        for (std::size_t l = layers.size(); l-- > 0;) {
            Layer& y = layers[l];
            if (l < norms.size()) norms[l].backward(n, g.data());
            const float* from = l > 0 ? h[l - 1].data() : x.data();
            gemm('T', 'N', y.out, y.in, n, g.data(), y.out, from, y.in, 0, y.dw.data());
            std::fill(y.db.begin(), y.db.end(), 0.0f);
            for (long i = 0; i < n; ++i)
                for (long j = 0; j < y.out; ++j) y.db[j] += g[i * y.out + j];
            if (l == 0) break;
            below.resize(n * y.in);
            gemm('N', 'N', n, y.in, y.out, g.data(), y.out, y.w.data(), y.in, 0, below.data());
            for (long i = 0; i < n * y.in; ++i) {
                below[i] = h[l - 1][i] > 0 ? below[i] : 0;
                if (dropout > 0) below[i] *= kept[l - 1][i];
            }
            g.swap(below);
        }
        ++steps;
        for (Layer& y : layers) update(y);
        for (Norm& y : norms) update(y);
    }

    template <class Part> void update(Part& y) const {
        update(y.w.data(), y.dw.data(), y.m.data(), y.v.data(), long(y.w.size()));
        update(y.b.data(), y.db.data(), &y.m[y.w.size()], &y.v[y.w.size()], long(y.b.size()));
    }

    void update(float* p, const float* d, float* m, float* v, long n) const {
        if (!adam) {
            for (long i = 0; i < n; ++i) p[i] -= 0.1f * d[i];
            return;
        }
        const float first = 1 - std::pow(0.9f, float(steps)),
                    root = std::sqrt(1 - std::pow(0.999f, float(steps)));
#pragma GCC ivdep
        for (long i = 0; i < n; ++i) {
            m[i] = 0.9f * m[i] + 0.1f * d[i];
            v[i] = 0.999f * v[i] + 0.001f * d[i] * d[i];
            p[i] -= 0.001f / first * m[i] / (std::sqrt(v[i]) / root + 1e-8f);
        }
    }
};

void run(const char* row, const std::vector<long>& sizes, long batch, bool normalised, float dropout,
         bool adam, int threads, int rounds) {
    const adjoint::data::Mnist set = adjoint::data::load_mnist();
    const std::uint8_t* images = set.train.images.data<std::uint8_t>();
    const std::uint8_t* labels = set.train.labels.data<std::uint8_t>();
    Net net(sizes, batch, normalised);
    net.dropout = dropout;
    net.adam = adam;
    std::vector<int> order(60000);
    for (int i = 0; i < 60000; ++i) order[i] = i;
    bench::report(row, "by-hand", threads,
                  bench::time(rounds,
                              [&] {
                                  net.loss = 0;
                                  std::shuffle(order.begin(), order.end(), net.random);
                                  for (long first = 0; first < 60000; first += batch) {
                                      const long n = std::min(batch, 60000 - first);
                                      for (long i = 0; i < n; ++i) {
                                          const int at = order[first + i];
                                          net.labels[i] = labels[at];
                                          for (long j = 0; j < 784; ++j)
                                              net.x[i * 784 + j] = static_cast<float>(images[at * 784 + j]) *
                                                                       (1 / 255.0f / 0.3081f) -
                                                                   0.4242f;
                                      }
                                      net.step(n);
                                  }
                              }),
                  "s");
    std::printf("# %s: mean loss %.4f in the last round\n", row, net.loss / 60000);
}

}  // namespace

int main(int argc, char** argv) {
    const int threads = argc > 1 ? std::atoi(argv[1]) : 1, rounds = argc > 2 ? std::atoi(argv[2]) : 3;
    omp_set_num_threads(threads);
    run("W1", {784, 128, 64, 10}, 64, false, 0, false, threads, rounds);
    run("W2", {784, 512, 512, 10}, 512, false, 0.2f, true, threads, rounds);
    run("W3", {784, 128, 64, 10}, 100, true, 0, true, threads, rounds);
}
