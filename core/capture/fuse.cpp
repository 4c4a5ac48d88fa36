// Chains: elementwise calls over the same elements, one of which reads what another gives
// or reads, become one call.
//
// The list is gone through once. Calls are gathered in open chains, no two of which touch what the
// other writes, so that each may be made at any later place; a call that conflicts with one of them
// closes it. A chain is made where it is closed, later than its calls stood: what stands between
// conflicts with none of them.
#include <adjoint/core/capture/passes.h>

#include <algorithm>
#include <list>
#include <optional>

namespace adjoint {
namespace {

template <int N> bool is_dense(const Loop<N>& loop, int i) {
    std::int64_t dense[max_dims];
    dense_strides(loop.rank, loop.sizes, dense);
    return std::equal(dense, dense + loop.rank, loop.strides[i]);
}

// Functors whose results are 0 or 1: a bool keeps them as they are.
template <class F> constexpr bool gives_truth() {
    using namespace functor;
    return std::is_same_v<F, IsNan> || std::is_same_v<F, IsInf> || std::is_same_v<F, IsFinite> ||
           std::is_same_v<F, LogicalNot> || std::is_same_v<F, LogicalAnd> || std::is_same_v<F, LogicalOr> ||
           std::is_same_v<F, Eq> || std::is_same_v<F, Ne> || std::is_same_v<F, Lt> || std::is_same_v<F, Le> ||
           std::is_same_v<F, Gt> || std::is_same_v<F, Ge>;
}
template <class Op> bool gives_truth(const Op& op) {
    return std::visit([]<class F>(const F&) { return gives_truth<F>(); }, op);
}

// An open chain.
class OpenChain {
  public:
    /// One that begins with this call, if it is elementwise.
    static std::optional<OpenChain> beginning_with(const RecordedCall& first, const Effects& effects) {
        OpenChain chain;
        if (!chain.add(first, effects)) return {};
        return chain;
    }

    const Effects& effects() const { return effects_; }
    bool is_alone() const { return members_.size() == 1; }
    const RecordedCall& first() const { return members_.front(); }

    /// Takes the call in if it can be part of the chain; else leaves the chain as it is.
    bool take(const RecordedCall& one, const Effects& effects) {
        OpenChain longer = *this;
        if (!longer.add(one, effects)) return false;
        *this = std::move(longer);
        return true;
    }

    /// Takes in all calls of another open chain, which touches nothing that this one
    /// writes; else stays as it is.
    bool absorb(const OpenChain& other) {
        OpenChain longer = *this;
        longer.absorbs_ = true;
        for (const RecordedCall& one : other.members_)
            if (!longer.add(one, Effects(one.call))) return false;
        longer.absorbs_ = false;
        *this = std::move(longer);
        return true;
    }

    /// The value that a reduction of dense rows reads, if the chain made it and nothing is lost on the way.
    std::optional<std::uint8_t> rows_of(const call::Reduce& c) const {
        const ReductionLoop& r = c.loop;
        const bool inner = r.reduced_rank == 1 && r.reduced_strides[0] == 1;
        const bool outer = r.kept_rank == 0 || (r.kept_rank == 1 && r.kept_strides[0] == r.length);
        if (!inner || !outer || r.outputs * r.length != program_.numel || r.compute != program_.compute)
            return {};
        const auto place = find(r.in.data);
        if (place == places_.end() || !place->exact || r.in.dtype != r.compute) return {};
        return place->value;
    }

    /// What the chain has become: its program, with the results that `is_read` (range,
    /// from) finds readers for.
    template <class IsRead> ElementProgram finish(IsRead is_read) {
        for (const Place& place : places_) {
            if (!is_read(place.memory, place.at)) continue;
            const bool apart = std::none_of(
                program_.inputs.begin(), program_.inputs.end(), [&](const ElementProgram::Input& in) {
                    return range_of(program_.places(in), 0).overlaps(place.memory);
                });
            program_.outputs.push_back({place.value, place.x, apart});
        }
        assign_buffers();
        return std::move(program_);
    }
    bool contains(std::size_t at) const {
        return std::any_of(members_.begin(), members_.end(),
                           [&](const RecordedCall& m) { return m.at == at; });
    }

  private:
    // A dense result: the last value that a call of the chain wrote there.
    struct Place {
        Operand x;
        MemoryRange memory;
        std::uint8_t value;
        bool exact;  // reading it back gives the value
        std::size_t at;
    };

