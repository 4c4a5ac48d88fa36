// Texts as bytes, of which the longest has the most.
#include <adjoint/distributed/parallel/texts.h>

#include <algorithm>
#include <cstdint>

#include <adjoint/core/tensor/creation.h>

namespace adjoint::distributed {

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

}  // namespace adjoint::distributed
