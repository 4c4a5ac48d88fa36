// From the bytes of a file to a Model. The numbers of the fields are those of onnx.proto.
#include <cstring>
#include <filesystem>

#include <protozero/exception.hpp>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/file.h>
#include <adjoint/data/memory.h>
#include <adjoint/onnx/format/external_files.h>
#include <adjoint/onnx/format/fields.h>
#include <adjoint/onnx/format/file.h>
#include <adjoint/onnx/format/guess.h>
#include <adjoint/onnx/format/tensor_value.h>

namespace adjoint::onnx {

namespace {

using data::excerpt;
// What protobuf allows of one message.
constexpr std::uint64_t longest_message = (std::uint64_t{1} << 31) - 1;
// Graphs in attributes of graphs, types in types. The format has no limit; a stack has.
constexpr int deepest = 100;

/// The low bytes of each number.
template <class T> Bytes low_bytes(const std::vector<T>& numbers, std::size_t size) {
    auto bytes = std::make_shared<std::vector<std::byte>>(numbers.size() * size);
    for (std::size_t i = 0; i < numbers.size(); ++i) std::memcpy(bytes->data() + i * size, &numbers[i], size);
    return {*bytes, bytes};
}

/// An error that says already where it is.
class Placed : public IoError {
  public:
    using IoError::IoError;
};

class Reader {
  public:
    Reader(std::string name, std::optional<std::string> folder, Content content)
        : name_(std::move(name)), external_(std::move(folder)), content_(std::move(content)) {}

    Model model() {
        Model model;
        bool has_graph = false;
        in({}, [&] {
            check<IoError>(content_->size() <= longest_message,
                           "{} bytes, a model has less than 2 GiB and keeps larger tensors in other files",
                           content_->size());
            check<IoError>(!content_->empty(), "the file is empty");
            const protozero::data_view message(reinterpret_cast<const char*>(content_->data()),
                                               content_->size());
            each_field(message, [&](Fields& fields, std::uint32_t number) {
                if (number == 1) return void(model.ir_version = fields.integer());
                if (number == 2) return void(model.producer_name = fields.text());
                if (number == 3) return void(model.producer_version = fields.text());
                if (number == 4) return void(model.domain = fields.text());
                if (number == 5) return void(model.model_version = fields.integer());
                if (number == 6) return void(model.doc = fields.text());
                if (number == 7) return has_graph = true, void(model.graph = graph(fields.view()));
                if (number == 8) return model.operator_sets.push_back(operator_set(fields.view()));
                if (number == 14) return entry(fields.view(), model.metadata);
                if (number == 25) return model.functions.push_back(function(fields.view()));
                fields.skip();
            });
            check<IoError>(has_graph, "no ONNX model: there is no graph in it");
        });
        return model;
    }

  private:
    /// f() with a place for its errors; an empty one adds nothing.
    template <class F> void in(const std::string& place, F&& f) {
        const auto placed = [&](const std::string& what) {
            std::string where = name_ + ": ";
            for (const std::string& outer : places_)
                if (!outer.empty()) where += outer + ": ";
            throw Placed(where + what);
        };
        places_.push_back(place);
        try {
            check<IoError>(static_cast<int>(places_.size()) <= deepest, "nested too deeply");
            f();
        } catch (const Placed&) {
            throw;
        } catch (const protozero::exception& error) {
            placed(fmt::format("malformed: {}", error.what()));
        } catch (const Error& error) {
            placed(error.what());
        }
        places_.pop_back();
    }

    OperatorSet operator_set(protozero::data_view message) {
        OperatorSet set;
        each_field(message, [&](Fields& fields, std::uint32_t number) {
            if (number == 1) return void(set.domain = standard(fields.text()));
            if (number == 2) return void(set.version = fields.integer());
            fields.skip();
        });
        return set;
    }

    /// The standard domain has two names.
    static std::string standard(std::string domain) { return domain == "ai.onnx" ? "" : domain; }

    static void entry(protozero::data_view message, std::map<std::string, std::string>& into) {
        std::string key, value;
        each_field(message, [&](Fields& fields, std::uint32_t number) {
            if (number == 1) return void(key = fields.text());
            if (number == 2) return void(value = fields.text());
            fields.skip();
        });
        into[key] = value;
    }

