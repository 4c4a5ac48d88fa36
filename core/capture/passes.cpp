// Constants and dead calls.
#include <adjoint/core/capture/passes.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

namespace adjoint {
namespace {

// A dense constant in memory.
struct Filled {
    MemoryRange memory;
    DType type;
    double value;
};

// The number that operand i reads everywhere, if it is known and of the type of the arithmetic.
template <int N>
std::optional<double> constant_of(const std::vector<Filled>& known, const Loop<N>& loop, int i) {
    const Operand& x = loop.operands[i];
    if (x.dtype != loop.compute) return std::nullopt;
    const auto filled = std::find_if(known.begin(), known.end(), [&](const Filled& f) {
        return f.type == x.dtype && f.memory.contains(range_of(loop, i));
    });
    return filled == known.end() ? std::nullopt : std::optional(filled->value);
}

// The call with operand 1 or 2 known to be `value` everywhere: the same arithmetic, by
// a functor with a number.
std::optional<call::Map> with_constant(const call::Zip& zip, int operand, double value) {
    const auto map = [&](const UnaryOp& op) {
        return call::Map{op, over_operands(zip.loop, {0, 3 - operand})};
    };
    const bool first = operand == 1;
    return std::visit(
        [&]<class F>(const F&) -> std::optional<call::Map> {
            if constexpr (std::is_same_v<F, functor::Mul>)
                return value == 1 ? map(functor::Copy{}) : map(functor::MulScalar{value});
            else if constexpr (std::is_same_v<F, functor::Add>)
                return map(functor::AddScalar{value});
            else if constexpr (std::is_same_v<F, functor::Div>)
                return first ? map(functor::RdivScalar{value}) : map(functor::DivScalar{value});
            else
                return std::nullopt;
        },
        zip.op);
}

// Functions of one variable that have the same bits on every device: one operation, which is rounded once.
template <class F>
constexpr bool is_plain_arithmetic = [] {
    using namespace functor;
    return std::is_same_v<F, Copy> || std::is_same_v<F, Neg> || std::is_same_v<F, AddScalar> ||
           std::is_same_v<F, RsubScalar> || std::is_same_v<F, MulScalar> || std::is_same_v<F, DivScalar> ||
           std::is_same_v<F, RdivScalar> || std::is_same_v<F, Square>;
}();

// A function of a constant is one.
void fold_map(AnyCall& call, const std::vector<Filled>& known) {
    const auto* const map = std::get_if<call::Map>(&call);
    if (!map || map->loop.operands[0].dtype != map->loop.compute) return;
    const std::optional<double> constant = constant_of(known, map->loop, 1);
    if (!constant) return;
    const double value = std::visit(
        [&]<class F>(const F& f) {
            if constexpr (!is_plain_arithmetic<F>)
                return std::nan("");
            else if (map->loop.compute == DType::f32)
                return static_cast<double>(f.template value<float>(static_cast<float>(*constant)));
            else
                return static_cast<double>(f.template value<double>(*constant));
        },
        map->op);
    if (std::isnan(value)) return;
    call = call::Fill{over_operands(map->loop, {0}), value};
}

}  // namespace

void fold_constants(std::vector<RecordedCall>& list) {
    std::vector<Filled> known;
    for (RecordedCall& one : list) {
        if (const auto* zip = std::get_if<call::Zip>(&one.call); zip && zip->loop.compute != DType::i64) {
            for (int operand = 1; operand <= 2; ++operand) {
                const std::optional<double> constant = constant_of(known, zip->loop, operand);
                if (!constant) continue;
                if (std::optional<call::Map> map = with_constant(*zip, operand, *constant)) {
                    one.call = *map;
                    break;
                }
            }
        }
        fold_map(one.call, known);
        const Effects effects(one.call);
        std::erase_if(known, [&](const Filled& f) {
            return std::any_of(effects.writes.begin(), effects.writes.end(),
                               [&](const MemoryRange& w) { return w.overlaps(f.memory); });
        });
        // Where nothing is rounded on the way to memory: a number of the compute type,
        // which is the functor's own.
        if (const auto* fill = std::get_if<call::Fill>(&one.call);
            fill && fill->loop.dense && fill->loop.operands[0].dtype == fill->loop.compute &&
            fill->loop.compute != DType::i64)
            known.push_back({effects.writes[0], fill->loop.compute, fill->value});
    }
}

void drop_dead_calls(std::vector<RecordedCall>& list, const Lifetimes& lifetimes) {
    std::map<const Lifetime*, std::vector<MemoryRange>> read_later;
    std::vector<RecordedCall> live;
    for (auto one = list.rbegin(); one != list.rend(); ++one) {
        const Effects effects(one->call);
        const bool seen =
            effects.writes.empty() ||
            std::any_of(effects.writes.begin(), effects.writes.end(), [&](const MemoryRange& w) {
                const Lifetime* lifetime = lifetimes.find(w, one->at);
                if (!lifetime) return true;
                const std::vector<MemoryRange>& reads = read_later[lifetime];
                return std::any_of(reads.begin(), reads.end(),
                                   [&](const MemoryRange& r) { return r.overlaps(w); });
            });
        if (!seen) continue;
        for (const MemoryRange& r : effects.reads)
            if (const Lifetime* lifetime = lifetimes.find(r, one->at)) read_later[lifetime].push_back(r);
        live.push_back(std::move(*one));
    }
    std::reverse(live.begin(), live.end());
    list = std::move(live);
}

void join_updates(std::vector<RecordedCall>& list) {
    for (std::size_t u = 0; u < list.size(); ++u) {
        const auto* const update = std::get_if<call::Update>(&list[u].call);
        if (!update) continue;
        const Effects effects(list[u].call);
        for (std::size_t i = u; i-- > 0;) {
            const Effects before(list[i].call);
            if (const auto* const backward = std::get_if<call::LinearBackward>(&list[i].call);
                backward && !before.reads_what(effects)) {
                list[i] = {call::BackwardUpdate{*backward, *update}, list[i].at, list[u].update,
                           list[i].layer};
                list.erase(list.begin() + static_cast<std::ptrdiff_t>(u--));
                break;
            }
            if (effects.conflicts(before)) break;
        }
    }
}

}  // namespace adjoint
