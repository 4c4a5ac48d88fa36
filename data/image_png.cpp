// PNG files by libpng.
#include <adjoint/data/image_decoder.h>

#ifdef ADJOINT_WITH_PNG
#include <png.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/data/deflate.h>
#endif

namespace adjoint::data {

#ifdef ADJOINT_WITH_PNG
namespace {

class PngDecoder final : public ImageDecoder {
  public:
    PngDecoder(std::span<const std::byte> bytes, const std::string& name)
        : rest_(bytes), size_(bytes.size()), name_(name) {
        png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, failed, ignored);
        if (png_ != nullptr) info_ = png_create_info_struct(png_);
        if (info_ == nullptr) throw_error("libpng has no memory to start");
        png_set_read_fn(png_, this, next_bytes);
    }
    ~PngDecoder() override { png_destroy_read_struct(&png_, &info_, nullptr); }

    Header header() override {
        const bool done = without_jump(jump_, [this] {
            constexpr png_uint_32 largest_side = 1 << 24;
            constexpr png_alloc_size_t largest_chunk = 8 << 20;
            png_set_user_limits(png_, largest_side, largest_side);
            png_set_chunk_malloc_max(png_, largest_chunk);
            png_read_info(png_, info_);
            png_set_expand(png_);
            png_set_strip_16(png_);
            png_set_interlace_handling(png_);
            png_read_update_info(png_, info_);
        });
        if (!done) throw_error(message_);
        return {.width = png_get_image_width(png_, info_),
                .height = png_get_image_height(png_, info_),
                .channels = png_get_channels(png_, info_),
                // Rows may be packed eight pixels to a byte.
                .most_pixels = size_ * deflate_ratio * 8};
    }

    void pixels(std::span<std::uint8_t> out) override {
        const std::size_t height = png_get_image_height(png_, info_), row = png_get_rowbytes(png_, info_);
        if (row * height != out.size()) throw_error("rows of an unexpected size");
        std::vector<png_bytep> rows(height);
        for (std::size_t y = 0; y < height; ++y) rows[y] = out.data() + y * row;
        const bool done = without_jump(jump_, [this, &rows] {
            png_read_image(png_, rows.data());
            png_read_end(png_, nullptr);
        });
        if (!done) throw_error(message_);
    }

  private:
    [[noreturn]] static void failed(png_structp png, png_const_charp text) {
        auto& self = *static_cast<PngDecoder*>(png_get_error_ptr(png));
        std::snprintf(self.message_, sizeof self.message_, "%s", text);
        std::longjmp(self.jump_, 1);
    }
    static void ignored(png_structp, png_const_charp) {}
    static void next_bytes(png_structp png, png_bytep out, std::size_t count) {
        auto& self = *static_cast<PngDecoder*>(png_get_io_ptr(png));
        if (count > self.rest_.size()) png_error(png, "the file ends too early");
        std::memcpy(out, self.rest_.data(), count);
        self.rest_ = self.rest_.subspan(count);
    }
    [[noreturn]] void throw_error(const char* reason) const {
        fail<IoError>("{}: cannot be read as PNG: {}", name_, reason);
    }

    std::span<const std::byte> rest_;
    std::size_t size_;
    std::string name_;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    std::jmp_buf jump_;
    char message_[200] = {};
};

}  // namespace

std::unique_ptr<ImageDecoder> png_decoder(std::span<const std::byte> bytes, const std::string& name) {
    return std::make_unique<PngDecoder>(bytes, name);
}
#else
std::unique_ptr<ImageDecoder> png_decoder(std::span<const std::byte>, const std::string&) { return nullptr; }
#endif

}  // namespace adjoint::data
