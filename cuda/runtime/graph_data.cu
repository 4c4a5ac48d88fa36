// The kernel that writes the block of a graph: the values travel as arguments of the launch, so that no
// memory of the host has to live on and nobody waits.
#include <adjoint/cuda/runtime/graph_data.h>

#include <adjoint/cuda/kernels/launch.h>

namespace adjoint::cuda_backend {
namespace {
constexpr unsigned piece_words = 64;
}

struct Piece {
    std::uint64_t words[piece_words];
    unsigned count;
};

__global__ void __launch_bounds__(piece_words) store_piece(const Piece piece, std::uint64_t* to) {
    wait_for_earlier();
    if (threadIdx.x < piece.count) to[threadIdx.x] = piece.words[threadIdx.x];
}

void store_words(const DeviceState& device, std::uint64_t* to, std::span<const std::uint64_t> words) {
    for (std::size_t first = 0; first < words.size(); first += piece_words) {
        const auto part = words.subspan(first, std::min<std::size_t>(piece_words, words.size() - first));
        Piece piece{};
        piece.count = static_cast<unsigned>(part.size());
        std::copy(part.begin(), part.end(), piece.words);
        launch_independent(device, "replay", &store_piece, dim3(1), dim3(piece_words), piece, to + first);
    }
}

}  // namespace adjoint::cuda_backend
