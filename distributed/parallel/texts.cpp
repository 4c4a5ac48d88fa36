// Texts as bytes, of which the longest has the most.
#include <adjoint/distributed/parallel/texts.h>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::distributed {
namespace {

// The first lines in which they differ.
std::pair<std::string, std::string> difference(const std::string& a, const std::string& b) {
    const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
    const std::size_t newline = at == 0 ? std::string::npos : a.rfind('\n', static_cast<std::size_t>(at) - 1);
    const std::size_t line = newline == std::string::npos ? 0 : newline + 1;
    const auto line_of = [line](const std::string& text) {
        const std::string found = text.substr(std::min(line, text.size()));
        return found.empty() ? "nothing" : found.substr(0, found.find('\n'));
    };
    return {line_of(a), line_of(b)};
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

std::string described(const DataParallelOptions& options) {
    constexpr const char* shards[] = {"none", "optimizer", "gradients", "parameters"};
    return fmt::format("shard {}\nbuckets of {} bytes\ncompress {}\nsynchronize_batch_norm {}\n",
                       shards[static_cast<std::size_t>(options.shard)], options.bucket_bytes,
                       options.compress, options.synchronize_batch_norm);
}

void check_same(const Group& group, const char* op, const std::string& text, const char* rule) {
    const std::vector<std::string> texts = gathered(group, text);
    for (std::size_t r = 1; r < texts.size(); ++r) {
        if (texts[r] == texts[0]) continue;
        const auto [first, other] = difference(texts[0], texts[r]);
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
