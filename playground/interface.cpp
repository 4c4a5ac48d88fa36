// The one session, and the buffers.
#include <adjoint/playground/interface.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <adjoint/playground/choices.h>
#include <adjoint/playground/program.h>
#include <adjoint/playground/session.h>

using namespace adjoint;

namespace {

struct Page {
    std::unique_ptr<playground::Session> session =
        std::make_unique<playground::Session>(playground::Settings{});
    std::string text;
    std::vector<float> numbers, points;
    std::vector<std::uint8_t> maps;
};

Page& page() {
    static Page the_page;
    return the_page;
}

const char* kept(std::string text) {
    page().text = std::move(text);
    return page().text.c_str();
}

// The message of what f() throws, else "".
template <class F> const char* attempt(F f) {
    try {
        f();
        return kept("");
    } catch (const std::exception& error) {
        return kept(error.what());
    }
}

void append(std::vector<float>& numbers, const Tensor& tensor) {
    const float* const values = tensor.data<float>();
    numbers.insert(numbers.end(), values, values + tensor.numel());
}

}  // namespace

const char* playground_choices() { return kept(playground::choices_as_json()); }

const char* playground_start(const char* settings) {
    return attempt([&] {
        auto fresh = std::make_unique<playground::Session>(playground::read_settings(settings));
        page().session = std::move(fresh);
    });
}

const char* playground_settings() { return kept(playground::to_string(page().session->settings())); }

const char* playground_step(int batches) {
    return attempt([&] {
        playground::Session& session = *page().session;
        session.step(std::min<std::int64_t>(batches, session.batches() - session.batch()));
    });
}

const char* playground_set_weight(int layer, int to, int from, double value) {
    return attempt([&] { page().session->set_weight(layer, to, from, value); });
}

const float* playground_numbers() {
    const playground::Session& session = *page().session;
    std::vector<float>& numbers = page().numbers;
    numbers = {static_cast<float>(session.epoch()),
               static_cast<float>(session.batch()),
               static_cast<float>(session.batches()),
               static_cast<float>(session.train_loss()),
               static_cast<float>(session.test_loss()),
               static_cast<float>(playground::train_count(session.settings()))};
    for (const double norm : session.gradient_norms()) numbers.push_back(static_cast<float>(norm));
    for (const nn::Linear& layer : session.layers()) {
        append(numbers, layer.weight);
        append(numbers, layer.bias);
    }
    return numbers.data();
}

const std::uint8_t* playground_maps() {
    page().session->draw_maps(page().maps);
    return page().maps.data();
}

int playground_map_side() { return static_cast<int>(playground::map_side); }

const float* playground_points() {
    page().points.clear();
    append(page().points, page().session->points());
    return page().points.data();
}

int playground_point_count() { return static_cast<int>(playground::point_count); }

const char* playground_program(int epochs) {
    return kept(playground::program(page().session->settings(), epochs));
}
