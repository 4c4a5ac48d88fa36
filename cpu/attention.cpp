// Attention block by block: no more of the weights is there at a time than a block of queries has for
// a block of keys.
//
// A task is a head; of a long one, on the way forward some queries and on the way back some blocks of keys.
// All follows from sizes, so that the threads change no bits. source: Dao et al., FlashAttention, 2022;
// Milakov and Gimelshein, Online normalizer calculation, 2018.
#include <algorithm>
#include <limits>

#include <adjoint/cpu/buffer.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/scratch.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {
namespace {

constexpr std::int64_t query_block = 64, key_block = 128;
constexpr std::int64_t task_queries = 256;  // share the packed keys

// Rows of one head.
template <class T> struct HeadPart {
    T* data;
    std::int64_t row;
    T* at(std::int64_t i) const { return data + i * row; }
};
// A factor of a product, and one in panels of k rows.
template <class T> struct Factor {
    const T* data;
    std::int64_t row, column;
};
template <class T> struct Packed {
    const T* data;
    std::int64_t k;
};
template <class T> HeadPart<T> head_of(const HeadRows& x, std::int64_t batch, std::int64_t head) {
    return {static_cast<T*>(x.data) + batch * x.batch + head * x.head, x.row};
}

// Parts of a piece of memory, one after the other; of no memory how much they take.
template <class T> class Parts {
  public:
    explicit Parts(T* memory) : memory_(memory) {}
    T* take(std::int64_t elements) {
        T* const part = memory_ ? memory_ + used_ : nullptr;
        used_ += round_up(elements, 64 / static_cast<std::int64_t>(sizeof(T)));
        return part;
    }
    std::size_t bytes() const { return static_cast<std::size_t>(used_) * sizeof(T); }

  private:
    T* memory_;
    std::int64_t used_ = 0;
};

template <class T> class AttentionHead {
  public:
    AttentionHead(CpuBackend& cpu, const call::Attend& c, std::int64_t number)
        : c_(c),
          s_(c.shape),
          batch_(number / s_.heads),
          head_(number % s_.heads),
          panels_(cpu.kernels.panels[column]),
          kernels_(cpu.kernels.attention[column]),
          q_(head_of<T>(c.q, batch_, head_)),
          k_(head_of<T>(c.k, batch_, head_)),
          v_(head_of<T>(c.v, batch_, head_)),
          out_(head_of<T>(c.out, batch_, head_)) {}

    // Queries first .. first + count - 1.
    void forward(std::int64_t first, std::int64_t count) {
        struct Memory {
            T *keys, *values, *out, *tops, *totals;
        } at{};
        take_memory([&](Parts<T>& all) {
            at.keys = all.take(packed_columns(key_block, s_.width));
            at.values = all.take(packed_columns(s_.values, key_block));
            at.out = all.take(count * s_.values);
            at.tops = all.take(count);
            at.totals = all.take(count);
        });
        std::fill_n(at.out, count * s_.values, T(0));
        std::fill_n(at.tops, count, -std::numeric_limits<T>::infinity());
        std::fill_n(at.totals, count, T(0));
        for (std::int64_t key = 0; key < seen_until(first + count - 1); key += key_block) {
            const std::int64_t keys = std::min(key_block, s_.keys - key);
            pack_columns(at.keys, k_.at(key), k_.row, keys, s_.width);
            pack_rows(at.values, v_.at(key), v_.row, keys, s_.values);
            for (std::int64_t i = 0; i < count; i += query_block) {
                const std::int64_t queries = std::min(query_block, count - i);
                const std::int64_t seen = seen_in_block(first + i + queries - 1, key, keys);
                if (seen <= 0) continue;
                const AttentionScores block = scores(first + i, queries, key, seen, at.keys);
                kernels_.softmax({block, at.tops + i, at.totals + i, at.out + i * s_.values, s_.values});
                multiply({at.out + i * s_.values, s_.values}, queries, s_.values, seen,
                         {scores_, key_block, 1}, {at.values, keys}, true);
            }
        }
        kernels_.finish({.rows = count,
                         .values = s_.values,
                         .tops = at.tops,
                         .totals = at.totals,
                         .out = at.out,
                         .to = out_.at(first),
                         .to_row = out_.row,
                         .log_sums = c_.log_sums ? log_sums() + first : nullptr});
    }

    // Of every `parts`-th block of keys from `part` on; what they give to the gradients of queries is in dq.
    void backward(const call::AttendBackward& d, std::int64_t part, std::int64_t parts,
                  const HeadPart<T>& dq) {
        const HeadPart<T> g = head_of<T>(d.g, batch_, head_), dk = head_of<T>(d.dk, batch_, head_),
                          dv = head_of<T>(d.dv, batch_, head_);
        struct Memory {
            T *dots, *key_columns, *value_columns, *key_rows, *query_rows, *gradient_rows;
        } at{};
        take_memory([&](Parts<T>& all) {
            at.dots = all.take(s_.queries);
            at.key_columns = all.take(packed_columns(key_block, s_.width));
            at.value_columns = all.take(packed_columns(key_block, s_.values));
            at.key_rows = all.take(packed_columns(s_.width, key_block));
            at.query_rows = all.take(packed_columns(s_.width, query_block));
            at.gradient_rows = all.take(packed_columns(s_.values, query_block));
        });
        kernels_.dots({at.dots, g.data, out_.data, s_.queries, s_.values, g.row, out_.row});
        if (d.dq.data) clear(dq, s_.queries, s_.width);
        for (std::int64_t key = part * key_block; key < s_.keys; key += parts * key_block) {
            const std::int64_t keys = std::min(key_block, s_.keys - key);
            if (d.dk.data) clear({dk.at(key), dk.row}, keys, s_.width);
            if (d.dv.data) clear({dv.at(key), dv.row}, keys, s_.values);
            if (key >= seen_until(s_.queries - 1)) continue;
            pack_columns(at.key_columns, k_.at(key), k_.row, keys, s_.width);
            pack_columns(at.value_columns, v_.at(key), v_.row, keys, s_.values);
            pack_rows(at.key_rows, k_.at(key), k_.row, keys, s_.width);
            for (std::int64_t query = 0; query < s_.queries; query += query_block) {
                const std::int64_t queries = std::min(query_block, s_.queries - query);
                const std::int64_t seen = seen_in_block(query + queries - 1, key, keys);
                if (seen <= 0) continue;
                const AttentionScores block = scores(query, queries, key, seen, at.key_columns);
                multiply({weight_gradients_, key_block}, queries, seen, s_.values, {g.at(query), g.row, 1},
                         {at.value_columns, s_.values}, false);
                kernels_.gradient({block, weight_gradients_, log_sums() + query, at.dots + query});
                if (d.dv.data) {
                    pack_rows(at.gradient_rows, g.at(query), g.row, queries, s_.values);
                    multiply({dv.at(key), dv.row}, seen, s_.values, queries, {scores_, 1, key_block},
                             {at.gradient_rows, queries}, true);
                }
                if (d.dk.data) {
                    pack_rows(at.query_rows, q_.at(query), q_.row, queries, s_.width);
                    multiply({dk.at(key), dk.row}, seen, s_.width, queries, {weight_gradients_, 1, key_block},
                             {at.query_rows, queries}, true);
                }
                if (d.dq.data)
                    multiply({dq.at(query), dq.row}, queries, s_.width, seen,
                             {weight_gradients_, key_block, 1}, {at.key_rows, keys}, true);
            }
        }
    }

  private:
    static constexpr int column = std::is_same_v<T, double> ? compute_f64 : compute_f32;

    T* log_sums() const { return static_cast<T*>(c_.log_sums) + (batch_ * s_.heads + head_) * s_.queries; }

    // Of the thread's scratch memory: the blocks of weights, and what `parts` takes.
    template <class F> void take_memory(F parts) {
        const auto all = [&](Parts<T>& from) {
            scores_ = from.take(query_block * key_block);
            weight_gradients_ = from.take(query_block * key_block);
            added_ = from.take(c_.mask.operand.data ? query_block * key_block : 0);
            parts(from);
        };
        Parts<T> size(nullptr);
        all(size);
        Parts<T> memory(static_cast<T*>(scratch(size.bytes())));
        all(memory);
    }

    std::int64_t packed_columns(std::int64_t columns, std::int64_t k) const {
        return round_up(columns, panels_.columns) * k;
    }
    // A factor of `columns` columns, of which the rows are `row` apart, in panels of k rows.
    void pack_rows(T* to, const T* from, std::int64_t row, std::int64_t k, std::int64_t columns) const {
        for (std::int64_t j = 0; j < columns; j += panels_.columns)
            panels_.pack(to + j * k, from + j, row, 1, std::min(panels_.columns, columns - j), k);
    }
    // The same of a factor that is given transposed.
    void pack_columns(T* to, const T* from, std::int64_t column_step, std::int64_t columns,
                      std::int64_t k) const {
        for (std::int64_t j = 0; j < columns; j += panels_.columns)
            panels_.pack(to + j * k, from + j * column_step, 1, column_step,
                         std::min(panels_.columns, columns - j), k);
    }
    // to (+)= a b: m x k and k x n.
    void multiply(const HeadPart<T>& to, std::int64_t m, std::int64_t n, std::int64_t k, const Factor<T>& a,
                  const Packed<T>& b, bool accumulate) const {
        for (std::int64_t j = 0; j < n; j += panels_.columns)
            panels_.multiply({.c = to.data + j,
                              .a = a.data,
                              .b = b.data + j * b.k,
                              .m = m,
                              .k = k,
                              .columns = std::min(panels_.columns, n - j),
                              .c_row = to.row,
                              .a_row = a.row,
                              .a_column = a.column,
                              .accumulate = accumulate});
    }

    // How many keys query i sees, counted from the first, and from `key` on of a block of them.
    std::int64_t seen_until(std::int64_t i) const {
        return s_.causal ? std::clamp<std::int64_t>(s_.past + i + 1, 0, s_.keys) : s_.keys;
    }
    std::int64_t seen_in_block(std::int64_t i, std::int64_t key, std::int64_t keys) const {
        return std::min(keys, seen_until(i) - key);
    }

    // Sums of products of some queries with the packed keys from `key` on, as far as one of the queries sees.
    AttentionScores scores(std::int64_t query, std::int64_t queries, std::int64_t key, std::int64_t seen,
                           const T* packed_keys) const {
        multiply({scores_, key_block}, queries, seen, s_.width, {q_.at(query), q_.row, 1},
                 {packed_keys, s_.width}, false);
        if (c_.mask.operand.data) add_mask(query, queries, key, seen);
        return {.scores = scores_,
                .added = c_.mask.operand.data ? added_ : nullptr,
                .rows = queries,
                .columns = seen,
                .row = key_block,
                .causal = s_.causal,
                .seen = s_.past + query + 1 - key,
                .scale = s_.scale};
    }

    void add_mask(std::int64_t query, std::int64_t queries, std::int64_t key, std::int64_t keys) const {
        const AttentionMask& mask = c_.mask;
        const std::int64_t first =
            batch_ * mask.batch + head_ * mask.head + query * mask.query + key * mask.key;
        const auto each = [&](auto value) {
            for (std::int64_t i = 0; i < queries; ++i)
                for (std::int64_t j = 0; j < keys; ++j)
                    added_[i * key_block + j] = value(first + i * mask.query + j * mask.key);
        };
        if (mask.operand.dtype == DType::boolean)
            each([open = mask.operand.as<const bool>()](std::int64_t i) {
                return open[i] ? T(0) : -std::numeric_limits<T>::infinity();
            });
        else
            each([added = mask.operand.as<const T>()](std::int64_t i) { return added[i]; });
    }

    static void clear(const HeadPart<T>& rows, std::int64_t count, std::int64_t columns) {
        for (std::int64_t i = 0; i < count; ++i) std::fill_n(rows.at(i), columns, T(0));
    }

    const call::Attend& c_;
    const Attention& s_;
    std::int64_t batch_, head_;
    const PanelKernels& panels_;
    const AttentionKernels& kernels_;
    HeadPart<T> q_, k_, v_, out_;
    T *scores_ = nullptr, *weight_gradients_ = nullptr, *added_ = nullptr;
};

template <class T> void forward(CpuBackend& cpu, const call::Attend& c) {
    const Attention& s = c.shape;
    const std::int64_t parts = ceil_div(s.queries, task_queries);
    for_pieces(
        s.batch * s.heads * parts, std::min(s.queries, task_queries) * s.keys * (s.width + s.values) / 8,
        [&](std::int64_t task) {
            const std::int64_t first = task % parts * task_queries;
            AttentionHead<T>(cpu, c, task / parts).forward(first, std::min(task_queries, s.queries - first));
        });
}

// Where there are few heads, a head's blocks of keys are shared out; the gradients of its queries are then
// the sum of what each part gives.
template <class T> void backward(CpuBackend& cpu, const call::AttendBackward& c) {
    constexpr std::int64_t wanted = 32;
    const Attention& s = c.forward.shape;
    const std::int64_t heads = s.batch * s.heads, size = s.queries * s.width,
                       parts = std::clamp<std::int64_t>(wanted / std::max<std::int64_t>(heads, 1), 1,
                                                        ceil_div(s.keys, key_block));
    const auto dq_of = [&](std::int64_t head) { return head_of<T>(c.dq, head / s.heads, head % s.heads); };
    const Buffer<T> shared(c.dq.data && parts > 1 ? heads * parts * size : 0);
    for_pieces(heads * parts, s.queries * s.keys / parts * (s.width + s.values) / 4, [&](std::int64_t task) {
        const std::int64_t head = task / parts;
        const HeadPart<T> dq = parts > 1 ? HeadPart<T>{shared.data() + task * size, s.width} : dq_of(head);
        AttentionHead<T>(cpu, c.forward, head).backward(c, task % parts, parts, dq);
    });
    if (!c.dq.data || parts == 1) return;
    for_pieces(heads * s.queries, parts * s.width, [&](std::int64_t row) {
        const std::int64_t head = row / s.queries, query = row % s.queries;
        T* const to = dq_of(head).at(query);
        const T* const from = shared.data() + head * parts * size + query * s.width;
        for (std::int64_t i = 0; i < s.width; ++i) {
            T sum = from[i];
            for (std::int64_t part = 1; part < parts; ++part) sum += from[part * size + i];
            to[i] = sum;
        }
    });
}

}  // namespace

void on(CpuBackend& cpu, const call::Attend& c) {
    c.shape.dtype == DType::f64 ? forward<double>(cpu, c) : forward<float>(cpu, c);
}

void on(CpuBackend& cpu, const call::AttendBackward& c) {
    c.forward.shape.dtype == DType::f64 ? backward<double>(cpu, c) : backward<float>(cpu, c);
}

}  // namespace adjoint::cpu
