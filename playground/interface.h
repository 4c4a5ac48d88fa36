// What JavaScript calls: functions of C, one session, results in buffers that stay until the next call.
#pragma once

#include <cstdint>

#if defined(__EMSCRIPTEN__)
#define ADJOINT_PLAYGROUND_API __attribute__((used, visibility("default")))
#else
#define ADJOINT_PLAYGROUND_API
#endif

extern "C" {

/// Names and limits of the settings as JSON.
ADJOINT_PLAYGROUND_API const char* playground_choices();
/// Begins anew with the settings of a text like "data=spiral&layers=8,8"; "" or what is wrong with
/// it, and then all stays.
ADJOINT_PLAYGROUND_API const char* playground_start(const char* settings);
/// All settings as such a text.
ADJOINT_PLAYGROUND_API const char* playground_settings();
/// Trains with so many batches, at most to the end of the epoch; "" or what went wrong.
ADJOINT_PLAYGROUND_API const char* playground_step(int batches);
/// Changes a weight, or a bias where `from` is -1; "" or what is wrong.
ADJOINT_PLAYGROUND_API const char* playground_set_weight(int layer, int to, int from, double value);
/// Epoch, batch, batches of an epoch, loss, test loss, points to train on; then of each layer the norm of its
/// gradient; then of each layer weights (units, inputs) and biases.
ADJOINT_PLAYGROUND_API const float* playground_numbers();
/// The maps of features, units and output, each of side x side bytes.
ADJOINT_PLAYGROUND_API const std::uint8_t* playground_maps();
ADJOINT_PLAYGROUND_API int playground_map_side();
/// Of each point x1, x2 and the target; those to train on come first.
ADJOINT_PLAYGROUND_API const float* playground_points();
ADJOINT_PLAYGROUND_API int playground_point_count();
/// The C++ program that does the same for so many epochs.
ADJOINT_PLAYGROUND_API const char* playground_program(int epochs);
}