    Graph graph(protozero::data_view message) {
        Graph graph;
        graph.name = text_of(message, 2);
        in("graph " + excerpt(graph.name), [&] {
            each_field(message, [&](Fields& fields, std::uint32_t number) {
                if (number == 1) return graph.nodes.push_back(node(fields.view()));
                if (number == 5) return graph.initializers.push_back(tensor(fields.view()));
                if (number == 10) return void(graph.doc = fields.text());
                if (number == 11) return graph.inputs.push_back(value_info(fields.view()));
                if (number == 12) return graph.outputs.push_back(value_info(fields.view()));
                if (number == 13) return graph.values.push_back(value_info(fields.view()));
                if (number == 15) return graph.sparse_initializers.push_back(sparse(fields.view()));
                fields.skip();
            });
        });
        return graph;
    }

    Node node(protozero::data_view message) {
        Node node;
        each_field(message, [&](Fields& fields, std::uint32_t number) {
            if (number == 1) return node.inputs.push_back(fields.text());
            if (number == 2) return node.outputs.push_back(fields.text());
            if (number == 3) return void(node.name = fields.text());
            if (number == 4) return void(node.op_type = fields.text());
            if (number == 6) return void(node.doc = fields.text());
            if (number == 7) return void(node.domain = standard(fields.text()));
            if (number == 8) return void(node.overload = fields.text());
            fields.skip();
        });
        const std::string& shown = node.name.empty() && !node.outputs.empty() ? node.outputs[0] : node.name;
        in(fmt::format("node {} ({})", excerpt(shown), node.op_type), [&] {
            each_field(message, [&](Fields& fields, std::uint32_t number) {
                if (number == 5) return node.attributes.push_back(attribute(fields.view()));
                fields.skip();
            });
        });
        return node;
    }

    Function function(protozero::data_view message) {
        Function function;
        function.name = text_of(message, 1);
        in("function " + excerpt(function.name), [&] {
            each_field(message, [&](Fields& fields, std::uint32_t number) {
                if (number == 4) return function.inputs.push_back(fields.text());
                if (number == 5) return function.outputs.push_back(fields.text());
                if (number == 6) return function.attributes.push_back(fields.text());
                if (number == 7) return function.nodes.push_back(node(fields.view()));
                if (number == 8) return void(function.doc = fields.text());
                if (number == 9) return function.operator_sets.push_back(operator_set(fields.view()));
                if (number == 10) return void(function.domain = standard(fields.text()));
                if (number == 11) return function.default_attributes.push_back(attribute(fields.view()));
                if (number == 13) return void(function.overload = fields.text());
                fields.skip();
            });
        });
        return function;
    }

    /// Everything that an attribute message can hold; which of it counts, its type says.
    struct AttributeFields {
        std::int64_t type = 0;
        std::optional<float> f;
        std::optional<std::int64_t> i;
        std::optional<std::string> s;
        std::optional<protozero::data_view> t, g, sparse, tp;
        std::vector<float> floats;
        std::vector<std::int64_t> ints;
        std::vector<std::string> strings;
        std::vector<protozero::data_view> tensors, graphs, sparse_tensors, types;
    };

    Attribute attribute(protozero::data_view message) {
        Attribute result;
        AttributeFields all;
        each_field(message, [&](Fields& fields, std::uint32_t number) {
            if (number == 1) return void(result.name = fields.text());
            if (number == 2) return void(all.f = fields.real());
            if (number == 3) return void(all.i = fields.integer());
            if (number == 4) return void(all.s = fields.text());
            if (number == 5) return void(all.t = fields.view());
            if (number == 6) return void(all.g = fields.view());
            if (number == 7) return fields.reals(all.floats);
            if (number == 8) return fields.integers(all.ints);
            if (number == 9) return all.strings.push_back(fields.text());
            if (number == 10) return all.tensors.push_back(fields.view());
            if (number == 11) return all.graphs.push_back(fields.view());
            if (number == 14) return void(all.tp = fields.view());
            if (number == 15) return all.types.push_back(fields.view());
            if (number == 20) return void(all.type = fields.integer());
            if (number == 21) return void(result.reference = fields.text());
            if (number == 22) return void(all.sparse = fields.view());
            if (number == 23) return all.sparse_tensors.push_back(fields.view());
            fields.skip();
        });
        in("attribute " + excerpt(result.name), [&] {
            if (result.reference.empty()) {
                result.value = attribute_value(all);
            } else {
                check<IoError>(all.type >= 0 && all.type <= 14, "unknown attribute type {}", all.type);
                result.reference_type = static_cast<std::int32_t>(all.type);
            }
        });
        return result;
    }

