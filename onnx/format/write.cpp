// From a Model to the bytes of a file. The numbers of the fields are those of onnx.proto.
#include <filesystem>

#include <protozero/pbf_writer.hpp>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/file.h>
#include <adjoint/onnx/format/file.h>
#include <adjoint/onnx/format/tensor_value.h>

namespace adjoint::onnx {

namespace {

using protozero::pbf_writer;

constexpr std::uint64_t beyond_message = std::uint64_t{1} << 31;
// Where tensors begin in a file of their own: a reader may map them.
constexpr std::uint64_t external_alignment = 64;

class ModelWriter {
  public:
    /// Tensors of `external_from` bytes and more are left to the file `location`; an empty one takes none.
    ModelWriter(std::string location, std::uint64_t external_from)
        : location_(std::move(location)), external_from_(external_from) {}

    void write(pbf_writer to, const Model& model) {
        to.add_int64(1, model.ir_version);
        text(to, 2, model.producer_name);
        text(to, 3, model.producer_version);
        text(to, 4, model.domain);
        if (model.model_version != 0) to.add_int64(5, model.model_version);
        text(to, 6, model.doc);
        write(pbf_writer(to, 7), model.graph);
        for (const OperatorSet& set : model.operator_sets) write(pbf_writer(to, 8), set);
        for (const auto& [key, value] : model.metadata) entry(pbf_writer(to, 14), key, value);
        for (const Function& function : model.functions) write(pbf_writer(to, 25), function);
    }

    /// The tensors that were left out, in the order in which they lie in their file.
    const std::vector<const TensorValue*>& external() const noexcept { return external_; }

  private:
    static void text(pbf_writer& to, std::uint32_t number, const std::string& value) {
        if (!value.empty()) to.add_string(number, value);
    }
    static void entry(pbf_writer to, const std::string& key, const std::string& value) {
        to.add_string(1, key);
        to.add_string(2, value);
    }
    static void write(pbf_writer to, const OperatorSet& set) {
        to.add_string(1, set.domain);
        to.add_int64(2, set.version);
    }

    void write(pbf_writer to, const Graph& graph) {
        for (const Node& node : graph.nodes) write(pbf_writer(to, 1), node);
        to.add_string(2, graph.name);
        for (const TensorValue& tensor : graph.initializers) write(pbf_writer(to, 5), tensor);
        text(to, 10, graph.doc);
        for (const ValueInfo& info : graph.inputs) write(pbf_writer(to, 11), info);
        for (const ValueInfo& info : graph.outputs) write(pbf_writer(to, 12), info);
        for (const ValueInfo& info : graph.values) write(pbf_writer(to, 13), info);
        for (const SparseTensorValue& sparse : graph.sparse_initializers) write(pbf_writer(to, 15), sparse);
    }

    void write(pbf_writer to, const Node& node) {
        for (const std::string& input : node.inputs) to.add_string(1, input);
        for (const std::string& output : node.outputs) to.add_string(2, output);
        text(to, 3, node.name);
        to.add_string(4, node.op_type);
        for (const Attribute& attribute : node.attributes) write(pbf_writer(to, 5), attribute);
        text(to, 6, node.doc);
        text(to, 7, node.domain);
        text(to, 8, node.overload);
    }

    void write(pbf_writer to, const Function& function) {
        to.add_string(1, function.name);
        for (const std::string& input : function.inputs) to.add_string(4, input);
        for (const std::string& output : function.outputs) to.add_string(5, output);
        for (const std::string& attribute : function.attributes) to.add_string(6, attribute);
        for (const Node& node : function.nodes) write(pbf_writer(to, 7), node);
        text(to, 8, function.doc);
        for (const OperatorSet& set : function.operator_sets) write(pbf_writer(to, 9), set);
        to.add_string(10, function.domain);
        for (const Attribute& attribute : function.default_attributes) write(pbf_writer(to, 11), attribute);
        text(to, 13, function.overload);
    }

