// Texts as bytes, of which the longest has the most.
#include <adjoint/distributed/parallel/texts.h>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <utility>

#include <adjoint/core/base/counted.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::distributed {
namespace {

// Neither names nor words have a zero in them.
std::string packed(const Facts& facts) {
    std::string text;
    for (const auto& [name, words] : facts) (text += name) += '\0', (text += words) += '\0';
    return text;
}
Facts unpacked(const std::string& text) {
    Facts facts;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t middle = text.find('\0', at), end = text.find('\0', middle + 1);
        facts.emplace_back(text.substr(at, middle - at), text.substr(middle + 1, end - middle - 1));
        at = end + 1;
    }
    return facts;
}

const std::string* words_of(const Facts& facts, const std::string& name) {
    const auto found =
        std::find_if(facts.begin(), facts.end(), [&](const auto& fact) { return fact.first == name; });
    return found == facts.end() ? nullptr : &found->second;
}

// What two ranks say of the first name of which they do not have the same.
std::pair<std::string, std::string> difference(const Facts& a, const Facts& b) {
    for (const auto& [name, words] : a) {
        const std::string* const other = words_of(b, name);
        if (!other || *other != words) return {words, other ? *other : "no " + name};
    }
    for (const auto& [name, words] : b)
        if (!words_of(a, name)) return {"no " + name, words};
    const auto [first, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    const auto place = first - a.begin() + 1;
    return {fmt::format("{} in place {}", first == a.end() ? "nothing" : first->second, place),
            fmt::format("{} in place {}", other == b.end() ? "nothing" : other->second, place)};
}

}  // namespace

std::vector<std::string> gathered(const Group& group, const std::string& text) {
    const auto length = static_cast<std::int64_t>(text.size());
    const std::vector<std::int64_t> lengths =
        group.all_gather(tensor(std::vector<std::int64_t>{length}, {1}, Device::cpu()))
            .to_vector<std::int64_t>();
    const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
    std::vector<std::uint8_t> bytes(text.begin(), text.end());
    bytes.resize(static_cast<std::size_t>(longest));
    const std::vector<std::uint8_t> all =
        group.all_gather(tensor(bytes, {longest}, Device::cpu())).to_vector<std::uint8_t>();
    std::vector<std::string> texts;
    for (std::size_t r = 0; r < lengths.size(); ++r) {
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(r) * longest;
        texts.emplace_back(begin, begin + lengths[r]);
    }
    return texts;
}

Facts facts_of(const DataParallelOptions& options) {
    constexpr const char* shards[] = {"none", "optimizer", "gradients", "parameters"};
    const auto fact = [](const std::string& name, const auto& value) {
        return std::pair(name, fmt::format("{} {}", name, value));
    };
    return {fact("shard", shards[static_cast<std::size_t>(options.shard)]),
            {"bucket_bytes", fmt::format("buckets of {}", counted(options.bucket_bytes, "byte"))},
            fact("compress", options.compress),
            fact("synchronize_batch_norm", options.synchronize_batch_norm)};
}

void check_same(const Group& group, const char* op, const Facts& facts, const char* rule) {
    const std::vector<std::string> texts = gathered(group, packed(facts));
    for (std::size_t r = 1; r < texts.size(); ++r) {
        if (texts[r] == texts[0]) continue;
        const auto [first, other] = difference(unpacked(texts[0]), unpacked(texts[r]));
        fail<DistributedError>("{}: rank 0 has {}, rank {} has {}; {}", op, first, r, other, rule);
    }
}

optim::NamedTensors on_first_rank(const Group& group, const optim::NamedTensors& own,
                                  const std::function<Tensor(const std::string& name)>& like) {
    std::string names;
    for (const auto& [name, tensor] : own) names += name + "\n";
    const std::vector<std::string> texts = gathered(group, names);
    optim::NamedTensors all = own;
    if (group.rank() > 0)
        for (const auto& [name, tensor] : own) group.send(tensor, 0);
    else
        for (int rank = 1; rank < group.size(); ++rank) {
            std::istringstream lines(texts[static_cast<std::size_t>(rank)]);
            for (std::string name; std::getline(lines, name);) {
                all.emplace_back(name, like(name));
                group.recv(all.back().second, rank);
            }
        }
    return all;
}

}  // namespace adjoint::distributed
