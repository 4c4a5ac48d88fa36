// A recorded step as text.
#include <algorithm>
#include <map>
#include <string_view>

#include <adjoint/core/base/format.h>
#include <adjoint/core/capture/recorded_step.h>
#include <adjoint/core/contract/work.h>

namespace adjoint {
namespace {

// Numbers for memory, in the order in which it is met.
class Names {
  public:
    std::string of(const void* data) {
        return fmt::format("#{}", numbers_.try_emplace(data, numbers_.size()).first->second);
    }

  private:
    std::map<const void*, std::size_t> numbers_;
};

// What a call does to its memory, as text.
class Operands {
  public:
    explicit Operands(Names& names) : names_(names) {}

    void writes(const void* data, std::int64_t numel, DType type) { add(out_, data, one(numel), type); }
    void reads(const void* data, std::int64_t numel, DType type) { add(in_, data, one(numel), type); }
    void updates(const void* data, std::int64_t numel, DType type) { add(both_, data, one(numel), type); }
    void writes(const Operand& x, std::int64_t numel) { writes(x.data, numel, x.dtype); }
    void reads(const Operand& x, std::int64_t numel) { reads(x.data, numel, x.dtype); }

    template <int N> void writes(const Loop<N>& loop, int i) { of_loop(out_, loop, i); }
    template <int N> void reads(const Loop<N>& loop, int i, std::int64_t = 0) { of_loop(in_, loop, i); }
    template <int N> void updates(const Loop<N>& loop, int i, std::int64_t) { of_loop(both_, loop, i); }
    template <int N> void loop(const Loop<N>& loop) {
        writes(loop, 0);
        for (int i = 1; i < N; ++i) reads(loop, i);
    }
    void reduction(const ReductionLoop& r) {
        writes(r.out, r.outputs);
        reads(r.in, r.outputs * r.length);
    }

    std::string text() const {
        std::string all = out_;
        for (const auto& [word, part] : {std::pair{"updates ", both_}, std::pair{"of ", in_}})
            if (!part.empty()) all += (all.empty() ? word : std::string(" ") + word) + part;
        return all;
    }

  private:
    static std::string one(std::int64_t numel) { return fmt::format("{}", numel); }
    void add(std::string& to, const void* data, const std::string& shape, DType type) {
        if (!data) return;
        to += fmt::format("{}{} {}[{}]", to.empty() ? "" : ", ", names_.of(data), name(type), shape);
    }
    template <int N> void of_loop(std::string& to, const Loop<N>& loop, int i) {
        std::string shape;
        for (int d = 0; d < loop.rank; ++d)
            shape += fmt::format("{}{}", d == 0 ? "" : "x", loop.strides[i][d] == 0 ? 1 : loop.sizes[d]);
        add(to, loop.operands[i].data, loop.rank == 0 ? "1" : shape, loop.operands[i].dtype);
    }

    Names& names_;
    std::string out_, both_, in_;
};

// The steps of a program, in order.
std::string steps_of(const ElementProgram& program) {
    std::string text;
    for (const ElementProgram::Step& step : program.steps) {
        const std::string_view name = std::visit(
            []<class Op>(const Op& op) -> std::string_view {
                if constexpr (std::is_same_v<Op, ElementProgram::Constant>)
                    return call::Fill::name;
                else if constexpr (std::is_same_v<Op, ElementProgram::Select>)
                    return call::Select::name;
                else
                    return functor_name(op);
            },
            step.op);
        text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
    }
    if (text.empty()) text = functor::Copy::name;
    return text;
}

std::string then(const Epilogue& epilogue) {
    const std::string_view activation = activation_name(epilogue.activation);
    return fmt::format("{}{}{}", epilogue.bias ? " + bias" : "", activation.empty() ? "" : ", ", activation);
}

std::string describe(const AnyCall& any, Names& names) {
    return std::visit(
        [&](const auto& call) {
            Operands operands(names);
            call.memory(operands);
            std::string detail(inner_name(call));
            if constexpr (std::is_same_v<decltype(call), const call::Convolve&>) detail = then(call.epilogue);
            if constexpr (requires { call.program; })
                detail = detail.empty() ? steps_of(*call.program)
                                        : fmt::format("{}, {}", steps_of(*call.program), detail);
            if constexpr (requires { call.batch_rank; }) {
                std::int64_t batch = 1;
                for (int d = 0; d < call.batch_rank; ++d) batch *= call.batch_sizes[d];
                detail = fmt::format("{}{} x {} x {}{}", batch == 1 ? "" : fmt::format("{} of ", batch),
                                     call.m, call.k, call.n, then(call.epilogue));
            }
            return fmt::format("{}{}{}: {}", call.name, detail.empty() ? "" : " ", detail, operands.text());
        },
        any);
}

}  // namespace

std::vector<std::vector<std::size_t>> RecordedStep::edges() const {
    std::vector<Effects> effects;
    for (const RecordedCall& one : list_) effects.emplace_back(one.call);
    std::vector<std::vector<std::size_t>> after(list_.size());
    std::vector<std::vector<bool>> reached(list_.size());  // whom a call follows, by others too
    for (std::size_t i = 0; i < list_.size(); ++i) {
        reached[i].resize(i, false);
        for (std::size_t j = i; j-- > 0;) {
            if (reached[i][j] || !effects[i].conflicts(effects[j])) continue;
            after[i].insert(after[i].begin(), j);
            reached[i][j] = true;
            for (std::size_t k = 0; k < j; ++k) reached[i][k] = reached[i][k] || reached[j][k];
        }
    }
    return after;
}

std::string RecordedStep::describe() const {
    Names names;
    std::string text;
    const std::vector<std::vector<std::size_t>> after = edges();
    for (std::size_t i = 0; i < list_.size(); ++i) {
        text += fmt::format("{:3}  {}", i, adjoint::describe(list_[i].call, names));
        for (std::size_t j = 0; j < after[i].size(); ++j)
            text += fmt::format("{}{}", j == 0 ? "; after " : ", ", after[i][j]);
        text += '\n';
    }
    return text;
}

}  // namespace adjoint