    AttributeValue attribute_value(const AttributeFields& all) {
        const auto each = [](const auto& views, auto read) {
            std::vector<decltype(read(views[0]))> out;
            for (const auto& view : views) out.push_back(read(view));
            return out;
        };
        const auto message = [](const std::optional<protozero::data_view>& view) {
            check<IoError>(view.has_value(), "the value that its type announces is missing");
            return *view;
        };
        const auto shared_graph = [&](protozero::data_view view) {
            return std::make_shared<const Graph>(graph(view));
        };
        switch (all.type) {
            // A number or text that is the default of its type may be left out.
            case 1:
                return all.f.value_or(0);
            case 2:
                return all.i.value_or(0);
            case 3:
                return all.s.value_or("");
            case 4:
                return tensor(message(all.t));
            case 5:
                return shared_graph(message(all.g));
            case 6:
                return all.floats;
            case 7:
                return all.ints;
            case 8:
                return all.strings;
            case 9:
                return each(all.tensors, [&](auto view) { return tensor(view); });
            case 10:
                return each(all.graphs, shared_graph);
            case 11:
                return sparse(message(all.sparse));
            case 12:
                return each(all.sparse_tensors, [&](auto view) { return sparse(view); });
            case 13:
                return type(message(all.tp));
            case 14:
                return each(all.types, [&](auto view) { return type(view); });
            default:
                fail<IoError>("unknown attribute type {}", all.type);
        }
    }

    SparseTensorValue sparse(protozero::data_view message) {
        SparseTensorValue result;
        each_field(message, [&](Fields& fields, std::uint32_t number) {
            if (number == 1) return void(result.values = tensor(fields.view()));
            if (number == 2) return void(result.indices = tensor(fields.view()));
            if (number == 3) return fields.integers(result.dims);
            fields.skip();
        });
        return result;
    }

    ValueInfo value_info(protozero::data_view message) {
        ValueInfo info;
        std::optional<protozero::data_view> inner;
        each_field(message, [&](Fields& fields, std::uint32_t number) {
            if (number == 1) return void(info.name = fields.text());
            if (number == 2) return void(inner = fields.view());
            if (number == 3) return void(info.doc = fields.text());
            fields.skip();
        });
        in("value " + excerpt(info.name), [&] {
            if (inner) info.type = type(*inner);
        });
        return info;
    }

    Type type(protozero::data_view message) {
        Type result;
        in({}, [&] {
            each_field(message, [&](Fields& fields, std::uint32_t number) {
                if (number == 1) return void(result = inside(TypeKind::tensor, fields.view()));
                if (number == 4) return void(result = inside(TypeKind::sequence, fields.view()));
                if (number == 5) return void(result = inside(TypeKind::map, fields.view()));
                if (number == 7) result.kind = TypeKind::opaque;
                if (number == 8) return void(result = inside(TypeKind::sparse_tensor, fields.view()));
                if (number == 9) return void(result = inside(TypeKind::optional, fields.view()));
                fields.skip();
            });
        });
        return result;
    }

    Type inside(TypeKind kind, protozero::data_view message) {
        Type result{.kind = kind};
        const bool tensors = kind == TypeKind::tensor || kind == TypeKind::sparse_tensor;
        const bool map = kind == TypeKind::map;
        each_field(message, [&](Fields& fields, std::uint32_t number) {
            if (number == 1 && (tensors || map))
                return void(result.element = static_cast<ElementType>(fields.integer()));
            if (number == 2 && tensors) return void(result.shape = dimensions(fields.view()));
            if (number == (map ? 2U : 1U)) return void(result.inner = {type(fields.view())});
            fields.skip();
        });
        return result;
    }

    static std::vector<Dimension> dimensions(protozero::data_view message) {
        std::vector<Dimension> result;
        each_field(message, [&](Fields& fields, std::uint32_t number) {
            if (number == 1) return result.push_back(dimension(fields.view()));
            fields.skip();
        });
        return result;
    }