    bool add(const RecordedCall& one, const Effects& effects) {
        const bool added = std::visit(
            [&]<class Call>(const Call& c) {
                if constexpr (std::is_same_v<Call, call::Fill>)
                    return step(ElementProgram::Constant{c.value}, c.loop, false, one.at);
                else if constexpr (std::is_same_v<Call, call::Map> || std::is_same_v<Call, call::Zip>)
                    return step(c.op, c.loop, gives_truth(c.op), one.at);
                else if constexpr (std::is_same_v<Call, call::Select>)
                    return step(ElementProgram::Select{}, c.loop, false, one.at);
                else
                    return false;
            },
            one.call);
        if (!added) return false;
        members_.push_back(one);
        effects_.add(effects);
        return true;
    }

    template <class Op, int N> bool step(const Op& op, const Loop<N>& loop, bool truth, std::size_t at) {
        const bool begins = members_.empty();
        if (begins) {
            program_.numel = loop.numel;
            program_.compute = loop.compute;
            program_.rank = loop.rank;
            std::copy_n(loop.sizes, loop.rank, program_.sizes);
        }
        if (loop.numel != program_.numel || loop.compute != program_.compute || !is_dense(loop, 0))
            return false;
        if (program_.steps.size() == ElementProgram::most_steps) return false;
        ElementProgram::Step next{op, {}, 0};
        bool related = begins || absorbs_;
        for (int i = 1; i < N; ++i) {
            const std::optional<std::uint8_t> value = read(loop, i, next, related);
            if (!value) return false;
            next.from[i - 1] = *value;
        }
        if (!related || !fits(loop)) return false;
        std::uint8_t value = next.from[0];
        if (!is_copy(op)) {
            program_.steps.push_back(next);
            value = static_cast<std::uint8_t>(program_.values() - 1);
        }
        const Operand& to = loop.operands[0];
        std::erase_if(places_, [&](const Place& p) { return p.x.data == to.data; });
        places_.push_back({to, range_of(loop, 0), value,
                           to.dtype == program_.compute || (to.dtype == DType::boolean && truth), at});
        return true;
    }
    // A copy is no step: its result is the value itself.
    template <class Op> static bool is_copy(const Op& op) {
        if constexpr (std::is_same_v<Op, UnaryOp>)
            return std::holds_alternative<functor::Copy>(op);
        else
            return false;
    }

    std::vector<Place>::const_iterator find(const void* data) const {
        return std::find_if(places_.begin(), places_.end(), [&](const Place& p) { return p.x.data == data; });
    }

    // The value of operand i of a step whose earlier operands are known; `related` if
    // the chain knows it already.
    template <int N>
    std::optional<std::uint8_t> read(const Loop<N>& loop, int i, ElementProgram::Step& next, bool& related) {
        const Operand& x = loop.operands[i];
        const MemoryRange memory = range_of(loop, i);
        const auto overlaps = [&](const Place& p) { return p.memory.overlaps(memory); };
        if (std::any_of(places_.begin(), places_.end(), overlaps)) {
            const auto place = find(x.data);
            if (place == places_.end() || !place->exact || place->x.dtype != x.dtype || !is_dense(loop, i))
                return {};
            related = true;
            return place->value;
        }
        if (!refine(loop.rank, loop.sizes)) return {};
        ElementProgram::Input input{x, {}};
        strides_over(program_.rank, program_.sizes, loop.rank, loop.sizes, loop.strides[i], input.strides);
        for (std::size_t k = 0; k < program_.inputs.size(); ++k) {
            const ElementProgram::Input& known = program_.inputs[k];
            if (known.x.data == x.data && known.x.dtype == x.dtype &&
                std::equal(known.strides, known.strides + program_.rank, input.strides)) {
                related = true;
                return static_cast<std::uint8_t>(k);
            }
        }
        for (int j = 0; j + 1 < i; ++j) move_up(next.from[j]);
        return insert(input);
    }

    // Values of steps are numbered behind the inputs: one more input moves them.
    void move_up(std::uint8_t& value) const {
        if (value >= program_.inputs.size()) ++value;
    }
    std::optional<std::uint8_t> insert(const ElementProgram::Input& input) {
        const std::size_t place = program_.inputs.size();
        if (place == ElementProgram::most_inputs) return {};
        for (ElementProgram::Step& step : program_.steps)
            for (std::size_t j = 0; j < step.arity(); ++j) move_up(step.from[j]);
        for (Place& p : places_) move_up(p.value);
        program_.inputs.push_back(input);
        return static_cast<std::uint8_t>(place);
    }

