// NumPy's .npz files: named arrays in one archive.
#pragma once

#include <cstdint>
#include <string>

#include <adjoint/data/safetensors.h>

namespace adjoint::data {

/// The arrays that numpy.savez and numpy.savez_compressed write, in the archive's order; "x" for x.npy.
/// dtypes, errors: as read_npy; IoError also for what is no zip archive, a member cut off, with a wrong
/// checksum, packed by another method than deflate, encrypted, there twice, overlapping another or no .npy,
/// for what unpacks to more than `unpacked_limit` bytes, and for archives of 4 GiB or more (zip64); for too
/// little memory OutOfMemoryError.
/// source: PKWARE's APPNOTE.TXT 6.3.
ADJOINT_API NamedTensors read_npz(const std::string& path,
                                  std::uint64_t unpacked_limit = std::uint64_t{16} << 30);

struct NpzOptions {
    bool compress = false;
};
/// Writes `tensors` (dense, on the CPU) under their names; the same tensors give the same bytes. The old file
/// stays on any error.
/// errors: as write_npy; ValueError for a name that is empty, there twice or holds control characters, and
/// for archives of 4 GiB or more.
ADJOINT_API void write_npz(const std::string& path, const NamedTensors& tensors,
                           const NpzOptions& options = {});

}  // namespace adjoint::data