    void write(pbf_writer to, const Attribute& attribute) {
        to.add_string(1, attribute.name);
        text(to, 21, attribute.reference);
        if (!attribute.reference.empty()) return type(to, attribute.reference_type);
        std::visit([&](const auto& value) { this->value(to, value); }, attribute.value);
    }

    // Of each kind of attribute: the type that says so, and its field.
    static void type(pbf_writer& to, std::int32_t number) { to.add_enum(20, number); }
    void value(pbf_writer&, std::monostate) {}
    void value(pbf_writer& to, float value) { type(to, 1), to.add_float(2, value); }
    void value(pbf_writer& to, std::int64_t value) { type(to, 2), to.add_int64(3, value); }
    void value(pbf_writer& to, const std::string& value) { type(to, 3), to.add_string(4, value); }
    void value(pbf_writer& to, const TensorValue& value) { type(to, 4), write(pbf_writer(to, 5), value); }
    void value(pbf_writer& to, const std::shared_ptr<const Graph>& value) {
        type(to, 5);
        write(pbf_writer(to, 6), *value);
    }
    void value(pbf_writer& to, const std::vector<float>& values) {
        type(to, 6);
        for (const float value : values) to.add_float(7, value);
    }
    void value(pbf_writer& to, const std::vector<std::int64_t>& values) {
        type(to, 7);
        for (const std::int64_t value : values) to.add_int64(8, value);
    }
    void value(pbf_writer& to, const std::vector<std::string>& values) {
        type(to, 8);
        for (const std::string& value : values) to.add_string(9, value);
    }
    void value(pbf_writer& to, const std::vector<TensorValue>& values) {
        type(to, 9);
        for (const TensorValue& value : values) write(pbf_writer(to, 10), value);
    }
    void value(pbf_writer& to, const std::vector<std::shared_ptr<const Graph>>& values) {
        type(to, 10);
        for (const auto& value : values) write(pbf_writer(to, 11), *value);
    }
    void value(pbf_writer& to, const SparseTensorValue& value) {
        type(to, 11);
        write(pbf_writer(to, 22), value);
    }
    void value(pbf_writer& to, const std::vector<SparseTensorValue>& values) {
        type(to, 12);
        for (const SparseTensorValue& value : values) write(pbf_writer(to, 23), value);
    }
    void value(pbf_writer& to, const Type& value) { type(to, 13), write(pbf_writer(to, 14), value); }
    void value(pbf_writer& to, const std::vector<Type>& values) {
        type(to, 14);
        for (const Type& value : values) write(pbf_writer(to, 15), value);
    }

    void write(pbf_writer to, const SparseTensorValue& sparse) {
        write(pbf_writer(to, 1), sparse.values);
        write(pbf_writer(to, 2), sparse.indices);
        to.add_packed_int64(3, sparse.dims.begin(), sparse.dims.end());
    }

    void write(pbf_writer to, const ValueInfo& info) {
        to.add_string(1, info.name);
        if (info.type.kind != TypeKind::unknown) write(pbf_writer(to, 2), info.type);
        text(to, 3, info.doc);
    }

    void write(pbf_writer to, const Type& type) {
        constexpr std::uint32_t numbers[] = {0, 1, 8, 4, 9, 5, 7};  // by kind
        if (type.kind == TypeKind::unknown) return;
        pbf_writer inside(to, numbers[static_cast<std::size_t>(type.kind)]);
        const bool tensors = type.kind == TypeKind::tensor || type.kind == TypeKind::sparse_tensor;
        if (tensors || type.kind == TypeKind::map)
            inside.add_int32(1, static_cast<std::int32_t>(type.element));
        // A shape without dimensions is written, too: it says that there is one element.
        if (tensors && type.shape && type.shape->empty()) inside.add_message(2, std::string());
        if (tensors && type.shape) {
            pbf_writer shape(inside, 2);
            for (const Dimension& dimension : *type.shape) {
                if (!dimension.size && dimension.name.empty()) {
                    shape.add_message(1, std::string());  // a size that nobody knows is a dimension, too
                    continue;
                }
                pbf_writer one(shape, 1);
                if (dimension.size)
                    one.add_int64(1, *dimension.size);
                else
                    text(one, 2, dimension.name);
            }
        }
        for (const Type& inner : type.inner)
            write(pbf_writer(inside, type.kind == TypeKind::map ? 2 : 1), inner);
    }

