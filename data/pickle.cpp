// The machine of a pickle: a stack of values, marks on it, and a memo.
#include <adjoint/data/pickle.h>

#include <optional>
#include <unordered_map>

#include <adjoint/core/base/bit_cast.h>
#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/file.h>

namespace adjoint::data {

namespace {

enum Opcode : std::uint8_t {
    op_proto = 0x80,
    op_frame = 0x95,
    op_stop = '.',
    op_mark = '(',
    op_none = 'N',
    op_true = 0x88,
    op_false = 0x89,
    op_int4 = 'J',
    op_int1 = 'K',
    op_int2 = 'M',
    op_long1 = 0x8a,
    op_long4 = 0x8b,
    op_float = 'G',
    op_text4 = 'X',
    op_text1 = 0x8c,
    op_empty_list = ']',
    op_append = 'a',
    op_appends = 'e',
    op_empty_dict = '}',
    op_set_item = 's',
    op_set_items = 'u',
    op_empty_tuple = ')',
    op_tuple = 't',
    op_tuple1 = 0x85,
    op_tuple2 = 0x86,
    op_tuple3 = 0x87,
    op_put1 = 'q',
    op_put4 = 'r',
    op_memoize = 0x94,
    op_get1 = 'h',
    op_get4 = 'j',
    op_global = 'c',
    op_stack_global = 0x93,
    op_persistent = 'Q',
    op_reduce = 'R',
    op_build = 'b',
};

constexpr std::uint8_t newest_protocol = 5;

}  // namespace

class PickleReader {
  public:
    PickleReader(Pickle& pickle, std::span<const std::byte> bytes, const std::string& path)
        : pickle_(pickle), in_(bytes, path), path_(path) {}

    const PickleValue* run() {
        check<IoError>(in_.remaining() >= 2 && in_.read_u8() == op_proto,
                       "{}: is no pickle of protocol 2 or later", path_);
        const int protocol = in_.read_u8();
        check<IoError>(protocol >= 2 && protocol <= newest_protocol,
                       "{}: pickle protocol {}, expected 2 to {}", path_, protocol, newest_protocol);
        for (;;) {
            at_ = in_.offset();
            const std::uint8_t op = in_.read_u8();
            if (op == op_stop) return pop();
            step(op);
        }
    }

  private:
    using Value = PickleValue;

    template <class... Args> [[noreturn]] void bad(fmt::format_string<Args...> text, Args&&... args) const {
        fail<IoError>("{}: pickle, byte {}: {}", path_, at_, fmt::format(text, std::forward<Args>(args)...));
    }

    void step(std::uint8_t op) {
        switch (op) {
            case op_frame:
                in_.read_u64_le();
                return;
            case op_mark:
                return marks_.push_back(stack_.size());
            case op_none:
                return push({});
            case op_true:
                return push({true});
            case op_false:
                return push({false});
            case op_int4:
                return push({std::int64_t{static_cast<std::int32_t>(in_.read_u32_le())}});
            case op_int1:
                return push({std::int64_t{in_.read_u8()}});
            case op_int2:
                return push({std::int64_t{in_.read_u16_le()}});
            case op_long1:
                return push({read_long(in_.read_u8())});
            case op_long4:
                return push({read_long(in_.read_u32_le())});
            case op_float:
                return push({read_double()});
            case op_text4:
                return push({text(in_.read_u32_le())});
            case op_text1:
                return push({text(in_.read_u8())});
            case op_empty_list:
                return push({PickleList{}});
            case op_append:
                return append({pop()});
            case op_appends:
                return append(pop_to_mark());
            case op_empty_dict:
                return push({PickleDict{}});
            case op_set_item: {
                const Value* value = pop();
                const Value* key = pop();
                return set_items({key, value});
            }
            case op_set_items:
                return set_items(pop_to_mark());
            case op_empty_tuple:
                return push({PickleTuple{}});
            case op_tuple:
                return push({PickleTuple{pop_to_mark()}});
            case op_tuple1:
            case op_tuple2:
            case op_tuple3: {
                PickleValues items(op - op_tuple1 + 1u);
                for (std::size_t i = items.size(); i-- > 0;) items[i] = pop();
                return push({PickleTuple{std::move(items)}});
            }
            case op_put1:
                return memoize(in_.read_u8());
            case op_put4:
                return memoize(in_.read_u32_le());
            case op_memoize:
                return memoize(static_cast<std::uint32_t>(memo_.size()));
            case op_get1:
                return recall(in_.read_u8());
            case op_get4:
                return recall(in_.read_u32_le());
            case op_global: {
                std::string module = line();
                return push({PickleGlobal{std::move(module), line()}});
            }
            case op_stack_global: {
                const auto* name = pop()->as<std::string>();
                const auto* module = pop()->as<std::string>();
                if (name == nullptr || module == nullptr) bad("a global whose name is no text");
                return push({PickleGlobal{*module, *name}});
            }
            case op_persistent: {
                const auto* key = pop()->as<PickleTuple>();
                if (key == nullptr) bad("an object outside whose key is no tuple");
                return push({PickleOutside{key->items}});
            }
            case op_reduce:
                return reduce();
            case op_build:
                return build();
            default:
                bad("instruction 0x{:02x} is not one of those that a file of tensors needs; nothing is "
                    "executed",
                    op);
        }
    }

