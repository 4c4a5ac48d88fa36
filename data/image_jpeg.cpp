// JPEG files by libjpeg-turbo.
#include <adjoint/data/image_decoder.h>

#ifdef ADJOINT_WITH_JPEG
#include <cstdio>

#include <jerror.h>
#include <jpeglib.h>

#include <adjoint/core/base/format.h>
#endif

namespace adjoint::data {

#ifdef ADJOINT_WITH_JPEG
namespace {

class JpegDecoder final : public ImageDecoder {
  public:
    JpegDecoder(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {
        jpeg_.err = jpeg_std_error(&handler_);
        handler_.error_exit = failed;
        handler_.emit_message = warned;
        jpeg_.client_data = this;
        monitor_.progress_monitor = watch_scans;
    }
    ~JpegDecoder() override { jpeg_destroy_decompress(&jpeg_); }

    Header header() override {
        const bool done = without_jump(jump_, [this] {
            jpeg_create_decompress(&jpeg_);
            jpeg_.progress = &monitor_;
            jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
            jpeg_read_header(&jpeg_, TRUE);
            jpeg_.out_color_space = jpeg_.jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
            jpeg_calc_output_dimensions(&jpeg_);
        });
        if (!done) throw_error(message_);
        // A block of 64 pixels takes two bits at least, unless runs of blocks or fractions of bits are coded.
        const bool dense = jpeg_.progressive_mode == FALSE && jpeg_.arith_code == FALSE;
        return {.width = jpeg_.output_width,
                .height = jpeg_.output_height,
                .channels = static_cast<std::uint64_t>(jpeg_.out_color_components),
                .most_pixels = bytes_.size() * (dense ? std::uint64_t{64 * 4} : std::uint64_t{64} << 13)};
    }

    void pixels(std::span<std::uint8_t> out) override {
        std::uint8_t* const first = out.data();
        const std::size_t size = out.size();
        const bool done = without_jump(jump_, [this, first, size] {
            jpeg_start_decompress(&jpeg_);
            const std::size_t row =
                std::size_t{jpeg_.output_width} * static_cast<std::size_t>(jpeg_.output_components);
            if (row * jpeg_.output_height != size) ERREXIT(&jpeg_, JERR_WIDTH_OVERFLOW);
            while (jpeg_.output_scanline < jpeg_.output_height) {
                JSAMPROW place = first + row * jpeg_.output_scanline;
                jpeg_read_scanlines(&jpeg_, &place, 1);
            }
            jpeg_finish_decompress(&jpeg_);
        });
        if (!done) throw_error(message_);
    }

  private:
    static constexpr int most_scans = 500;

    static JpegDecoder& of(j_common_ptr jpeg) { return *static_cast<JpegDecoder*>(jpeg->client_data); }
    [[noreturn]] static void failed(j_common_ptr jpeg) {
        JpegDecoder& self = of(jpeg);
        jpeg->err->format_message(jpeg, self.message_);
        std::longjmp(self.jump_, 1);
    }
    // The library goes on with grey where data is damaged or missing: an error here.
    static void warned(j_common_ptr jpeg, int level) {
        const int code = jpeg->err->msg_code;
        if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM) failed(jpeg);
    }
    // A small file can have any number of scans, each of which goes over the whole image.
    static void watch_scans(j_common_ptr jpeg) {
        if (jpeg->is_decompressor != FALSE &&
            reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number > most_scans) {
            std::snprintf(of(jpeg).message_, sizeof of(jpeg).message_, "more than %d scans", most_scans);
            std::longjmp(of(jpeg).jump_, 1);
        }
    }
    [[noreturn]] void throw_error(const char* reason) const {
        fail<IoError>("{}: cannot be read as JPEG: {}", name_, reason);
    }

    std::span<const std::byte> bytes_;
    std::string name_;
    jpeg_decompress_struct jpeg_{};
    jpeg_error_mgr handler_{};
    jpeg_progress_mgr monitor_{};
    std::jmp_buf jump_;
    char message_[JMSG_LENGTH_MAX] = {};
};

}  // namespace

std::unique_ptr<ImageDecoder> jpeg_decoder(std::span<const std::byte> bytes, const std::string& name) {
    return std::make_unique<JpegDecoder>(bytes, name);
}
#else
std::unique_ptr<ImageDecoder> jpeg_decoder(std::span<const std::byte>, const std::string&) { return nullptr; }
#endif

}  // namespace adjoint::data
