// Formats told by their first bytes.
#include <adjoint/onnx/format/guess.h>

#include <algorithm>
#include <string_view>

namespace adjoint::onnx {

std::string seems_to_be(std::span<const std::byte> bytes) {
    using namespace std::string_view_literals;
    struct Mark {
        std::size_t at;
        std::string_view text;
        const char* meaning;
    };
    constexpr Mark marks[] = {
        {0, "PK\x03\x04"sv, "a zip archive, as .pth and .npz files are (data::load_torch, data::read_npz)"},
        {8, "{\""sv, "a safetensors file, which holds tensors and no graph (data::load_safetensors)"},
        {0, "\x80\x02"sv, "a pickle, as old .pth files are"},
        {0, "\x80\x04"sv, "a pickle of Python"},
        {0, "\x93NUMPY"sv, "an array of NumPy (data::read_npy)"},
        {0, "\x89HDF"sv, "an HDF5 file"},
        {0, "\x1f\x8b"sv, "packed by gzip"},
        {4, "ORTM"sv, "a model in ONNX Runtime's own format (.ort)"},
        {0, "version https://git-lfs"sv,
         "the pointer that Git LFS keeps in the place of a file (git lfs pull)"},
        {0, "<!DOCTYPE"sv, "a web page"},
        {0, "<html"sv, "a web page"},
    };
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (const Mark& mark : marks)
        if (text.size() >= mark.at && text.substr(mark.at).starts_with(mark.text)) return mark.meaning;
    constexpr std::size_t looked_at = 512;
    const bool is_text = std::ranges::all_of(text.substr(0, looked_at), [](char c) {
        return (c >= ' ' && c != '\x7f') || c == '\n' || c == '\r' || c == '\t' ||
               static_cast<unsigned char>(c) >= 0x80;
    });
    return is_text && !text.empty() ? "text" : "";
}

}  // namespace adjoint::onnx
