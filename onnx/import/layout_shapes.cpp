// The shapes of what Reshape, Concat, Gather and their like give.
#include <adjoint/onnx/import/shape_forms.h>

#include <adjoint/core/base/format.h>

namespace adjoint::onnx {

std::string shown(const Integers& dims) {
    std::string text;
    for (const std::int64_t size : dims)
        text += (text.empty() ? "" : ", ") + (size < 0 ? "?" : std::to_string(size));
    return "(" + text + ")";
}

std::optional<Integers> known_axes(const ShapeQuestion& q, std::int64_t since) {
    const Attributes attributes(q.node.attributes);
    if (q.opset < since) return attributes.integers("axes");
    if (q.inputs.size() < 2 || !q.inputs[1].elements) return {};
    Integers axes;
    for (const auto& axis : *q.inputs[1].elements) {
        if (!axis) return {};
        axes.push_back(*axis);
    }
    return axes;
}

Forms flatten_form(const ShapeQuestion& q) {
    if (!q.has(0)) return nothing();
    const Integers& x = q.dims(0);
    const auto rank = static_cast<int>(x.size());
    const std::int64_t axis = Attributes(q.node.attributes).integer("axis", 1);
    const int split = axis == rank ? rank : wrapped_axis(axis, rank);
    Integers result{1, 1};
    for (int i = 0; i < rank; ++i) {
        std::int64_t& side = result[i < split ? 0 : 1];
        const std::int64_t size = x[static_cast<std::size_t>(i)];
        side = side == 1 ? size : size == 1 ? side : side < 0 || size < 0 ? unknown : checked_mul(side, size);
    }
    return {of_dims(result)};
}

Forms reshape_form(const ShapeQuestion& q) {
    if (q.inputs.size() < 2 || !q.inputs[1].elements || Attributes(q.node.attributes).flag("allowzero"))
        return nothing();
    Integers result;
    std::int64_t total = 1, rest = 1;
    bool open = false, whole = q.has(0), named = true;
    for (const auto& size : *q.inputs[1].elements) {
        const std::size_t i = result.size();
        std::int64_t own = size.value_or(unknown);
        if (size == 0) own = q.has(0) && i < q.dims(0).size() ? q.dims(0)[i] : unknown;
        if (size == -1) open = true;
        if (size == -1 || !size) own = unknown;
        named = named && (own >= 0 || size == -1);
        if (own >= 0) rest = checked_mul(rest, own);
        result.push_back(own);
    }
    for (std::size_t i = 0; whole && i < q.dims(0).size(); ++i) {
        whole = q.dims(0)[i] >= 0;
        if (whole) total = checked_mul(total, q.dims(0)[i]);
    }
    if (whole && named) {
        check<ShapeError>(open ? rest > 0 && total % rest == 0 : total == rest,
                          "{} elements of {} do not fill {}", total, shown(q.dims(0)), shown(result));
        for (std::int64_t& size : result)
            if (size < 0) size = total / rest;
    }
    return {of_dims(result)};
}

Forms transpose_form(const ShapeQuestion& q) {
    if (!q.has(0)) return nothing();
    const Integers& x = q.dims(0);
    const auto perm = Attributes(q.node.attributes).integers("perm");
    Integers result(x.rbegin(), x.rend());
    if (perm) {
        check<ShapeError>(perm->size() == x.size(), "perm names {} axes of {}", perm->size(), shown(x));
        for (std::size_t i = 0; i < x.size(); ++i)
            result[i] = x[static_cast<std::size_t>(wrapped_axis((*perm)[i], static_cast<int>(x.size())))];
    }
    return {of_dims(result)};
}

Forms concat_form(const ShapeQuestion& q) {
    const std::int64_t given = Attributes(q.node.attributes).integer("axis", 1);
    Form result = q.inputs.at(0);
    for (std::size_t i = 1; i < q.inputs.size(); ++i) {
        if (!result.dims || !q.has(i)) return nothing();
        const Integers& own = q.dims(i);
        check<ShapeError>(own.size() == result.dims->size(), "{} and {} are joined", shown(*result.dims),
                          shown(own));
        const auto axis = static_cast<std::size_t>(wrapped_axis(given, static_cast<int>(own.size())));
        for (std::size_t d = 0; d < own.size(); ++d) {
            std::int64_t& size = (*result.dims)[d];
            if (d == axis) {
                std::int64_t sum = unknown;
                if (size >= 0 && own[d] >= 0)
                    check<ShapeError>(!__builtin_add_overflow(size, own[d], &sum),
                                      "{} and {} are joined, too long for a tensor", shown(*result.dims),
                                      shown(own));
                size = sum;
                continue;
            }
            check<ShapeError>(may_equal(size, own[d]), "{} and {} are joined along axis {}",
                              shown(*result.dims), shown(own), axis);
            if (size < 0) size = own[d];
        }
        if (result.elements && q.inputs[i].elements &&
            result.elements->size() + q.inputs[i].elements->size() <= most_form_elements)
            result.elements->insert(result.elements->end(), q.inputs[i].elements->begin(),
                                    q.inputs[i].elements->end());
        else
            result.elements.reset();
    }
    return {result};
}

Forms squeeze_form(const ShapeQuestion& q) {
    const auto axes = known_axes(q, 13);
    if (!q.has(0) || !axes) return {Form{{}, q.inputs.at(0).elements}};
    Integers result = q.dims(0);
    const Integers out = wrapped_axes(*axes, static_cast<int>(result.size()));
    for (auto axis = out.rbegin(); axis != out.rend(); ++axis) {
        check<ShapeError>(may_equal(result[static_cast<std::size_t>(*axis)], 1), "size {} of {} is not 1",
                          *axis, shown(q.dims(0)));
        result.erase(result.begin() + *axis);
    }
    return {Form{result, q.inputs[0].elements}};
}

Forms unsqueeze_form(const ShapeQuestion& q) {
    const auto axes = known_axes(q, 13);
    if (!q.has(0) || !axes) return {Form{{}, q.inputs.at(0).elements}};
    Integers result = q.dims(0);
    for (const std::int64_t axis : wrapped_axes(*axes, static_cast<int>(result.size() + axes->size())))
        result.insert(result.begin() + axis, 1);
    return {Form{result, q.inputs[0].elements}};
}

Forms shape_form(const ShapeQuestion& q) {
    const Attributes attributes(q.node.attributes);
    if (!q.has(0) || attributes.has("start") || attributes.has("end")) return nothing();
    Form result{Integers{static_cast<std::int64_t>(q.dims(0).size())}};
    result.elements.emplace();
    for (const std::int64_t size : q.dims(0))
        result.elements->push_back(size < 0 ? std::nullopt : std::optional(size));
    return {result};
}

Forms gather_form(const ShapeQuestion& q) {
    if (!q.has(0) || !q.has(1)) return nothing();
    const Integers &x = q.dims(0), &index = q.dims(1);
    const int axis =
        wrapped_axis(Attributes(q.node.attributes).integer("axis", 0), static_cast<int>(x.size()));
    Form result{Integers(x.begin(), x.begin() + axis)};
    result.dims->insert(result.dims->end(), index.begin(), index.end());
    result.dims->insert(result.dims->end(), x.begin() + axis + 1, x.end());
    const auto &from = q.inputs[0].elements, &at = q.inputs[1].elements;
    if (!from || !at || x.size() != 1) return {result};
    result.elements.emplace();
    for (const auto& i : *at) {
        const auto size = static_cast<std::int64_t>(from->size());
        const std::int64_t place = !i ? size : *i < 0 ? *i + size : *i;
        result.elements->push_back(place >= 0 && place < size ? (*from)[static_cast<std::size_t>(place)]
                                                              : std::nullopt);
    }
    return {result};
}

}  // namespace adjoint::onnx