    // Whether what the loop writes and the chain reads or writes is so place for place.
    template <int N> bool fits(const Loop<N>& loop) const {
        const Operand& x = loop.operands[0];
        const MemoryRange memory = range_of(loop, 0);
        std::int64_t dense[max_dims];
        dense_strides(program_.rank, program_.sizes, dense);
        for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
            const ElementProgram::Input& in = program_.inputs[i];
            const bool same = in.x.data == x.data && in.x.dtype == x.dtype &&
                              std::equal(dense, dense + program_.rank, in.strides);
            // Results that are an input itself are read from its memory.
            const bool copied =
                std::any_of(places_.begin(), places_.end(), [&](const Place& p) { return p.value == i; });
            if ((!same || copied) && range_of(program_.places(in), 0).overlaps(memory)) return false;
        }
        return std::all_of(places_.begin(), places_.end(), [&](const Place& p) {
            return !p.memory.overlaps(memory) || (p.x.data == x.data && p.x.dtype == x.dtype);
        });
    }

    // Cuts the program's dimensions where others have a bound. False if they are no cuts of one another.
    bool refine(int rank, const std::int64_t* sizes) {
        std::int64_t cut[2 * max_dims];
        int count = 0, a = program_.rank - 1, b = rank - 1;
        std::int64_t left_a = a >= 0 ? program_.sizes[a] : 1, left_b = b >= 0 ? sizes[b] : 1;
        while (a >= 0 && b >= 0) {
            const std::int64_t size = std::min(left_a, left_b);
            if (left_a % size != 0 || left_b % size != 0) return false;
            cut[count++] = size;
            left_a /= size;
            left_b /= size;
            if (left_a == 1 && --a >= 0) left_a = program_.sizes[a];
            if (left_b == 1 && --b >= 0) left_b = sizes[b];
        }
        if (count > max_dims) return false;
        std::reverse(cut, cut + count);
        ElementProgram finer = program_;
        finer.rank = count;
        std::copy_n(cut, count, finer.sizes);
        for (std::size_t i = 0; i < program_.inputs.size(); ++i)
            strides_over(count, cut, program_.rank, program_.sizes, program_.inputs[i].strides,
                         finer.inputs[i].strides);
        program_ = std::move(finer);
        return true;
    }
    // The strides over dimensions that are cut finer.
    static void strides_over(int finer_rank, const std::int64_t* finer, int rank, const std::int64_t* sizes,
                             const std::int64_t* strides, std::int64_t* to) {
        int d = rank - 1;
        std::int64_t inside = 1;
        for (int f = finer_rank - 1; f >= 0; --f) {
            to[f] = strides[d] * inside;
            inside *= finer[f];
            if (inside == sizes[d]) {
                --d;
                inside = 1;
            }
        }
    }

    // A value whose last reader has run leaves its buffer to a later one.
    void assign_buffers() {
        std::vector<std::size_t> last(program_.values(), 0);
        for (std::size_t i = 0; i < program_.steps.size(); ++i)
            for (std::size_t j = 0; j < program_.steps[i].arity(); ++j) last[program_.steps[i].from[j]] = i;
        for (const Place& p : places_) last[p.value] = program_.steps.size();
        std::vector<bool> taken;
        for (std::size_t i = 0; i < program_.steps.size(); ++i) {
            auto free = std::find(taken.begin(), taken.end(), false);
            if (free == taken.end()) free = taken.insert(free, false);
            *free = true;
            program_.steps[i].to = static_cast<std::uint8_t>(free - taken.begin());
            for (std::size_t k = 0; k < i; ++k)
                if (last[program_.inputs.size() + k] == i) taken[program_.steps[k].to] = false;
        }
        program_.buffers = taken.size();
    }

    std::vector<RecordedCall> members_;
    bool absorbs_ = false;  // calls that read nothing of it join it, too
    Effects effects_;
    ElementProgram program_;
    std::vector<Place> places_;
};

// The pass.
class Fusion {
  public:
    Fusion(const std::vector<RecordedCall>& list, const Lifetimes& lifetimes,
           std::deque<ElementProgram>& programs)
        : list_(list), lifetimes_(lifetimes), programs_(programs) {
        for (const RecordedCall& one : list) effects_.emplace_back(one.call);
    }