    // Values
    // -----------------------------------------------------------------------------

    std::int64_t read_long(std::size_t bytes) {
        if (bytes > 8) bad("an integer of {} bytes, at most 8 are supported: 64 bits with a sign", bytes);
        std::uint64_t value = 0;
        std::uint8_t last = 0;
        for (std::size_t i = 0; i < bytes; ++i) value |= std::uint64_t{last = in_.read_u8()} << 8 * i;
        if (bytes > 0 && bytes < 8 && (last & 0x80) != 0) value |= ~std::uint64_t{0} << 8 * bytes;
        return static_cast<std::int64_t>(value);
    }
    double read_double() {
        std::uint64_t bits = 0;
        for (int i = 0; i < 8; ++i) bits = bits << 8 | in_.read_u8();
        return bit_cast<double>(bits);
    }
    std::string text(std::uint32_t length) {
        const auto bytes = in_.take(length);
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    std::string line() {
        constexpr std::size_t longest = 1000;
        std::string text;
        for (char c = 0; (c = static_cast<char>(in_.read_u8())) != '\n';) {
            if (text.size() == longest) bad("a name of more than {} bytes", longest);
            text += c;
        }
        return text;
    }

    // The stack
    // -----------------------------------------------------------------------------

    void push(Value value) {
        pickle_.values_.push_back(std::move(value));
        stack_.push_back(&pickle_.values_.back());
    }
    Value* pop() {
        if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) bad("the stack is empty");
        Value* top = stack_.back();
        stack_.pop_back();
        return top;
    }
    PickleValues pop_to_mark() {
        if (marks_.empty()) bad("no mark on the stack");
        PickleValues items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
        stack_.resize(marks_.back());
        marks_.pop_back();
        return items;
    }
    Value& top() {
        Value* value = pop();
        stack_.push_back(value);
        return *value;
    }

    void memoize(std::uint32_t place) { memo_[place] = &top(); }
    void recall(std::uint32_t place) {
        const auto found = memo_.find(place);
        if (found == memo_.end()) bad("place {} of the memo is empty", place);
        stack_.push_back(found->second);
    }

    // Containers
    // -----------------------------------------------------------------------------

    void append(const PickleValues& items) {
        auto* list = std::get_if<PickleList>(&top().is);
        if (list == nullptr) bad("items are appended to what is no list");
        list->items.insert(list->items.end(), items.begin(), items.end());
    }
    void set_items(const PickleValues& items) {
        auto* dict = std::get_if<PickleDict>(&top().is);
        if (dict == nullptr || items.size() % 2 != 0) bad("items are set in what is no dictionary");
        for (std::size_t i = 0; i < items.size(); i += 2) dict->items.emplace_back(items[i], items[i + 1]);
    }
    void reduce() {
        const auto* arguments = pop()->as<PickleTuple>();
        const auto* global = pop()->as<PickleGlobal>();
        if (arguments == nullptr || global == nullptr) bad("a call of what is no name, or without a tuple");
        if (global->full() == "collections.OrderedDict" && arguments->items.empty())
            return push({PickleDict{}});
        push({PickleCall{*global, arguments->items}});
    }
    // Attributes of a dictionary, like a state dictionary's _metadata, say nothing about tensors.
    void build() {
        pop();
        if (const auto* call = top().as<PickleCall>())
            bad("attributes are set on an object of {}, which is not executed", excerpt(call->global.full()));
        if (top().as<PickleDict>() == nullptr) bad("attributes are set on what is no dictionary");
    }

    Pickle& pickle_;
    ByteReader in_;
    const std::string& path_;
    std::uint64_t at_ = 0;
    std::vector<Value*> stack_;
    std::vector<std::size_t> marks_;
    std::unordered_map<std::uint32_t, Value*> memo_;
};

Pickle::Pickle(std::span<const std::byte> bytes, const std::string& path)
    : value_(PickleReader(*this, bytes, path).run()) {}

}  // namespace adjoint::data
