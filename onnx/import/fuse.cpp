// Finding steps that can be one.
#include <adjoint/onnx/import/fuse.h>

#include <map>

namespace adjoint::onnx {

namespace {

/// The tail that a step would be behind another; nothing for one that cannot be.
std::optional<Tail> as_tail(const Step& step, const StepOrigin& origin) {
    if (step.outputs.size() != 1 || step.inputs.empty()) return {};
    if (origin.row->name == "Relu") return Tail{.then = Activation::relu};
    if (origin.row->name != "BatchNormalization") return {};
    const Attributes attributes(origin.node->attributes);
    // Its other inputs have to be there before the step that takes it in.
    for (std::size_t i = 1; i < step.inputs.size(); ++i)
        if (step.inputs[i].kind != Source::weight && step.inputs[i].kind != Source::constant) return {};
    if (attributes.flag("training_mode") || step.inputs.size() != 5) return {};
    return Tail{.normalises = true,
                .eps = attributes.real("epsilon", 1e-5),
                .momentum = 1 - attributes.real("momentum", 0.9)};
}

/// How often each place of the run is read.
std::map<int, int> reads(const Program& program) {
    std::map<int, int> counts;
    for (const Step& step : program.steps)
        for (const Source& source : step.inputs)
            if (source.kind == Source::run) ++counts[source.index];
    for (const Source& source : program.outputs)
        if (source.kind == Source::run) ++counts[source.index];
    return counts;
}

}  // namespace

void fuse_steps(Program& program, std::vector<StepOrigin>& origins) {
    std::map<int, int> read = reads(program);
    std::map<int, std::size_t> giver;  // of a place, the step that may still take something in
    std::vector<Tail> tails(program.steps.size());
    std::vector<Step> steps;
    std::vector<StepOrigin> kept;
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
        Step& step = program.steps[i];
        const auto tail = as_tail(step, origins[i]);
        const bool follows = tail && step.inputs[0].kind == Source::run && read[step.inputs[0].index] == 1;
        const auto found = follows ? giver.find(step.inputs[0].index) : giver.end();
        if (found != giver.end()) {
            const std::size_t at = found->second;
            Tail joined = tails[at];
            if (tail->normalises) joined = *tail;
            joined.then = tail->then;
            if (const Kernel kernel = kept[at].fuse(joined)) {
                tails[at] = joined;
                steps[at].kernel = kernel;
                steps[at].outputs = step.outputs;
                steps[at].inputs.insert(steps[at].inputs.end(), step.inputs.begin() + 1, step.inputs.end());
                giver.erase(found);
                // Nothing stands behind an activation.
                if (joined.then == Activation::none) giver[step.outputs[0].index] = at;
                continue;
            }
        }
        if (origins[i].fuse && step.outputs.size() == 1 && step.outputs[0].kind == Source::run)
            giver[step.outputs[0].index] = steps.size();
        tails[steps.size()] = {};
        steps.push_back(std::move(step));
        kept.push_back(std::move(origins[i]));
    }
    program.steps = std::move(steps);
    origins = std::move(kept);
}

}  // namespace adjoint::onnx
