// The yardstick: rows W1 and W2 of bench/mnist written by hand for these two networks alone, on oneDNN's
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

struct Net {
    std::vector<Layer> layers;
    std::vector<Values> h;     // activations behind each layer
    std::vector<Values> kept;  // dropout's factors
    Values x, g, below;
    std::vector<int> labels;
    float dropout = 0;
    bool adam = false;
    long steps = 0;
    std::mt19937 random{1};

    Net(const std::vector<long>& sizes, long batch) : x(batch * sizes[0]), labels(batch) {
        for (std::size_t i = 1; i < sizes.size(); ++i) {
            layers.emplace_back(sizes[i - 1], sizes[i], random);
            h.emplace_back(batch * sizes[i]);
            kept.emplace_back(batch * sizes[i]);
        }
    }

    void step(long n) {
        const float* input = x.data();
        for (std::size_t l = 0; l < layers.size(); ++l) {
            Layer& y = layers[l];
            float* out = h[l].data();
            gemm('N', 'T', n, y.out, y.in, input, y.in, y.w.data(), y.in, 0, out);
            const bool last = l + 1 == layers.size();
            for (long i = 0; i < n; ++i)
                for (long j = 0; j < y.out; ++j) {
                    float& value = out[i * y.out + j];
                    value += y.b[j];
                    if (!last) value = value > 0 ? value : 0;
                }
            if (!last && dropout > 0)
                for (long i = 0; i < n * y.out; ++i) {
                    kept[l][i] = random() >= dropout * 4294967296.0f ? 1 / (1 - dropout) : 0;
                    out[i] *= kept[l][i];
                }
            input = out;
        }
        // Softmax cross entropy: the logits become their gradient.
        Values& logits = h.back();
        const long classes = layers.back().out;
        for (long i = 0; i < n; ++i) {
            float* row = &logits[i * classes];
            const float most = *std::max_element(row, row + classes);
            float sum = 0;
            for (long j = 0; j < classes; ++j) sum += row[j] = std::exp(row[j] - most);
            for (long j = 0; j < classes; ++j) row[j] /= sum * static_cast<float>(n);
            row[labels[i]] -= 1.0f / static_cast<float>(n);
        }
        g = logits;
        for (std::size_t l = layers.size(); l-- > 0;) {
            Layer& y = layers[l];
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
        for (Layer& y : layers) {
            update(y.w.data(), y.dw.data(), y.m.data(), y.v.data(), long(y.w.size()));
            update(y.b.data(), y.db.data(), &y.m[y.w.size()], &y.v[y.w.size()], y.out);
        }
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

void run(const char* row, const std::vector<long>& sizes, long batch, float dropout, bool adam, int threads,
         int rounds) {
    const adjoint::data::Mnist set = adjoint::data::load_mnist();
    const std::uint8_t* images = set.train.images.data<std::uint8_t>();
    const std::uint8_t* labels = set.train.labels.data<std::uint8_t>();
    Net net(sizes, batch);
    net.dropout = dropout;
    net.adam = adam;
    std::vector<int> order(60000);
    for (int i = 0; i < 60000; ++i) order[i] = i;
    bench::report(row, "by-hand", threads,
                  bench::time(rounds,
                              [&] {
                                  std::shuffle(order.begin(), order.end(), net.random);
                                  for (long first = 0; first < 60000; first += batch) {
                                      const long n = std::min(batch, 60000 - first);
                                      for (long i = 0; i < n; ++i) {
                                          const int at = order[first + i];
                                          net.labels[i] = labels[at];
                                          for (long j = 0; j < 784; ++j)
                                              net.x[i * 784 + j] =
                                                  images[at * 784 + j] * (1 / 255.0f / 0.3081f) - 0.4242f;
                                      }
                                      net.step(n);
                                  }
                              }),
                  "s");
}

}  // namespace

int main(int argc, char** argv) {
    const int threads = argc > 1 ? std::atoi(argv[1]) : 1, rounds = argc > 2 ? std::atoi(argv[2]) : 3;
    omp_set_num_threads(threads);
    run("W1", {784, 128, 64, 10}, 64, 0, false, threads, rounds);
    run("W2", {784, 512, 512, 10}, 512, 0.2f, true, threads, rounds);
}