    void write(pbf_writer to, const TensorValue& tensor) {
        to.add_packed_int64(1, tensor.dims.begin(), tensor.dims.end());
        to.add_int32(2, static_cast<std::int32_t>(tensor.type));
        text(to, 8, tensor.name);
        if (tensor.type == ElementType::string) {
            for (const std::string& element : tensor.strings) to.add_string(6, element);
            return;
        }
        const auto& bytes = tensor.bytes.view;
        check<ValueError>(bytes_for(tensor.type, tensor.dims) == bytes.size(),
                          "onnx: tensor {} has {} bytes, which do not fill ({}) of {}",
                          data::excerpt(tensor.name), bytes.size(), fmt::join(tensor.dims, ", "),
                          name(tensor.type));
        if (!location_.empty() && bytes.size() >= external_from_) return leave_out(to, tensor);
        taken_ += bytes.size();
        check<ValueError>(
            taken_ < beyond_message,
            "onnx: the model would have 2 GiB or more; write() puts tensors into a second file");
        to.add_bytes(9, reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }

    void leave_out(pbf_writer& to, const TensorValue& tensor) {
        const std::uint64_t begin =
            (reached_ + external_alignment - 1) / external_alignment * external_alignment;
        entry(pbf_writer(to, 13), "location", location_);
        entry(pbf_writer(to, 13), "offset", std::to_string(begin));
        entry(pbf_writer(to, 13), "length", std::to_string(tensor.bytes.view.size()));
        to.add_enum(14, 1);
        reached_ = begin + tensor.bytes.view.size();
        external_.push_back(&tensor);
    }

    std::string location_;
    std::uint64_t external_from_;
    std::uint64_t taken_ = 0, reached_ = 0;
    std::vector<const TensorValue*> external_;
};

std::uint64_t initializer_bytes(const Model& model) {
    std::uint64_t sum = 0;
    for (const TensorValue& tensor : model.graph.initializers) sum += tensor.bytes.view.size();
    return sum;
}

std::string message(ModelWriter& writer, const Model& model) {
    std::string bytes;
    writer.write(pbf_writer(bytes), model);
    check<ValueError>(bytes.size() < beyond_message, "onnx: the model has {} bytes, 2 GiB or more",
                      bytes.size());
    return bytes;
}

}  // namespace

std::string to_bytes(const Model& model) {
    ModelWriter writer({}, 0);
    return message(writer, model);
}

void write(const Model& model, const std::string& path, const WriteOptions& options) {
    // Names and sizes need room, too.
    constexpr std::uint64_t room = std::uint64_t{1} << 26;
    const bool external = options.external_data || initializer_bytes(model) + room >= beyond_message;
    const std::string beside = path + ".data";
    ModelWriter writer(external ? std::filesystem::path(beside).filename().string() : std::string(),
                       options.external_from);
    const std::string bytes = message(writer, model);
    if (!writer.external().empty())
        data::atomic_write(beside, [&](data::Writer& out) {
            std::uint64_t reached = 0;
            for (const TensorValue* tensor : writer.external()) {
                const std::uint64_t gap =
                    (external_alignment - reached % external_alignment) % external_alignment;
                out.write(std::string(gap, '\0'));
                out.write(tensor->bytes.view);
                reached += gap + tensor->bytes.view.size();
            }
        });
    data::atomic_write(path, [&](data::Writer& out) { out.write(bytes); });
}

}  // namespace adjoint::onnx
