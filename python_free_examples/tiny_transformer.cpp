// A small language model as today's are built: a decoder of RMSNorm, attention with rotary positions, and
// SwiGLU; trained on characters, it writes with a cache of keys and values what it writes without one.
#include <adjoint/adjoint.h>

#include "lecture.h"

#include <chrono>
#include <cmath>

using namespace adjoint;

namespace {

constexpr std::int64_t width = 48, heads = 4;

struct Block : nn::Module {
    Tensor operator()(const Tensor& x) const {
        const Tensor in = norm1(x);
        return branch(x + attention(in, in, in, {.is_causal = true}, false).output);
    }
    // Of tokens that come behind those in the cache.
    Tensor operator()(const Tensor& x, nn::KeyValueCache& cache) const {
        return branch(x + attention(norm1(x), cache));
    }
    Tensor branch(const Tensor& x) const { return x + mlp(norm2(x)); }

    const nn::RMSNorm norm1 = child("norm1", nn::RMSNorm(width)), norm2 = child("norm2", nn::RMSNorm(width));
    const nn::MultiheadAttention attention = child(
        "attention", nn::MultiheadAttention(width, heads,
                                            {.bias = false, .batch_first = true, .rotary = RotaryOptions{}}));
    const nn::SwiGLU mlp = child("mlp", nn::SwiGLU(width, 2 * width));
};

struct Decoder : nn::Module {
    Decoder(std::int64_t tokens, std::size_t depth)
        : embedding(child("embedding", nn::Embedding(tokens, width))),
          blocks(child("blocks", nn::ModuleList<Block>(depth, [] { return Block(); }))),
          head(child("head", nn::Linear(width, tokens, {.bias = false}))) {}

    // Scores of the next token at every place, (N, tokens, T).
    Tensor operator()(const Tensor& tokens) const {
        Tensor x = embedding(tokens);
        for (const Block& block : blocks) x = block(x);
        return transpose(head(norm(x)), 1, 2);
    }
    Tensor operator()(const Tensor& tokens, std::vector<nn::KeyValueCache>& caches) const {
        Tensor x = embedding(tokens);
        for (std::size_t i = 0; i < blocks.size(); ++i) x = blocks[i](x, caches[i]);
        return transpose(head(norm(x)), 1, 2);
    }

    const nn::Embedding embedding;
    const nn::ModuleList<Block> blocks;
    const nn::RMSNorm norm = child("norm", nn::RMSNorm(width));
    const nn::Linear head;
};

struct Written {
    Tensor tokens, scores;  // (1, T); (1, tokens, T), the scores behind each token but the last
    double per_second = 0;
};

// `count` tokens behind the start, by the whole text each time or by the new token and the caches.
Written write(const Decoder& model, const Tensor& start, int count, bool cached, std::uint64_t seed) {
    const NoGrad guard;
    std::vector<nn::KeyValueCache> caches(model.blocks.size());
    GeneratorState draws{.seed = seed};
    Written out{.tokens = start, .scores = {}};
    Tensor fresh = start;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
        const Tensor scores = cached ? model(fresh, caches) : model(out.tokens);
        out.scores = !cached ? scores : out.scores.defined() ? cat({out.scores, scores}, 2) : scores;
        fresh = unsqueeze(
            sample_categorical(select(scores, 2, -1), {.temperature = 0.8, .top_k = 20, .generator = &draws}),
            1);
        out.tokens = cat({out.tokens, fresh}, 1);
    }
    out.per_second = count / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return out;
}

void run(const LectureOptions& options) {
    const std::string text = options.read_text();
    const data::Vocabulary vocabulary = data::Vocabulary::fit(text);
    const Tensor numbers = vocabulary.encode(text);
    const data::SequenceWindows windows(numbers, {.length = 48, .stride = options.quick ? 32 : 8});

    manual_seed(options.seed);
    const Decoder model(vocabulary.size(), 2);
    say("%d characters of %d kinds, %d windows, %d parameters; all kinds alike: %.3f a character\n",
        static_cast<int>(numbers.numel()), static_cast<int>(vocabulary.size()),
        static_cast<int>(windows.size()), static_cast<int>(model.parameter_count()),
        std::log(static_cast<double>(vocabulary.size())));
    optim::AdamW optimizer(model.parameters(), {.lr = 0.003, .weight_decay = 0.01});
    const auto show = [](train::Run& run) {
        say("epoch %d: loss %.3f a character\n", run.epoch, run.history.last().train.loss);
    };
    train::fit(model, [](const Tensor& y, const Tensor& t) { return cross_entropy(y, t); }, optimizer,
               windows,
               {.epochs = options.quick ? 5 : 20,
                .batch_size = 16,
                .seed = options.seed,
                .verbose = false,
                .callbacks = {{.on_epoch = show}}});

    // In f64 the two ways differ by so little that no draw can tell them apart.
    model.eval();
    model.to(f64);
    const Tensor start = unsqueeze(narrow(numbers, 0, 0, 16), 0);
    const int count = options.quick ? 100 : 300;
    const Written whole = write(model, start, count, false, options.seed),
                  by_cache = write(model, start, count, true, options.seed);
    const double difference = amax(abs(whole.scores - by_cache.scores)).item();
    std::printf("\n%s\n\n", vocabulary.decode(select(by_cache.tokens, 0, 0)).c_str());
    say("by the whole text %.0f tokens a second, by the cache %.0f\n", whole.per_second, by_cache.per_second);
    say("largest difference of scores %.1e, tokens %s\n", difference,
        equal(whole.tokens, by_cache.tokens) ? tr("equal") : tr("differ"));
    if (!(difference < 1e-9)) throw std::runtime_error(tr("the cache gives other scores"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "A small transformer that writes with and without a cache.", run,
                       {.time = "less than a minute", .text = true});
}
