// A language model of characters: an LSTM learns a text, and writes more of it letter by letter.
#include <adjoint/adjoint.h>

#include "lecture.h"

#include <cmath>
#include <span>

using namespace adjoint;

namespace {

// Scores of the next character at every place, (N, characters, T).
struct CharacterModel : nn::Module {
    CharacterModel(std::int64_t characters, std::int64_t width)
        : embedding(child("embedding", nn::Embedding(characters, 32))),
          lstm(child("lstm", nn::LSTM(32, width, {.batch_first = true}))),
          head(child("head", nn::Linear(width, characters))) {}

    Tensor operator()(const Tensor& text) const {
        return transpose(head(lstm(embedding(text)).output), 1, 2);
    }
    // The scores behind one character (1, 1), and the state to go on from.
    Tensor next(const Tensor& character, nn::RecurrentState& state) const {
        const nn::LSTMOutput out = lstm(embedding(character), state);
        state = {out.h_n, out.c_n};
        return select(head(out.output), 1, 0);
    }

    const nn::Embedding embedding;
    const nn::LSTM lstm;
    const nn::Linear head;
};

// What knowing how frequent each character is would cost.
double entropy(const Tensor& numbers, std::int64_t characters) {
    std::vector<double> counts(static_cast<std::size_t>(characters));
    for (const std::int64_t number : numbers.to_vector<std::int64_t>())
        ++counts[static_cast<std::size_t>(number)];
    double sum = 0;
    for (const double count : counts)
        sum -= count / static_cast<double>(numbers.numel()) *
               std::log(count / static_cast<double>(numbers.numel()));
    return sum;
}

std::string written(const CharacterModel& model, const data::Vocabulary& vocabulary, const Tensor& start,
                    int length, const SampleOptions& how) {
    const NoGrad guard;
    std::string text = vocabulary.decode(start);
    nn::RecurrentState state;
    Tensor scores;
    for (const std::int64_t number : start.to_vector<std::int64_t>())
        scores = model.next(full({1, 1}, number, {.dtype = i64}), state);
    for (int i = 0; i < length; ++i) {
        const Tensor character = sample_categorical(scores, how);
        text += vocabulary.decode(character);
        scores = model.next(reshape(character, {1, 1}), state);
    }
    return text;
}

void run(const LectureOptions& options) {
    const std::string text = options.read_text();
    const data::Vocabulary vocabulary = data::Vocabulary::fit(text);
    const Tensor numbers = vocabulary.encode(text);
    const data::SequenceWindows windows(numbers, {.length = 32, .stride = options.quick ? 32 : 8});
    say("%d characters of %d kinds, %d windows\n", static_cast<int>(numbers.numel()),
        static_cast<int>(vocabulary.size()), static_cast<int>(windows.size()));
    say("all kinds alike: %.3f a character; by frequency: %.3f\n",
        std::log(static_cast<double>(vocabulary.size())), entropy(numbers, vocabulary.size()));

    manual_seed(options.seed);
    const CharacterModel model(vocabulary.size(), options.quick ? 64 : 128);
    optim::Adam optimizer(model.parameters(), {.lr = options.quick ? 0.01 : 0.003});
    const auto show = [](train::Run& run) {
        say("epoch %d: loss %.3f a character\n", run.epoch, run.history.last().train.loss);
    };
    train::fit(model, cross_entropy, optimizer, windows,
               {.epochs = options.quick ? 6 : 20,
                .batch_size = 16,
                .seed = options.seed,
                .verbose = false,
                .callbacks = {{.on_epoch = show}}});
    model.eval();
    const Tensor start = narrow(numbers, 0, 0, 8);
    say("\nthe likeliest:  %s\n", written(model, vocabulary, start, 60, {.temperature = 0}).c_str());
    GeneratorState draws{.seed = options.seed};
    const SampleOptions how{.temperature = 0.7, .top_k = 20, .top_p = 0.95, .generator = &draws};
    say("drawn at 0.7:   %s\n", written(model, vocabulary, start, 240, how).c_str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "A text learnt letter by letter, and more of it written.", run,
                       {.time = "less than a minute", .text = true});
}
