// The fields of protobuf's messages. Private.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <protozero/pbf_reader.hpp>

#include <adjoint/core/base/format.h>

namespace adjoint::onnx {

/// The fields of one message, whose wire types are checked: protozero only asserts them.
class Fields {
  public:
    explicit Fields(protozero::data_view message) : message_(message) {}

    bool next() { return message_.next(); }
    std::uint32_t number() const { return message_.tag(); }
    void skip() { message_.skip(); }

    std::int64_t integer() {
        expect(protozero::pbf_wire_type::varint);
        return message_.get_int64();
    }
    float real() {
        expect(protozero::pbf_wire_type::fixed32);
        return message_.get_float();
    }
    protozero::data_view view() {
        expect(protozero::pbf_wire_type::length_delimited);
        return message_.get_view();
    }
    std::string text() {
        const auto bytes = view();
        return {bytes.data(), bytes.size()};
    }

    // Repeated numbers come packed, or one by one.
    void integers(std::vector<std::int64_t>& into) {
        if (!packed()) return into.push_back(integer());
        const auto range = message_.get_packed_int64();
        into.insert(into.end(), range.begin(), range.end());
    }
    void reals(std::vector<float>& into) {
        if (!packed()) return into.push_back(real());
        const auto range = message_.get_packed_float();
        into.insert(into.end(), range.begin(), range.end());
    }
    void doubles(std::vector<double>& into) {
        if (packed()) {
            const auto range = message_.get_packed_double();
            into.insert(into.end(), range.begin(), range.end());
        } else {
            expect(protozero::pbf_wire_type::fixed64);
            into.push_back(message_.get_double());
        }
    }

  private:
    bool packed() const { return message_.wire_type() == protozero::pbf_wire_type::length_delimited; }
    void expect(protozero::pbf_wire_type wanted) const {
        check<IoError>(message_.wire_type() == wanted, "field {} has the wire type {}, expected {}", number(),
                       static_cast<int>(message_.wire_type()), static_cast<int>(wanted));
    }

    protozero::pbf_reader message_;
};

/// Calls f(fields, number) for each field of a message; f takes its value or skips it.
template <class F> void each_field(protozero::data_view message, F&& f) {
    for (Fields fields(message); fields.next();) f(fields, fields.number());
}

/// The text in field `wanted`, read ahead of the others for their errors.
inline std::string text_of(protozero::data_view message, std::uint32_t wanted) {
    std::string text;
    each_field(message, [&](Fields& fields, std::uint32_t number) {
        if (number == wanted) return void(text = fields.text());
        fields.skip();
    });
    return text;
}

}  // namespace adjoint::onnx