    std::vector<RecordedCall> run() {
        for (std::size_t i = 0; i < list_.size(); ++i) {
            const Effects& effects = effects_[i];
            const auto reduce = std::get_if<call::Reduce>(&list_[i].call);
            if (reduce && fold(*reduce, list_[i], effects)) continue;
            if (join_several(list_[i], effects)) continue;
            bool joined = false;
            for (auto chain = open_.begin(); chain != open_.end();) {
                const auto next = std::next(chain);
                if (!joined && chain->take(list_[i], effects))
                    joined = true;
                else if (chain->effects().conflicts(effects))
                    close(chain);
                chain = next;
            }
            if (joined) continue;
            if (std::optional<OpenChain> chain = OpenChain::beginning_with(list_[i], effects))
                open_.push_back(std::move(*chain));
            else
                made_.push_back(list_[i]);
        }
        while (!open_.empty()) close(open_.begin());
        return std::move(made_);
    }

  private:
    // The results of several chains that one call reads: they become one, which the call joins.
    bool join_several(const RecordedCall& one, const Effects& effects) {
        std::vector<std::list<OpenChain>::iterator> touched;
        for (auto chain = open_.begin(); chain != open_.end(); ++chain)
            if (chain->effects().conflicts(effects)) touched.push_back(chain);
        if (touched.size() < 2) return false;
        OpenChain merged = *touched[0];
        for (std::size_t i = 1; i < touched.size(); ++i)
            if (!merged.absorb(*touched[i])) return false;
        if (!merged.take(one, effects)) return false;
        *touched[0] = std::move(merged);
        for (std::size_t i = 1; i < touched.size(); ++i) open_.erase(touched[i]);
        return true;
    }

    // Whether what call `at` wrote is read by somebody who is not in the chain: after the
    // step, or by a later call.
    bool is_read(const OpenChain& chain, const MemoryRange& memory, std::size_t at,
                 std::size_t reduction) const {
        const Lifetime* lifetime = lifetimes_.find(memory, at);
        if (!lifetime) return true;
        for (std::size_t i = 0; i < list_.size(); ++i) {
            const std::size_t place = list_[i].at;
            if (place <= at || place >= lifetime->last || place == reduction || chain.contains(place))
                continue;
            for (const MemoryRange& r : effects_[i].reads)
                if (r.overlaps(memory)) return true;
        }
        return false;
    }

    const ElementProgram* finish(OpenChain& chain, std::size_t reduction) {
        return &programs_.emplace_back(chain.finish([&](const MemoryRange& memory, std::size_t at) {
            return is_read(chain, memory, at, reduction);
        }));
    }

    void close(std::list<OpenChain>::iterator chain) {
        if (chain->is_alone())
            made_.push_back(chain->first());
        else
            made_.push_back({call::Chain{finish(*chain, none)}, chain->first().at, 0, chain->first().layer});
        open_.erase(chain);
    }

    bool fold(const call::Reduce& reduce, const RecordedCall& one, const Effects& effects) {
        for (auto chain = open_.begin(); chain != open_.end(); ++chain) {
            const std::optional<std::uint8_t> value = chain->rows_of(reduce);
            if (!value) continue;
            // What it writes must not be what the chain reads or writes.
            Effects written;
            written.writes = effects.writes;
            if (chain->effects().conflicts(written)) return false;
            for (auto other = open_.begin(); other != open_.end();) {
                const auto next = std::next(other);
                if (other != chain && other->effects().conflicts(effects)) close(other);
                other = next;
            }
            made_.push_back({call::ChainReduce{finish(*chain, one.at), *value, reduce.op, reduce.loop.out,
                                               reduce.loop.outputs},
                             chain->first().at, 0, chain->first().layer});
            open_.erase(chain);
            return true;
        }
        return false;
    }

    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    const std::vector<RecordedCall>& list_;
    const Lifetimes& lifetimes_;
    std::deque<ElementProgram>& programs_;
    std::vector<Effects> effects_;
    std::list<OpenChain> open_;
    std::vector<RecordedCall> made_;
};

}  // namespace

void fuse_elementwise(std::vector<RecordedCall>& list, const Lifetimes& lifetimes,
                      std::deque<ElementProgram>& programs) {
    list = Fusion(list, lifetimes, programs).run();
}

}  // namespace adjoint
