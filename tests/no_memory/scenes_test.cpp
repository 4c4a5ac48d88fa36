// Whole scenes of a program, from files to training, in which each request for memory fails once: what was
// asked for is refused with an OutOfMemoryError or done all the same, and done again it has the same bits.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>
#ifdef ADJOINT_NO_MEMORY_ONNX
#include <adjoint/onnx.h>

#include "onnx/models.h"
#endif

#include "data/image_files.h"
#include "failing_memory.h"
#include "temporary_folder.h"

namespace adjoint {
namespace {

bool same(const Tensor& a, const Tensor& b) { return equal(a, b); }
bool same(const std::string& a, const std::string& b) { return a == b; }

/// Holds a scene to it. `prepare` makes what it works on, out of plenty; `result` says what came of it.
template <class Prepare, class Scene, class Result>
void survives(Prepare prepare, Scene scene, Result result, int least,
              Requests requests = Requests::of_this_thread) {
    using Start = decltype(prepare());
    std::unique_ptr<Start> start;
    const auto afresh = [&] { start.reset(new Start(prepare())); };
    afresh();
    scene(*start);
    const auto expected = result(*start);
    bool done = false;
    const auto run = [&] {
        done = false;
        scene(*start);
        done = true;
    };
    const auto look = [&] {
        if (done) {
            EXPECT_TRUE(same(result(*start), expected));
        }
        afresh();
        run();
        EXPECT_TRUE(same(result(*start), expected)) << "done again";
    };
    EXPECT_GT(with_every_failure(run, {.requests = requests, .before = afresh, .afterwards = look}), least);
}
/// The same of a scene that makes something and changes nothing.
template <class Scene> void gives_or_refuses(Scene scene, int least) {
    using Made = std::optional<decltype(scene())>;
    survives([] { return Made(); }, [&](Made& made) { made = scene(); }, [](Made& made) { return *made; },
             least);
}

nn::Sequential small_model() {
    manual_seed(5);
    return nn::Sequential(nn::Linear(6, 8), nn::ReLU(), nn::BatchNorm1d(8), nn::Dropout(0.25),
                          nn::Linear(8, 3));
}

struct Lesson {
    nn::Sequential model = small_model();
    optim::Adam optimizer{model.parameters(), {.lr = 0.01}};
    Tensor x = rand({16, 6}), y = randint(0, 3, {16});