    static Dimension dimension(protozero::data_view message) {
        Dimension result;
        each_field(message, [&](Fields& fields, std::uint32_t number) {
            if (number == 1) return void(result.size = fields.integer());
            if (number == 2) return void(result.name = fields.text());
            fields.skip();
        });
        return result;
    }

    /// Everything that a tensor message can hold.
    struct TensorFields {
        std::int64_t type = 0, location = 0;
        std::vector<float> floats;
        std::vector<double> doubles;
        std::vector<std::int64_t> i32, i64, u64;
        std::optional<protozero::data_view> raw;
        std::map<std::string, std::string> external;
    };

    TensorValue tensor(protozero::data_view message) {
        TensorValue result;
        result.name = text_of(message, 8);
        in("tensor " + excerpt(result.name), [&] {
            TensorFields all;
            each_field(message, [&](Fields& fields, std::uint32_t number) {
                if (number == 1) return fields.integers(result.dims);
                if (number == 2) return void(all.type = fields.integer());
                if (number == 3) return fail<IoError>("is one segment of several, which is not supported");
                if (number == 4) return fields.reals(all.floats);
                if (number == 5) return fields.integers(all.i32);
                if (number == 6) return result.strings.push_back(fields.text());
                if (number == 7) return fields.integers(all.i64);
                if (number == 9) return void(all.raw = fields.view());
                if (number == 10) return fields.doubles(all.doubles);
                if (number == 11) return fields.integers(all.u64);
                if (number == 13) return entry(fields.view(), all.external);
                if (number == 14) return void(all.location = fields.integer());
                fields.skip();
            });
            result.type = static_cast<ElementType>(all.type);
            const bool text = result.type == ElementType::string;
            check<IoError>(text || bits_of(result.type) > 0, "unknown element type {}", all.type);
            const auto wanted = bytes_for(text ? ElementType::u8 : result.type, result.dims);
            check<IoError>(wanted.has_value(), "the sizes ({}) are negative or too large",
                           fmt::join(result.dims, ", "));
            if (!text)
                result.bytes = all.location == 1 ? external_.read(all.external) : elements(result.type, all);
            const std::uint64_t there = text ? result.strings.size() : result.bytes.view.size();
            check<IoError>(there == *wanted, "{} {} for the sizes ({}) of {}, expected {}", there,
                           text ? "strings" : "bytes", fmt::join(result.dims, ", "), onnx::name(result.type),
                           *wanted);
        });
        return result;
    }

    Bytes elements(ElementType type, const TensorFields& all) const {
        if (all.raw) return {std::as_bytes(std::span(all.raw->data(), all.raw->size())), content_};
        const auto size = static_cast<std::size_t>((bits_of(type) + 7) / 8);
        switch (type) {
            case ElementType::f32:
            case ElementType::complex64:
                return low_bytes(all.floats, sizeof(float));
            case ElementType::f64:
            case ElementType::complex128:
                return low_bytes(all.doubles, sizeof(double));
            case ElementType::i64:
                return low_bytes(all.i64, size);
            case ElementType::u32:
            case ElementType::u64:
                return low_bytes(all.u64, size);
            default:
                return low_bytes(all.i32, size);
        }
    }

    std::string name_;
    ExternalFiles external_;
    Content content_;
    std::vector<std::string> places_;
};

/// The model, or an error that says what the bytes seem to be instead.
Model read_content(const std::string& name, std::optional<std::string> folder, const Content& content) try {
    return Reader(name, std::move(folder), content).model();
} catch (const IoError&) {
    const std::string other = seems_to_be(*content);
    if (other.empty()) throw;
    fail<IoError>("{}: no ONNX model: it seems to be {}", name, other);
}

}  // namespace

Model read(const std::string& path) try {
    const auto content = std::make_shared<const std::vector<std::byte>>(data::read_file(path));
    const std::string folder = std::filesystem::path(path).parent_path().string();
    return read_content(path, folder.empty() ? "." : folder, content);
} catch (...) {
    data::rethrow_of_file(path);
}

Model read(std::span<const std::byte> bytes, const std::string& name) try {
    return read_content(name, {}, std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end()));
} catch (...) {
    data::rethrow_of_file(name);
}

}  // namespace adjoint::onnx