    void step() {
        optimizer.zero_grad();
        cross_entropy(model(x), y).backward();
        optimizer.step();
    }
    Tensor weights() const {
        std::vector<Tensor> all;
        for (const auto& [name, p] : model.state()) all.push_back(reshape(p.detach().to(f32), {-1}));
        return cat(all);
    }
};

Tensor weights_of(const Lesson& lesson) { return lesson.weights(); }

struct SecondLesson : Lesson {
    SecondLesson() { step(); }
};

TEST(NoMemoryScene, ATrainingStep) {
    survives([] { return Lesson(); },
             [](Lesson& lesson) {
                 lesson.step();
                 lesson.step();
             },
             weights_of, 40, Requests::of_all_threads);
}

TEST(NoMemoryScene, ACapturedStep) {
    survives([] { return SecondLesson(); },
             [](Lesson& lesson) {
                 Captured step = capture([&] { lesson.step(); });
                 step.replay();
                 step.replay();
             },
             weights_of, 100);
}

TEST(NoMemoryScene, ABackwardPassOfSecondOrder) {
    const Tensor w = rand({4, 2}, {.dtype = f64});
    survives(
        [] {
            manual_seed(2);
            return rand({3, 4}, {.dtype = f64, .requires_grad = true});
        },
        [&](Tensor& x) {
            const Tensor y = sum(exp(matmul(x, w)));
            const Tensor g = grad(y, x, {.create_graph = true});
            sum(g * g).backward();
        },
        [](const Tensor& x) { return x.grad(); }, 5);
}

TEST(NoMemoryScene, AStepOfAnOptimizerIsDoneOrNot) {
    Lesson before;
    before.step();
    const auto start = before.optimizer.state();
    for (int n = 0; n < 10000; ++n) {
        Lesson lesson;
        lesson.step();
        cross_entropy(lesson.model(lesson.x), lesson.y).backward();
        const Tensor weights = lesson.weights();
        empty_cache();
        bool refused = false;
        try {
            const FailingMemory memory(n);
            lesson.optimizer.step();
        } catch (const OutOfMemoryError&) {
            refused = true;
            EXPECT_TRUE(equal(lesson.weights(), weights)) << "request " << n;
        }
        if (!refused) {
            EXPECT_FALSE(equal(lesson.weights(), weights));
            if (!FailingMemory::has_failed()) return;
        }
    }
    FAIL() << "no end of it";
}

/// Samples that are made when they are asked for.
class Rows : public data::Source {
  public:
    std::int64_t size() const override { return 24; }
    data::Batch get(std::span<const std::int64_t> samples) const override {
        std::vector<float> x;
        std::vector<std::int64_t> y;
        for (const std::int64_t i : samples) {
            for (int k = 0; k < 6; ++k) x.push_back(static_cast<float>((i * 7 + k * 3) % 11) / 11);
            y.push_back(i % 3);
        }
        const std::int64_t n = std::ssize(samples);
        return {tensor(x, {n, 6}), tensor(y, {n})};
    }
};

TEST(NoMemoryScene, FitWithWorkers) {
    const data::Samples samples(std::make_shared<const Rows>());
    const train::FitOptions options{
        .batch_size = 8,
        .seed = 3,
        .verbose = false,
        .transform =
            [](const data::Batch& batch) {
                return data::Batch{batch.x + 0.01 * rand(batch.x.shape()), batch.y};
            },
        .workers = 2};
    struct Taught : Lesson {
        train::Trainee trainee = train::trainee(model, nn::CrossEntropyLoss());
    };
    survives([] { return Taught(); },
             [&](Taught& lesson) { train::fit(lesson.trainee, lesson.optimizer, samples, options); },
             weights_of, 100, Requests::of_all_threads);
}

TEST(NoMemoryScene, ACheckpointWrittenAndRead) {
    const TemporaryFolder folder;
    const std::string path = folder / "run.ckpt";
    train::Checkpoint checkpoint;
    survives(
        [&] {
            const SecondLesson lesson;
            checkpoint = {.model = lesson.model.state(),
                          .optimizer = lesson.optimizer.state(),
                          .callbacks = {{{"best", Tensor(0.5)}}},
                          .generator = generator_state(),
                          .settings = {{"batch_size", "16"}}};
            return Lesson();
        },
        [&](Lesson& lesson) {
            train::save_checkpoint(path, checkpoint);
            const train::Checkpoint read = train::load_checkpoint(path);
            lesson.model.load(read.model);
            lesson.optimizer.load_state(read.optimizer);
            lesson.step();
        },
        weights_of, 300);
}

TEST(NoMemoryScene, ModelsAndImagesFromFiles) {
    const TemporaryFolder folder;
    const Lesson lesson;
    const std::string own = folder / "a.safetensors", by_torch = folder / "a.pth",
                      index = folder.file("a.safetensors.index.json",
                                          R"({"weight_map": {"0.weight": "a.safetensors"}})");
    lesson.model.save(own);
    data::save_torch(by_torch, lesson.model.state());
    survives([] { return Lesson(); }, [&](const Lesson& other) { other.model.load(own); }, weights_of, 50);
    survives([] { return Lesson(); }, [&](const Lesson& other) { other.model.load(by_torch); }, weights_of,
             50);
    gives_or_refuses([&] { return data::load_safetensors(index)["0.weight"]; }, 20);
    for (const auto& [readable, digits] : {std::pair{data::image_formats().png, data::png_palette},
                                           std::pair{data::image_formats().jpeg, data::jpeg_colour}}) {
        if (!readable) continue;
        const std::string image = folder.file("image", data::from_hex(digits));
        gives_or_refuses([&] { return data::resize_image(data::read_image(image), 3, 3); }, 3);
    }
}

TEST(NoMemoryScene, Printing) {
    manual_seed(1);
    const Tensor x = rand({20, 30, 4});
    const nn::Sequential model = small_model();
    const nn::Layer layer = model;
    const Shape shape{2, 6};
    gives_or_refuses([&] { return to_string(x); }, 4);
    gives_or_refuses([&] { return nn::to_string(model); }, 4);
    gives_or_refuses([&] { return train::summary(layer, shape); }, 4);
}

#ifdef ADJOINT_NO_MEMORY_ONNX
TEST(NoMemoryScene, AnOnnxModelLoadedAndRun) {
    manual_seed(4);
    const Tensor x = rand({1, 2, 6, 6});
    const std::string bytes = onnx::to_bytes(onnx::model_of_many_operators());
    const std::vector<Tensor> inputs = {x};
    gives_or_refuses(
        [&] {
            const NoGrad guard;
            const onnx::Network network(onnx::read(std::as_bytes(std::span(bytes)), "model"));
            return network(inputs)[0];
        },
        1000);
}
#endif

}  // namespace
}  // namespace adjoint
